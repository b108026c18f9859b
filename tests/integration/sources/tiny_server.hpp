// A small HTTP server for tests, in the test's own io_context: every request goes to one function, and what
// that returns is sent as it is, so that it can lie in any way: wrong lengths, garbage, silence, half a reply.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>

namespace homeostat::test {

struct RawReply {
  std::string bytes;    ///< status line, headers, body
  bool close = false;   ///< hang up afterwards
  bool silent = false;  ///< never answer
};

/// A well-formed reply with this status and body.
[[nodiscard]] RawReply reply_with(const std::string& body, int status = 200);

class TinyServer {
 public:
  using Handler = std::function<RawReply(const std::string& target, const std::string& body)>;
  TinyServer(boost::asio::io_context& io, Handler handler);
  ~TinyServer();
  TinyServer(const TinyServer&) = delete;
  TinyServer& operator=(const TinyServer&) = delete;

  [[nodiscard]] std::string url() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace homeostat::test
