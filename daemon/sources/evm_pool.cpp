#include "daemon/sources/evm_pool.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

namespace homeostat::sources {

namespace asio = boost::asio;
using oracle::SourceCondition;

EvmPool::EvmPool(const Outside& outside, const EvmSettings& settings, EvmMetrics& metrics, const Sink& sink,
                 EvmReader& reader, Look look)
    : outside_(outside),
      timing_(*outside.timing),
      settings_(settings),
      metrics_(metrics),
      sink_(sink),
      reader_(reader),
      look_(std::move(look)),
      pool_(settings.pool, settings.providers.size(), timing_.now()),
      busy_(settings.providers.size()),
      attempt_done_(timing_.make_timer()) {}

void EvmPool::add(const Endpoint& endpoint) {
  const EvmProvider& provider = settings_.providers[nodes_.size()];
  const auto budget = std::make_shared<RequestBudget>(provider.requests_per_s, provider.burst);
  const auto make_node = [&] {
    return std::make_unique<EvmNode>(outside_, provider, endpoint, settings_, metrics_, budget);
  };
  nodes_.push_back(make_node());
  if (settings_.providers.size() < 2) return;
  probes_.push_back(make_node());
  witnesses_.push_back(make_node());
  probe_timers_.push_back(timing_.make_timer());
}

void EvmPool::start(const std::shared_ptr<void>& keeper) {
  for (std::size_t i = 0; i < probes_.size(); ++i) {
    asio::co_spawn(
        outside_.executor, [this, keeper, i] { return probe(i); }, asio::detached);
  }
}

void EvmPool::stop() {
  stopping_ = true;
  for (const auto& node : nodes_) node->close();
  for (const auto& node : probes_) node->close();
  for (const auto& node : witnesses_) node->close();
  for (const auto& timer : probe_timers_) timer->cancel();
  attempt_done_->cancel();
}

bool EvmPool::is_free(std::size_t provider) const {
  return !busy_[provider] && nodes_[provider]->not_before() <= timing_.now();
}

EvmNode& EvmPool::reserve(std::size_t provider) {
  busy_[provider] = true;
  return *nodes_[provider];
}

asio::awaitable<void> EvmPool::run_attempt(std::shared_ptr<Attempt> attempt) {
  EvmNode& node = *nodes_[attempt->provider];
  try {
    attempt->result = co_await look_(*attempt);
  } catch (const std::exception& e) {  // out of memory
    attempt->result = fault(FaultKind::bad_reply, std::string("unexpected: ") + e.what());
  }
  attempt->is_done = true;
  busy_[attempt->provider] = false;
  const bool worked = attempt->result || attempt->result.error().kind == FaultKind::range_too_wide;
  if (worked) {
    node.worked();
  } else if (!stopping_) {
    count_failure(node, attempt->provider, attempt->result.error());
  }
  attempt_done_->cancel();
}

std::shared_ptr<EvmPool::Attempt> EvmPool::start_attempt(const std::shared_ptr<void>& keeper, std::size_t provider,
                                                         std::uint64_t epoch, const ChainMemory& memory) {
  auto attempt = std::make_shared<Attempt>(Attempt{provider, epoch, memory, false, {}});
  busy_[provider] = true;
  asio::co_spawn(
      outside_.executor, [this, keeper, attempt] { return run_attempt(attempt); }, asio::detached);
  return attempt;
}

asio::awaitable<std::shared_ptr<EvmPool::Attempt>> EvmPool::first_good(std::shared_ptr<void> keeper,
                                                                       const std::uint64_t& epoch,
                                                                       const ChainMemory& memory) {
  std::vector<std::shared_ptr<Attempt>> attempts;
  const Duration hedge_after = metrics_.backfill_to == 0 ? settings_.pool.hedge_after : Duration::zero();
  std::vector<std::size_t> left = pool_.order(timing_.now());
  std::erase_if(left, [&](std::size_t i) { return !is_free(i); });
  auto next = left.begin();
  while (!stopping_ && (next != left.end() || !attempts.empty())) {
    if (attempts.empty()) attempts.push_back(start_attempt(keeper, *next++, epoch, memory));
    const bool can_hedge = next != left.end() && attempts.size() == 1 && hedge_after > Duration::zero();
    const Moment until = can_hedge ? after(timing_.now(), hedge_after) : Moment::max();
    const auto any_done = [&] { return std::ranges::any_of(attempts, [](const auto& a) { return a->is_done; }); };
    if (!any_done()) co_await attempt_done_->wait_until(until);
    if (can_hedge && !any_done() && !stopping_) {
      metrics_.hedges += 1;
      attempts.push_back(start_attempt(keeper, *next++, epoch, memory));
      continue;
    }
    for (auto attempt = attempts.begin(); attempt != attempts.end();) {
      if (!(*attempt)->is_done) {
        ++attempt;
      } else if ((*attempt)->result || (*attempt)->result.error().kind == FaultKind::range_too_wide) {
        co_return *attempt;
      } else {
        attempt = attempts.erase(attempt);
      }
    }
  }
  co_return nullptr;
}

Moment EvmPool::next_try() const {
  Moment earliest = after(timing_.now(), settings_.backoff.max);
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (!busy_[i]) earliest = std::min(earliest, nodes_[i]->not_before());
  }
  return std::max(earliest, after(timing_.now(), settings_.backoff.first));
}

/// Looks at one provider while it is not in use, so that the pool knows it when it is needed.
asio::awaitable<void> EvmPool::probe(std::size_t i) {
  EvmNode& node = *probes_[i];
  while (!stopping_) {
    co_await probe_timers_[i]->wait_until(
        std::max(after(timing_.now(), settings_.pool.probe_period), node.not_before()));
    if (stopping_ || i == in_use_ || busy_[i]) continue;
    metrics_.probes += 1;
    auto seen = co_await reader_.heads(node);
    if (stopping_) break;
    if (seen) {
      saw(i, {seen->latest.number, seen->finalized});
      node.worked();
    } else {
      count_failure(node, i, seen.error());
    }
  }
}

void EvmPool::count_failure(EvmNode& node, std::size_t i, Fault why) {
  metrics_.faults[static_cast<std::size_t>(why.kind)] += 1;
  pool_.failed(i, why.kind);
  sink_.log(why.kind == FaultKind::behind ? LogLevel::debug : LogLevel::warning,
            fmt::format("{}: provider {}: {}: {}", settings_.name, node.provider().name, sources::name_of(why.kind),
                        why.text));
  node.failed(std::move(why));
}

void EvmPool::refute(std::size_t provider, std::string why) {
  count_failure(provider, {FaultKind::inconsistent, std::move(why), {}});
  pool_.refuted(provider, timing_.now());
}

std::optional<EvmPool::Trouble> EvmPool::trouble() const {
  Trouble trouble;
  std::size_t wrong_chain = 0;
  std::size_t behind = 0;
  bool disjoint = false;
  for (const auto& node : nodes_) {
    const auto& why = node->last_fault();
    if (!why) continue;
    trouble.detail += fmt::format("{}{}: {}", trouble.detail.empty() ? "" : "; ", node->provider().name, why->text);
    trouble.key += fmt::format("{} ", sources::name_of(why->kind));
    wrong_chain += why->kind == FaultKind::wrong_chain ? 1 : 0;
    behind += why->kind == FaultKind::behind ? 1 : 0;
    disjoint |= why->kind == FaultKind::disjoint;
  }
  if (behind == nodes_.size()) return std::nullopt;
  trouble.condition = disjoint                       ? SourceCondition::violated
                      : wrong_chain == nodes_.size() ? SourceCondition::wrong_chain
                                                     : SourceCondition::failing;
  return trouble;
}

std::vector<ProviderStatus> EvmPool::status(bool connected) const {
  std::vector<ProviderStatus> all;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const auto& why = nodes_[i]->last_fault();
    all.push_back({name_of(i), connected && i == in_use_, why ? why->text : "", pool_.state(i), pool_.sight(i)});
  }
  return all;
}

}  // namespace homeostat::sources
