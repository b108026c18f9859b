// A real EVM node for tests and benchmarks: starts anvil on a free port, talks JSON-RPC to it and ends it.
// With it comes a contract assembled by hand that emits as many logs as it is told to.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "daemon/sources/settings.hpp"

namespace homeostat::test {

class Anvil {
 public:
  struct Options {
    std::uint16_t port = 0;  ///< 0 = any free one
    std::uint64_t chain_id = 31337;
    std::vector<std::string> more;  ///< further arguments
  };
  /// Blocks until the node listens; throws std::runtime_error when it does not.
  Anvil() : Anvil(Options{}) {}
  explicit Anvil(Options options);
  ~Anvil();
  Anvil(const Anvil&) = delete;
  Anvil& operator=(const Anvil&) = delete;

  /// Ends the process: SIGTERM lets it write its state, SIGKILL does not. Waits for it.
  void end(int signal);
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string http() const { return "http://127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] std::string ws() const { return "ws://127.0.0.1:" + std::to_string(port_); }

  /// The `result` as JSON text; throws on an error.
  std::string call(const std::string& method, const std::string& params = "[]") const;
  void mine(std::uint64_t blocks) const;
  [[nodiscard]] std::uint64_t block_number() const;

  /// Deploys the emitter and returns its address; the same in every fresh chain.
  sources::Address deploy_emitter() const;
  /// Mines a block in which the emitter emits `count` times Tip(viewer, creator, amount).
  void tip(const sources::Address& emitter, std::uint64_t viewer, std::uint64_t amount, std::uint64_t count = 1) const;
  /// The same without mining: the transaction waits for the next block.
  void send_tips(const sources::Address& emitter, std::uint64_t viewer, std::uint64_t amount,
                 std::uint64_t count) const;

 private:
  void wait_for_port();

  pid_t pid_ = -1;
  int output_ = -1;
  std::thread drain_;  ///< reads what it prints: a full pipe would stop the node
  std::uint16_t port_ = 0;
};

inline constexpr const char* kTip = "event Tip(address indexed viewer, address indexed creator, uint256 amount)";

}  // namespace homeostat::test
