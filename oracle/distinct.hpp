// How many different keys were seen in a moving window: exact up to a bound, an estimate with a stated
// error beyond it.
//
// Exact: each key with the newest bucket it was seen in. When more than `exact_max` keys are alive, each
// bucket turns into a HyperLogLog of 4096 registers [Flajolet et al. 2007] with Ertl's estimator
// [Ertl 2017, "New cardinality estimation algorithms for HyperLogLog sketches", algorithm 6], which needs no bias table
// and only basic arithmetic; the estimate of the window is that of the union of its buckets. It goes
// back to exact when the window has emptied. The hash is our own and fixed, so a replay gives the same
// bits; it is not keyed, so someone who can choose keys freely can shift the estimate.
#pragma once

#include <map>

#include "oracle/observation.hpp"
#include "oracle/window.hpp"

namespace homeostat::oracle {

/// Standard error of the estimate: 1.04 / sqrt(4096 registers).
inline constexpr double kSketchErrorRatio = 0.01625;

class DistinctWindow {
 public:
  struct Count {
    double keys = 0;
    double error_ratio = 0;  ///< 0 = exact
  };

  DistinctWindow(TimeGrid grid, std::uint32_t exact_max) : grid_(grid), exact_max_(exact_max) {}

  void add(Instant t, const Word& key);
  /// Of the window that ends at `at`; moves the window on to it.
  [[nodiscard]] Count count(Instant at);

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.started_), a(x.newest_), a(x.is_sketch_), a(x.last_seen_), a(x.sketches_);
    if constexpr (!std::is_const_v<Self>) {
      if (!x.is_consistent()) a.fail();
      x.is_counted_ = false;
    }
  }

 private:
  static constexpr int kIndexBits = 12;
  static constexpr std::size_t kRegisters = std::size_t{1} << kIndexBits;
  using Sketch = std::vector<std::uint8_t>;  ///< empty, or one rank per register

  void advance(std::int64_t index);
  void add_to_sketch(std::int64_t index, const Word& key);
  void turn_into_sketches();
  [[nodiscard]] double estimate() const;
  [[nodiscard]] bool is_consistent() const;

  TimeGrid grid_;
  std::uint32_t exact_max_;
  bool started_ = false;
  bool is_sketch_ = false;
  std::int64_t newest_ = 0;
  std::map<Word, std::int64_t> last_seen_;  ///< exact: key -> newest bucket
  std::vector<Sketch> sketches_;            ///< by slot of the bucket
  bool is_counted_ = false;                 ///< estimated_ is that of the present sketches
  double estimated_ = 0;
};

}  // namespace homeostat::oracle
