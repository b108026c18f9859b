// How many blocks the next eth_getLogs asks for. Pure. Grows while the node obliges, shrinks when it
// refuses or when a segment would become too large, and never asks again for what was just refused.
#pragma once

#include <cstdint>
#include <optional>

namespace homeostat::sources {

class RangeSizer {
 public:
  /// Both at least 1.
  RangeSizer(std::uint64_t range_max, std::uint64_t logs_target);

  [[nodiscard]] std::uint64_t blocks() const { return blocks_; }
  /// A range of `blocks` gave `logs`. Doubles until the first refusal, then grows by an eighth.
  void succeeded(std::uint64_t blocks, std::uint64_t logs);
  /// A range of `blocks` was refused. The node's hint counts only if it is smaller than what was asked
  /// (some nodes offer the very range they refused); otherwise half. False when it was a single block:
  /// nothing smaller exists.
  [[nodiscard]] bool refused(std::uint64_t blocks, std::optional<std::uint64_t> hint);

 private:
  std::uint64_t max_;
  std::uint64_t logs_target_;
  std::uint64_t blocks_;
  bool refused_before_ = false;
};

}  // namespace homeostat::sources
