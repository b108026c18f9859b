// What comes out: a Reading per metric and tick, with its quality and why, and a Verdict per sample.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/shared_text.hpp"
#include "core/time.hpp"
#include "oracle/observation.hpp"

namespace homeostat::oracle {

/// How far a reading can be trusted; ascending, worst last.
enum class Quality : std::uint8_t {
  ok,
  degraded,      ///< usable: fewer sources than configured (quorum still met), or coverage building up
  rate_limited,  ///< usable: samples of it were refused for their rate since the last tick
  held,          ///< the last good value, because this tick gave none (quorum lost, division by zero)
  stale,         ///< the last good value, older than the metric allows
  halted,        ///< not to be acted on until its cause is cleared
};
constexpr Quality last_of(Quality) {
  return Quality::halted;
}
static_assert(Quality::ok < Quality::degraded && Quality::degraded < Quality::rate_limited &&
              Quality::rate_limited < Quality::held && Quality::held < Quality::stale &&
              Quality::stale < Quality::halted);

/// A usable reading may be acted on and integrated; the others freeze integrators and hold outputs.
[[nodiscard]] constexpr bool is_usable(Quality q) {
  return q < Quality::held;
}

/// What a quality is worth, the one place that says so: a loop goes all the way to what its law asks for on a good
/// reading, half of it in each step on a doubtful one, so that one odd value moves half as much and a lasting one
/// arrives all the same, and nowhere on one that is not usable.
[[nodiscard]] constexpr double authority_of(Quality q) {
  return q == Quality::ok ? 1 : is_usable(q) ? 0.5 : 0;
}

/// The most that a reading is worth whose sensor does not answer to its actuator. Not 0: a plant that rested comes back
/// only when it is moved. Half of what a doubtful reading is worth, so that less is done the longer nothing answers.
inline constexpr double kDoubtedAuthority = 0.25;

[[nodiscard]] constexpr std::string_view name_of(Quality q) {
  switch (q) {
    case Quality::ok: return "ok";
    case Quality::degraded: return "degraded";
    case Quality::rate_limited: return "rate_limited";
    case Quality::held: return "held";
    case Quality::stale: return "stale";
    case Quality::halted: return "halted";
  }
  return "?";
}

/// Where a reading's newest contribution came from.
struct Provenance {
  SharedText source;
  Instant time;                ///< by the source's clock (block time for a chain)
  std::uint64_t sequence = 0;  ///< sample sequence, or block number
  std::uint32_t log_index = 0;
  Hash32 block{};  ///< zero unless a chain

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.source), a(x.time), a(x.sequence), a(x.log_index), a(x.block);
  }
};

/// The value of one metric at one tick. `value` is finite always; before the first good value it is
/// the metric's lower bound and the quality is `stale` with reason "no value yet".
struct Reading {
  double value = 0;  ///< in the metric's unit
  Quality quality = Quality::stale;
  SharedText reason;          ///< empty when quality is ok
  Instant time;               ///< source time of the newest contribution; never = no value yet
  Duration age;               ///< tick time - time
  std::uint32_t sources = 0;  ///< independent sources that contributed
  std::uint64_t count = 0;    ///< contributions inside the window
  double error_ratio = 0;     ///< stated relative error of the value (distinct sketch), 0 = exact
  /// Contributions of blocks that are not final yet: a reorg would take them back. 0 = it rests on final blocks.
  std::uint64_t provisional = 0;
  Provenance provenance;
  /// How much of a law's step may be made on it, 0 to 1: the least of what the quality is worth (authority_of) and the
  /// share of the liquidity that the metric asks for. Of an expression also of its operands'. 0 unless usable.
  double authority = 0;
  double confidence = 0;  ///< half-width of where the value may be, as the sources state it; 0 = none stated
  /// How far the sources' quorum is from what the guard accepts, |ln|; 0 = they do not contradict each other.
  double guard_gap = 0;
  bool guard_suspect = false;  ///< they have for so long that the guard may be what is wrong
  /// Event time up to which it is complete: no source it depends on will add anything older, but one that has been
  /// silent for longer than staleness_max. Never = nothing was accepted yet. See oracle/watermark.hpp.
  Instant watermark;
  bool unresponsive = false;  ///< its actuators moved and it did not, see engine/plausibility.hpp

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.value), a(x.quality), a(x.reason), a(x.time), a(x.age), a(x.sources), a(x.count), a(x.error_ratio),
        a(x.provisional), a(x.provenance), a(x.authority), a(x.confidence), a(x.guard_gap), a(x.guard_suspect),
        a(x.watermark), a(x.unresponsive);
  }
};

/// Why a sample was refused, in the order in which it is checked.
enum class Refusal : std::uint8_t {
  none,
  unknown_source,
  unknown_metric,    ///< the metric does not exist, or is not fed by this source
  duplicate,         ///< this (source, sequence) was already taken
  sequence_too_old,  ///< further back than duplicates can be told apart (kSequenceWindow)
  not_finite,
  out_of_bounds,
  out_of_order,  ///< source time before the last accepted one of this source and metric, which promises order
  late,          ///< before the watermark of this source and metric: later than the source's allowed lateness
  in_future,
  too_old,  ///< already stale by the source's own clock
  rate_limited,
  rate_of_change,
};
inline constexpr std::size_t kRefusalCount = 13;

[[nodiscard]] constexpr std::string_view name_of(Refusal r) {
  constexpr std::array<std::string_view, kRefusalCount> names = {
      "none",       "unknown_source", "unknown_metric", "duplicate", "sequence_too_old",
      "not_finite", "out_of_bounds",  "out_of_order",   "late",      "in_future",
      "too_old",    "rate_limited",   "rate_of_change"};
  return names[static_cast<std::size_t>(r)];
}

/// One refused sample of a batch; samples that are not listed were accepted.
struct Verdict {
  std::uint32_t index = 0;  ///< into SampleBatch::samples
  Refusal refusal = Refusal::none;
  std::string message;  ///< what, the allowed range, the nearest right thing

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.index), a(x.refusal), a(x.message);
  }
};

struct BatchVerdict {
  std::uint32_t accepted = 0;
  std::vector<Verdict> refused;

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.accepted), a(x.refused);
  }
};

}  // namespace homeostat::oracle
