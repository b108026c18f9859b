// How many different keys were seen in a moving window: exact up to a bound, an estimate with a stated
// error beyond it.
//
// Exact: each key with the newest bucket it was seen in. When more than `exact_max` keys are alive, they turn into a
// SlidingSketch; it goes back to exact when the window has emptied. Both forms follow from the newest bucket of each
// key alone, so the counts of shards can be put together (merge) and give what one that had seen everything gives.
#pragma once

#include <map>

#include "core/result.hpp"
#include "oracle/observation.hpp"
#include "oracle/sketch.hpp"
#include "oracle/window.hpp"

namespace homeostat::oracle {

class DistinctWindow {
 public:
  struct Count {
    double keys = 0;
    double error_ratio = 0;  ///< standard error; 0 = exact
  };

  DistinctWindow(TimeGrid grid, std::uint32_t exact_max, std::optional<HashKey> hash_key = std::nullopt)
      : grid_(grid), exact_max_(exact_max), hash_key_(hash_key), sketch_(grid) {}

  void add(Instant t, const Word& key);
  /// Of the window that ends at `at`; moves the window on to it.
  [[nodiscard]] Count count(Instant at);

  /// Takes over what another shard has seen; the window ends at the newer of the two ends. Error (nothing is changed):
  /// conflict, when the other's window, buckets, exact_max or hash key differ. Commutative and idempotent; associative
  /// between windows that end in the same bucket, as those do that were counted at the same instant. The union of
  /// sketches has the bits of the sketch of everything. The union of exact shards may still be exact where one that had
  /// seen everything is not, because it was over its bound once; never the other way round.
  [[nodiscard]] Result<> merge(const DistinctWindow& other);

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.started_), a(x.newest_), a(x.last_seen_), a(x.sketch_);
    if constexpr (!std::is_const_v<Self>) {
      if (!x.is_consistent()) a.fail();
      x.is_counted_ = false;
    }
  }

 private:
  [[nodiscard]] bool is_sketch() const { return !sketch_.empty(); }
  void advance(std::int64_t index);
  void add_seen(const std::map<Word, std::int64_t>& seen);
  void turn_into_sketch();
  [[nodiscard]] bool is_consistent() const;

  TimeGrid grid_;
  std::uint32_t exact_max_;
  std::optional<HashKey> hash_key_;
  bool started_ = false;
  std::int64_t newest_ = 0;
  std::map<Word, std::int64_t> last_seen_;  ///< exact: key -> newest bucket
  SlidingSketch sketch_;                    ///< empty as long as it is exact
  bool is_counted_ = false;                 ///< estimated_ is that of the present sketch
  double estimated_ = 0;
};

}  // namespace homeostat::oracle
