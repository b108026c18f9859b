#include "daemon/sources/range_sizer.hpp"

#include <algorithm>

namespace homeostat::sources {
namespace {
constexpr std::uint64_t kFirstRange = 500;  // small enough for every public node seen, large enough to grow from
}

RangeSizer::RangeSizer(std::uint64_t range_max, std::uint64_t logs_target)
    : max_(std::max<std::uint64_t>(range_max, 1)),
      logs_target_(std::max<std::uint64_t>(logs_target, 1)),
      blocks_(std::min(max_, kFirstRange)) {}

void RangeSizer::succeeded(std::uint64_t blocks, std::uint64_t logs) {
  if (logs > logs_target_) {
    // Density seen: logs / blocks. Aim at the target, in 128 bits because both factors come from outside.
    const auto fitting = static_cast<unsigned __int128>(blocks) * logs_target_ / logs;
    blocks_ = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(fitting), 1, max_);
    return;
  }
  if (blocks < blocks_) return;  // a short range at the end of a backfill says nothing about longer ones
  const std::uint64_t step = refused_before_ ? std::max<std::uint64_t>(blocks_ / 8, 1) : blocks_;
  blocks_ = std::min(max_, blocks_ + step);
  // Do not overshoot the target by growing: at this density the doubled range would be cut again.
  if (logs > 0) {
    const auto fitting = static_cast<unsigned __int128>(blocks) * logs_target_ / logs;
    if (fitting < blocks_) blocks_ = std::max<std::uint64_t>(static_cast<std::uint64_t>(fitting), 1);
  }
}

bool RangeSizer::refused(std::uint64_t blocks, std::optional<std::uint64_t> hint) {
  refused_before_ = true;
  if (blocks <= 1) return false;
  blocks_ = hint && *hint > 0 && *hint < blocks ? *hint : blocks / 2;
  blocks_ = std::min(blocks_, max_);
  return true;
}

}  // namespace homeostat::sources
