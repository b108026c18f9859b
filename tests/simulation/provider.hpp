// One JSON-RPC provider of the simulation: sees the model chain late, answers in real bytes, and at times fails,
// lies or serves somebody else's view. What it says is decided per exchange, from its own random numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/sources/fault.hpp"
#include "daemon/sources/outside.hpp"
#include "tests/simulation/model_chain.hpp"

namespace homeostat::simulation {

/// How a provider misbehaves, one at a time. `kWays` in provider.cpp says of each whether the product can tell it
/// from one provider alone.
enum class Way : std::uint8_t {
  honest,
  // It fails.
  refuses_connections,
  never_answers,
  answers_slowly,
  http_503,
  http_429,
  http_429_in_json,
  truncates_json,
  html_instead_of_json,
  wrong_ids,
  answers_twice,
  loses_answers,
  internal_errors,
  null_blocks,
  null_latest,
  too_many_results,
  // It serves a view that is not the newest.
  frozen,       ///< a cache that still answers what was true when it broke
  lags,         ///< some blocks behind
  equivocates,  ///< a load balancer before two nodes with two views
  // It lies.
  wrong_chain,
  empty_logs,
  log_wrong_hash,
  log_wrong_number,
  log_twice,
  log_removed,
  header_wrong_number,
  header_wrong_parent,
  header_time_runs_back,
  header_from_the_future,
  finalized_above_head,
  // It lies, and alone nobody could tell.
  empty_logs_in_ranges,
  partial_logs,
  forged_amounts,
  forged_branch,
  finalized_too_early,
};
inline constexpr std::size_t kWayCount = 35;
struct WayFacts {
  std::string_view name;
  bool needs_comparison = false;  ///< only another provider, or a proof, shows it
};
[[nodiscard]] const WayFacts& facts_of(Way way);

/// What a node sees: a branch, and how far it holds it safe and final.
struct View {
  std::size_t head = 0;  ///< position in the model chain
  std::uint64_t safe = 0;
  std::uint64_t finalized = 0;
};

/// How a provider is, honest or not.
struct Character {
  std::uint64_t range_max = UINT64_MAX;    ///< blocks in one eth_getLogs
  std::uint64_t results_max = UINT64_MAX;  ///< logs in one eth_getLogs
  std::uint32_t batch_max = UINT32_MAX;    ///< calls in one batch
  bool tells_block_times = false;          ///< in logs
  bool shuffles_logs = false;
  bool knows_finality = true;      ///< the tags safe and finalized
  bool empty_for_unknown = false;  ///< no error but no logs for a block hash it does not know
  Duration latency = Duration::milliseconds(20);
};

/// An answer takes at most so many times a provider's latency.
inline constexpr std::int64_t kLatencyMost = 2;

struct Answer {
  Duration after;
  bool never = false;
  sources::Fetch<sources::HttpReply> reply;
};

class Provider {
 public:
  Provider(const ModelChain& chain, std::uint64_t chain_id, Character character, std::uint64_t seed);

  /// What it sees from now on; a frozen one does not.
  void see(const View& view);
  void behave(Way way);
  [[nodiscard]] Way way() const { return way_; }
  [[nodiscard]] const View& view() const { return views_.back(); }

  [[nodiscard]] Answer answer(std::string_view request);
  /// The head as newHeads tells it.
  [[nodiscard]] std::string head_notification() const;
  [[nodiscard]] std::string chain_id_text() const;

  std::uint64_t exchanges = 0;
  std::uint64_t calls = 0;
  std::uint64_t turns = 0;  ///< exchanges that begin with the chain id: one for each try

 private:
  struct Asked {
    std::string_view id;
    std::string_view method;
    std::string_view params;
  };
  [[nodiscard]] static std::vector<Asked> parse(std::string_view request);
  [[nodiscard]] std::string result_of(const Asked& asked, const View& view);
  [[nodiscard]] std::string header_by_number(std::string_view params, const View& view);
  [[nodiscard]] std::string header(std::size_t at);
  [[nodiscard]] std::string forged_header(const View& view, std::uint64_t number);
  [[nodiscard]] std::string logs(std::string_view params, const View& view);
  void append_logs(std::string& out, std::size_t at, std::string_view filter, std::uint64_t& count, bool in_range);
  [[nodiscard]] std::string too_many(std::uint64_t from, std::uint64_t to);
  [[nodiscard]] bool now_and_then() { return random_.chance(often_); }
  [[nodiscard]] View view_to_serve();

  const ModelChain& chain_;
  std::uint64_t chain_id_;
  Character character_;
  Random random_;
  std::vector<View> views_;  ///< newest last, a few
  std::size_t known_ = 0;    ///< blocks of the tree up to here have reached it
  Way way_ = Way::honest;
  double often_ = 1;  ///< how often it misbehaves while it does
  std::uint64_t dialect_ = 0;
  bool asked_by_number_ = false;  ///< the last exchange ended with a block by its number
};

}  // namespace homeostat::simulation
