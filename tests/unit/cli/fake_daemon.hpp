// A gRPC server on a free port of loopback that answers every read with fixed data and every order with an echo, so
// that what the command prints can be compared to the letter. Refusals are chosen by name.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace homeostat::cli::test {

class FakeDaemon {
 public:
  FakeDaemon();
  ~FakeDaemon();

  [[nodiscard]] std::string endpoint() const;
  /// The orders received, each as its message's short text.
  [[nodiscard]] std::vector<std::string> orders() const;

 private:
  struct Server;
  std::unique_ptr<Server> server_;
};

}  // namespace homeostat::cli::test
