#include "oracle/distinct.hpp"

#include <algorithm>
#include <cmath>

namespace homeostat::oracle {

void DistinctWindow::add(Instant t, const Word& key) {
  const std::int64_t index = grid_.index(t);
  advance(index);
  if (index <= newest_ - grid_.size()) return;
  if (is_sketch()) {
    sketch_.add(index, sketch_hash(key, hash_key_));
    is_counted_ = false;
    return;
  }
  auto [it, is_new] = last_seen_.try_emplace(key, index);
  if (!is_new) it->second = std::max(it->second, index);
  if (last_seen_.size() > exact_max_) turn_into_sketch();
}

DistinctWindow::Count DistinctWindow::count(Instant at) {
  if (!started_) return {};
  advance(grid_.index(at));
  if (!is_sketch()) return {.keys = static_cast<double>(last_seen_.size())};
  if (!is_counted_) {
    estimated_ = std::floor(sketch_.estimate() + 0.5);
    is_counted_ = true;
  }
  return {.keys = estimated_, .error_ratio = kSketchErrorRatio};
}

Result<> DistinctWindow::merge(const DistinctWindow& other) {
  if (grid_ != other.grid_ || exact_max_ != other.exact_max_ || hash_key_ != other.hash_key_) {
    return fail(ErrorCode::conflict, "distinct",
                "only counts of the same window, buckets, exact_max and hash_key can be merged");
  }
  if (!other.started_) return {};
  advance(other.newest_);
  DistinctWindow that = other;
  that.advance(newest_);
  if (that.is_sketch()) {
    if (!is_sketch()) turn_into_sketch();
    sketch_.merge(that.sketch_);
    sketch_.advance(newest_);
  } else {
    add_seen(that.last_seen_);
  }
  is_counted_ = false;
  return {};
}

void DistinctWindow::add_seen(const std::map<Word, std::int64_t>& seen) {
  for (const auto& [key, index] : seen) {
    if (is_sketch()) {
      sketch_.add(index, sketch_hash(key, hash_key_));
      continue;
    }
    std::int64_t& newest = last_seen_.try_emplace(key, index).first->second;
    newest = std::max(newest, index);
  }
  if (last_seen_.size() > exact_max_) turn_into_sketch();
}

void DistinctWindow::advance(std::int64_t index) {
  if (!started_) {
    started_ = true;
    newest_ = index;
  }
  if (index <= newest_) return;
  newest_ = index;
  if (is_sketch()) {
    sketch_.advance(index);
    is_counted_ = false;
    return;
  }
  std::erase_if(last_seen_, [&](const auto& seen) { return seen.second <= newest_ - grid_.size(); });
}

void DistinctWindow::turn_into_sketch() {
  for (const auto& [key, index] : last_seen_) sketch_.add(index, sketch_hash(key, hash_key_));
  last_seen_.clear();
  sketch_.advance(newest_);
}

bool DistinctWindow::is_consistent() const {
  if (last_seen_.size() > exact_max_ || newest_ < -kIndexMax || newest_ > kIndexMax) return false;
  return !is_sketch() || (last_seen_.empty() && started_ && sketch_.newest() == newest_);
}

}  // namespace homeostat::oracle
