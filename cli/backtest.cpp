#include "cli/backtest.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "daemon/journal/connection.hpp"
#include "daemon/journal/reader.hpp"
#include "daemon/journal/store.hpp"

namespace homeostat::cli {
namespace {

struct Start {
  engine::Engine engine;
  std::uint64_t seq = 0;
  Instant at;
};

/// The engine after the newest snapshot that is not behind `from`, or after the oldest one.
Result<Start> start_of(const BacktestOptions& options) {
  auto db = journal::open_for_reading(journal::database_file(options.journal));
  if (!db) return tl::make_unexpected(db.error());
  const auto seqs = journal::snapshot_seqs(*db);
  if (!seqs) return tl::make_unexpected(seqs.error());
  if (seqs->empty()) return fail(ErrorCode::missing, "journal", "it holds no snapshot to start from");
  std::uint64_t best = seqs->front();
  for (const std::uint64_t seq : *seqs) {
    if (options.from != 0 && seq <= options.from) best = seq;
  }
  if (options.from != 0 && best > options.from) {
    return fail(ErrorCode::out_of_range, "--from",
                fmt::format("{} is before the oldest snapshot kept, which is after input {}", options.from, best));
  }
  const auto snapshot = journal::read_snapshot(*db, best);
  if (!snapshot) return tl::make_unexpected(snapshot.error());
  const auto policy = options.loader(snapshot->policy_text);
  if (!policy) return tl::make_unexpected(policy.error());
  auto engine = engine::Engine::load(*policy, snapshot->state);
  if (!engine) return tl::make_unexpected(engine.error());
  return Start{std::move(*engine), best, snapshot->at};
}

}  // namespace

Result<Backtest> backtest(const BacktestOptions& options) {
  auto start = start_of(options);
  if (!start) return tl::make_unexpected(start.error());
  auto reader = journal::JournalReader::open(options.journal);
  if (!reader) return tl::make_unexpected(reader.error());
  const auto newest = reader->last_seq();
  if (!newest) return tl::make_unexpected(newest.error());
  const std::uint64_t to = options.to == 0 ? *newest : std::min(options.to, *newest);
  const std::uint64_t fork_after = std::max(options.from, start->seq);
  const Instant at = options.fork_at.is_never() ? start->at : options.fork_at;
  std::optional<engine::Shadow> shadow;
  Result<> inner;
  const auto fork_if_due = [&](std::uint64_t seq) {
    if (shadow || seq < fork_after) return;
    auto forked = engine::Shadow::fork(start->engine, options.candidate, options.candidate_text, at);
    if (forked) {
      shadow.emplace(std::move(*forked));
    } else {
      inner = tl::make_unexpected(forked.error());
    }
  };
  fork_if_due(start->seq);
  std::uint64_t inputs = 0;
  std::uint64_t last = start->seq;
  if (inner && start->seq < to) {
    const auto read = reader->read(start->seq + 1, [&](std::uint64_t seq, std::string_view bytes) {
      if (seq > to) return false;
      const auto input = engine::decode(bytes, options.loader);
      if (!input) {
        inner = fail(ErrorCode::corrupt, fmt::format("journal input {}", seq), input.error().text());
        return false;
      }
      const engine::Effects effects = start->engine.apply(*input);
      last = seq;
      if (shadow) {
        shadow->apply(*input, engine::live_decisions(effects));
        ++inputs;
      }
      fork_if_due(seq);
      if (options.progress) options.progress(seq - start->seq, to - start->seq);
      return inner.has_value();
    });
    if (!read) return tl::make_unexpected(read.error());
  }
  if (!inner) return tl::make_unexpected(inner.error());
  if (!shadow)
    return fail(ErrorCode::out_of_range, "--from", fmt::format("{} is behind the last input {}", options.from, last));
  return Backtest{.from = fork_after, .to = last, .inputs = inputs, .shadow = std::move(*shadow)};
}

}  // namespace homeostat::cli
