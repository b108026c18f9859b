// Replay: the proof that a journal gives the same decisions again.
//
// The engine is set to the oldest kept snapshot (or, with `first_policy`, to its first state) and every later input is
// applied again. Every decision record made on the way, answers included, is compared byte for byte with the stored
// one, and the engine's state and running decision hash with every later snapshot. Reads only; a daemon may be running.
//
// Two differences are no divergence: decisions of the last inputs that were not stored yet (the daemon stores them just
// after it decided; after kill -9 it makes them again), and decisions that retention removed. Both are counted.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "core/result.hpp"
#include "engine/codec.hpp"
#include "engine/engine.hpp"

namespace homeostat::cli {

/// The first thing that came out differently.
struct Divergence {
  std::string text;            ///< one sentence
  std::uint64_t sequence = 0;  ///< of the input that caused it
  std::uint64_t decision = 0;  ///< id, 0 = it is about a snapshot
  std::optional<engine::DecisionRecord> stored;
  std::optional<engine::DecisionRecord> replayed;
};

struct ReplayReport {
  std::uint64_t from_sequence = 0;  ///< the state it started from is the one after this input
  std::uint64_t last_sequence = 0;  ///< the last input applied
  std::uint64_t inputs = 0;
  std::uint64_t decisions = 0;   ///< records found equal: new ones, and earlier ones that got their answer
  std::uint64_t not_stored = 0;  ///< made again, and not stored yet
  std::uint64_t pruned = 0;      ///< made again, and removed by retention
  std::uint64_t snapshots = 0;   ///< compared and found equal
  std::string state_hash;        ///< hex, at the end
  std::string decisions_hash;    ///< hex, at the end
  std::optional<Divergence> divergence;

  [[nodiscard]] bool is_identical() const { return !divergence.has_value(); }
};

struct ReplayOptions {
  std::filesystem::path journal;   ///< a journal's directory, or a backup file
  engine::PolicyLoader loader;     ///< makes a policy of its text
  engine::PolicyPtr first_policy;  ///< set: start before the first input, with this policy
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;  ///< may be empty
};

/// Errors: what the journal's reader reports (missing, corrupt, ...); missing (no snapshot); out_of_range (first_policy
/// with a journal whose first inputs were pruned); conflict (a policy that this version no longer accepts).
[[nodiscard]] Result<ReplayReport> replay(const ReplayOptions& options);

}  // namespace homeostat::cli
