// What comes in: samples pushed or scraped from off-chain sources, and segments of a chain.
// Names travel as text (they must outlive a configuration change in the journal); the oracle
// resolves them once per batch.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/time.hpp"

namespace homeostat::oracle {

/// One value of one metric, as its source says it.
struct Sample {
  std::uint32_t metric = 0;  ///< index into SampleBatch::metrics
  Instant time;              ///< by the source's own clock
  double value = 0;          ///< in the metric's unit

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.metric), a(x.time), a(x.value);
  }
};

/// What a source may say of one sample beside its value.
struct SampleDetail {
  std::uint32_t sample = 0;  ///< index into SampleBatch::samples
  double confidence = 0;     ///< half-width of where the value may be, in the metric's unit; >= 0, 0 = none stated
  double liquidity = -1;     ///< depth behind the value, in the unit of the metric's `liquidity`; below 0 = none stated

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.sample), a(x.confidence), a(x.liquidity);
  }
};

inline constexpr std::size_t kSourceCursorBytesMax = std::size_t{64} << 10;

/// Samples of one source. Sample i has sequence `first_sequence + i`; a source numbers its samples
/// from 1 and repeats a number only to send the same sample again.
struct SampleBatch {
  std::string source;
  std::uint64_t first_sequence = 0;
  Instant received;                  ///< read once at the edge
  std::vector<std::string> metrics;  ///< the names that `samples` refer to
  std::vector<Sample> samples;
  std::vector<SampleDetail> details;  ///< ascending by sample; most samples have none
  /// What the source wants to be given back when it starts again, with which these samples belong together. The oracle
  /// only keeps it; empty = as before. At most kSourceCursorBytesMax, or it is not kept.
  std::string cursor;

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.source), a(x.first_sequence), a(x.received), a(x.metrics), a(x.samples), a(x.details), a(x.cursor);
  }
};

using Hash32 = std::array<std::uint8_t, 32>;
/// A 32-byte big-endian EVM word.
using Word = std::array<std::uint8_t, 32>;

/// A log, decoded by its signature. `args` are in declaration order, one word each; an argument of
/// dynamic type (string, bytes, array) is the keccak-256 of its content.
struct ChainEvent {
  std::uint32_t event = 0;  ///< index into ChainSegment::events
  std::uint32_t log_index = 0;
  Hash32 transaction{};
  std::vector<Word> args;

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.event), a(x.log_index), a(x.transaction), a(x.args);
  }
};

struct ChainBlock {
  std::uint64_t number = 0;
  Hash32 hash{};
  Instant time;  ///< the block's own timestamp
  std::vector<ChainEvent> events;

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.number), a(x.hash), a(x.time), a(x.events);
  }
};

/// The blocks `from..to` of one chain, whole: a block that is not listed held no matching log.
/// The last block is always listed. `parent` is the hash of block from - 1 and must be the hash
/// of the head the oracle already has (unless it has none); with `rewind_to` the blocks above it are
/// first taken back, newest first (a reorg), and so is what they contributed. With `from` one above `to` and no
/// blocks it only tells what is new of the ends of the chain whose head is block `to` with the hash `parent`.
struct ChainSegment {
  std::string source;
  Instant received;
  std::optional<std::uint64_t> rewind_to;
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  Hash32 parent{};
  /// Of filters that were added later: a range of their own past, which Oracle::missing_past asked for. `parent` is
  /// the block before, which must be the last one of the range before. The other metrics do not see it.
  bool past = false;
  std::vector<std::string> events;  ///< configured event names that ChainEvent::event refers to
  std::vector<ChainBlock> blocks;   ///< ascending
  std::uint64_t safe = 0;           ///< the chain's safe height as now known, 0 if unknown
  std::uint64_t finalized = 0;      ///< the chain's finalized height as now known, 0 if unknown
  /// Enough providers agree on the blocks up to here: whatever `finalized` says, none above becomes final. None =
  /// one provider's word is enough.
  std::optional<std::uint64_t> agreed;

  [[nodiscard]] bool is_tidings() const { return from == to + 1 && blocks.empty() && !past && !rewind_to; }

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.source), a(x.received), a(x.rewind_to), a(x.from), a(x.to), a(x.parent), a(x.past), a(x.events), a(x.blocks),
        a(x.safe), a(x.finalized), a(x.agreed);
  }
};

/// Most hashes of one chain's blocks that are kept to find the fork point of a reorg. A chain whose finality is
/// further behind than that could not be followed into a deeper one.
inline constexpr std::size_t kRecentBlocksMax = 8192;

/// The blocks above the settled one with the events that wait in them: what a reorg, or providers that contradict
/// each other, may still change.
struct Unsettled {
  struct Event {
    std::string name;
    /// Blocks up to here may lack it: its filter was added later.
    std::uint64_t missing_to = 0;
  };
  std::vector<Event> events;       ///< what ChainEvent::event refers to
  std::vector<ChainBlock> blocks;  ///< ascending
};

/// Final blocks that filters added later have yet to read.
struct MissingPast {
  std::vector<std::string> events;  ///< EventSettings::name
  std::uint64_t from = 0;
  std::uint64_t to = 0;
};

enum class SourceCondition : std::uint8_t {
  connected,
  failing,      ///< no provider answers; readings age until they are stale
  wrong_chain,  ///< every provider answers for another chain id
  violated,     ///< the chain contradicts what was already final
  disputed,     ///< providers contradict each other on a block; what the source says is usable, but degraded
};
constexpr SourceCondition last_of(SourceCondition) {
  return SourceCondition::disputed;
}

/// What the shell knows of a source's connection, so that a hold can say why.
struct SourceReport {
  std::string source;
  Instant at;
  SourceCondition condition = SourceCondition::connected;
  std::string detail;

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.source), a(x.at), a(x.condition), a(x.detail);
  }
};

}  // namespace homeostat::oracle
