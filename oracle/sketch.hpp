// A HyperLogLog over a moving window: how many different keys were seen in the last so many buckets of a time grid,
// within kSketchErrorRatio, in memory that depends neither on the keys nor, beyond a logarithm, on the buckets.
//
// Each of 16384 registers remembers not one rank but those that may yet become the highest of the window: a rank falls
// only to one at least as high in a bucket at least as new [Chabchoub, Hebrail 2010, "Sliding HyperLogLog"]. What
// remains follows from the newest bucket of each key alone, not from the order in which keys came: so the union of two
// sketches is, bit for bit, the sketch of the union, in any order and however often. Some (log2(buckets) + 1) / 2 ranks
// remain a register: 390 kB at 720 buckets, and never more than one per rank, 3.4 MB.
//
// The estimator is Ertl's [Ertl 2017, "New cardinality estimation algorithms for HyperLogLog sketches", algorithm 6]:
// no bias table, basic arithmetic only, and of 64-bit hashes no saturation that counting could reach.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <vector>

#include "oracle/observation.hpp"
#include "oracle/window.hpp"

namespace homeostat::oracle {

/// Standard error of the estimate: 1.04 / sqrt(16384 registers).
inline constexpr double kSketchErrorRatio = 0.008125;

/// The key of a hash. It belongs to the policy, so that a replay gives the same bits and shards of one policy merge.
using HashKey = std::array<std::uint8_t, 16>;

/// The hash of what is counted. Without a key it is a fixed one: whoever can choose what is counted (addresses cost
/// nothing) can compute it. One chosen address per register makes the estimate as high as he likes, and addresses that
/// share a register are hardly seen, however many. With a key that he does not know it is SipHash-2-4
/// [Aumasson, Bernstein 2012].
[[nodiscard]] std::uint64_t sketch_hash(const Word& word, const std::optional<HashKey>& key = std::nullopt);

class SlidingSketch {
 public:
  static constexpr int kIndexBits = 14;
  static constexpr std::size_t kRegisters = std::size_t{1} << kIndexBits;
  /// Leading zeros of the hash's other bits, plus one.
  static constexpr int kRankMax = 64 - kIndexBits + 1;
  /// How many registers have which highest rank; 0 = never hit.
  using Histogram = std::array<int, kRankMax + 1>;

  /// At most 2^20 buckets.
  explicit SlidingSketch(TimeGrid grid);

  /// The key with this hash was seen in that bucket, which moves the window on if it is newer and is left out if it
  /// has fallen out.
  void add(std::int64_t bucket, std::uint64_t hash);
  void advance(std::int64_t bucket);
  /// Takes over what `other` has seen; both must have the same grid.
  void merge(const SlidingSketch& other);

  /// Nothing is left in the window.
  [[nodiscard]] bool empty() const { return groups_.empty(); }
  /// Of an empty sketch it says nothing.
  [[nodiscard]] std::int64_t newest() const { return newest_; }
  /// Different keys in the window.
  [[nodiscard]] double estimate() const { return estimate_of(histogram()); }
  [[nodiscard]] Histogram histogram() const;
  [[nodiscard]] static double estimate_of(const Histogram& histogram);
  [[nodiscard]] std::size_t memory_bytes() const;

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.newest_), a(x.groups_);
    if constexpr (!std::is_const_v<Self>) {
      if (!x.is_consistent()) {
        x = SlidingSketch(x.grid_);
        a.fail();
      }
      x.forget_tops();
    }
  }

 private:
  /// Register within its group (6 bits), 63 - rank (6), slot of the bucket (20): sorted, the ranks of a register fall
  /// and their buckets become newer.
  using Entry = std::uint32_t;
  static constexpr int kSlotBits = 20;
  static constexpr std::size_t kGroupRegisters = 64;
  static constexpr std::size_t kGroups = kRegisters / kGroupRegisters;

  static std::uint32_t register_of(Entry e) { return e >> (kSlotBits + 6); }
  static int rank_of(Entry e) { return 63 - static_cast<int>(e >> kSlotBits & 63); }
  /// How many buckets behind the newest one.
  [[nodiscard]] std::int64_t age_of(Entry e) const {
    const auto slot = static_cast<std::int64_t>(e & ((1u << kSlotBits) - 1));
    return slot <= newest_slot_ ? newest_slot_ - slot : newest_slot_ - slot + grid_.size();
  }
  void insert(std::size_t group, std::uint32_t key, std::int64_t age);
  void forget_tops();
  [[nodiscard]] bool is_consistent();

  TimeGrid grid_;
  std::int64_t newest_ = 0;
  std::int64_t newest_slot_ = 0;
  std::vector<std::vector<Entry>>
      groups_;  ///< none, or kGroups of them; small, because an insertion moves what follows
  /// The highest rank of each register in the newest bucket, as far as it was noticed: nearly all of a large count is
  /// below that and changes nothing.
  std::vector<std::uint8_t> tops_;
};

}  // namespace homeostat::oracle
