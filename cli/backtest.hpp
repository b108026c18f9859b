// A candidate configuration run over a journal beside the engine that wrote it: the same shadow as a running daemon's
// (engine/shadow.hpp), fed by the journal's inputs. Reads only; a daemon may be running.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "core/result.hpp"
#include "engine/codec.hpp"
#include "engine/shadow.hpp"

namespace homeostat::cli {

struct BacktestOptions {
  std::filesystem::path journal;
  engine::PolicyLoader loader;
  engine::PolicyPtr candidate;
  std::string candidate_text;
  std::uint64_t from = 0;  ///< fork after this input; 0 = as early as the journal allows
  std::uint64_t to = 0;    ///< the last input; 0 = all
  Instant fork_at;         ///< what the fork is stamped with; never = the time of the snapshot it starts from
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;
};

struct Backtest {
  std::uint64_t from = 0;  ///< forked after this input
  std::uint64_t to = 0;
  std::uint64_t inputs = 0;  ///< that the shadow got
  engine::Shadow shadow;
};

/// Errors: what the journal's reader reports; missing (no snapshot before `from`); conflict (the candidate does not
/// fit).
[[nodiscard]] Result<Backtest> backtest(const BacktestOptions& options);

}  // namespace homeostat::cli
