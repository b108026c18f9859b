// Whether a Chainlink round may be believed: round, feed parameters and the block's time in, a value or a reason out.
// Pure; the clock is the timestamp of the block that everything was read at.
//
// - The age is that of the observation (`startedAt`), not of its transmission (`updatedAt`): a report that was sent
//   late is old data with a fresh stamp. Older than heartbeat + slack is refused.
// - An answer at or beyond the aggregator's own minAnswer or maxAnswer is refused: beyond them the aggregator cannot
//   follow the market, and near them it is the bound that is published, not a price.
// - Zero and negative answers, missing times, times ahead of the block, and unknown rounds (all zeros) are refused.
// - Rounds only go forward within a phase, in number and in time. A new phase is another aggregator: its parameters
//   are read again, and its first value must lie within `phase_change_max` (on |ln(new / old)|, symmetric) of the last
//   value of the old one.
// - Every hold has an exit: a value that is out of order or too far off is believed when kCoherentRounds rounds in a
//   row, each of the same phase and each that close to the one before, say so.
// - On an L2 the sequencer must be up, and have been so for longer than the grace period: before that, prices of
//   before the outage are acted on by whoever comes first.
//
// Source: libocr contract2/OCR2Aggregator.sol; Chainlink's documentation of L2 sequencer uptime feeds.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/time.hpp"
#include "daemon/sources/chainlink_abi.hpp"

namespace homeostat::sources::chainlink {

enum class Refusal : std::uint8_t {
  none,
  unreadable,         ///< the feed reverted, or its reply is not what a feed answers
  no_round,           ///< unknown round: all zeros
  no_time,            ///< startedAt or updatedAt is zero
  in_future,          ///< a time ahead of the block's
  not_positive,       ///< zero or negative
  wrong_decimals,     ///< not the configured ones
  wrong_description,  ///< not the configured one
  pinned_min,
  pinned_max,
  stale,            ///< observed longer ago than heartbeat + slack
  round_regressed,  ///< a lower round or phase, or an observation before the last one
  phase_jump,       ///< the first value of a new aggregator is too far from the last of the old
  sequencer_down,
  sequencer_grace,    ///< up, but not for long enough
  sequencer_unknown,  ///< the uptime feed cannot be read or was never set
};
inline constexpr std::size_t kRefusalCount = 16;

/// The stable lower-case name, used as a metric label.
[[nodiscard]] constexpr std::string_view name_of(Refusal refusal) {
  constexpr std::array<std::string_view, kRefusalCount> kNames = {
      "none",           "unreadable",        "no_round",        "no_time",          "in_future", "not_positive",
      "wrong_decimals", "wrong_description", "pinned_min",      "pinned_max",       "stale",     "round_regressed",
      "phase_jump",     "sequencer_down",    "sequencer_grace", "sequencer_unknown"};
  return kNames[static_cast<std::size_t>(refusal)];
}

/// Observers' clocks are not the chain's: an observation may seem to lie this far ahead of its block (a block's time is
/// the beginning of its slot, 12 s on Ethereum). Doubling it would let a wrong observer's clock hide a minute of age.
inline constexpr Duration kObservationAheadMax = Duration::seconds(60);
/// Rounds in a row that re-seed a feed. One is a single report; each more costs up to a heartbeat of waiting.
inline constexpr std::uint32_t kCoherentRounds = 3;

/// What is expected of a feed.
struct FeedRules {
  Duration heartbeat = Duration::hours(1);
  Duration slack = Duration::minutes(6);
  double phase_change_max_ratio = 0.1;
  std::optional<std::uint8_t> decimals;  ///< none = as the feed says
  std::string description;               ///< empty = not checked
};

/// What the aggregator of one phase says of itself.
struct Parameters {
  std::uint16_t phase = 0;
  std::uint8_t decimals = 0;
  std::string description;
  std::optional<Int256> answer_min;  ///< none = the aggregator has none
  std::optional<Int256> answer_max;
};

/// The last round believed of a feed: what must outlive a restart, for later rounds are judged by it.
struct Believed {
  std::uint16_t phase = 0;
  std::uint64_t number = 0;
  std::uint64_t started_at_s = 0;
  double value = 0;  ///< in the feed's unit

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.phase), a(x.number), a(x.started_at_s), a(x.value);
  }
};

struct Verdict {
  Refusal refusal = Refusal::none;
  std::string text;  ///< why, for people; empty when accepted
  double value = 0;  ///< in the feed's unit; only when accepted
  Instant time;      ///< of the observation, at most the block's; only when accepted
};

class FeedCheck {
 public:
  explicit FeedCheck(FeedRules rules) : rules_(std::move(rules)) {}

  /// The phase's aggregator is not known yet: learn() first.
  [[nodiscard]] bool needs_parameters(const Round& round) const;
  void learn(Parameters parameters) { parameters_ = std::move(parameters); }
  [[nodiscard]] const std::optional<Parameters>& parameters() const { return parameters_; }

  /// None = no round yet.
  [[nodiscard]] std::optional<Believed> believed() const;
  /// As if that round had been believed just now. A value that no feed could have had is passed over.
  void resume(const Believed& believed);

  /// `round` as read at a block of this time; its parameters must be known unless it is refused without them.
  [[nodiscard]] Verdict judge(const Round& round, Instant block_time);

 private:
  struct Seen {
    Round round;
    double value = 0;
  };
  struct Trial {
    Seen newest;
    std::uint32_t rounds = 1;
  };

  [[nodiscard]] Verdict judge_alone(const Round& round, Instant block_time) const;
  [[nodiscard]] Verdict judge_parameters(const Round& round) const;
  [[nodiscard]] Verdict judge_against_last(const Seen& now) const;
  [[nodiscard]] bool is_close(double a, double b) const;
  [[nodiscard]] bool trial_agrees(const Seen& now);

  FeedRules rules_;
  std::optional<Parameters> parameters_;
  std::optional<Seen> last_;    ///< the last one believed
  std::optional<Trial> trial_;  ///< what might replace it
};

/// None when the sequencer is up (answer 0, since startedAt) for longer than `grace`; else why not, with refusal and
/// text set.
[[nodiscard]] std::optional<Verdict> judge_sequencer(const Round& round, Instant block_time, Duration grace);

}  // namespace homeostat::sources::chainlink
