#include "daemon/sources/evm_node.hpp"

#include <algorithm>

#include "daemon/sources/hex.hpp"
#include "daemon/sources/http_client.hpp"

namespace homeostat::sources {

namespace asio = boost::asio;

namespace {

/// Providers of one source must not return in step.
BackoffSettings own_seed(BackoffSettings settings, const std::string& name) {
  const oracle::Hash32 hash = keccak256(std::string_view(name));
  for (std::size_t i = 0; i < 8; ++i) settings.seed ^= std::uint64_t{hash[i]} << 8 * i;
  return settings;
}

}  // namespace

EvmNode::EvmNode(const Outside& outside, EvmProvider provider, Endpoint endpoint, const EvmSettings& settings,
                 EvmMetrics& metrics, std::shared_ptr<RequestBudget> budget)
    : provider_(std::move(provider)),
      endpoint_(std::move(endpoint)),
      timing_(outside.timing),
      http_(outside.wire->http(endpoint_, settings.http)),
      metrics_(metrics),
      budget_(std::move(budget)),
      pause_(timing_->make_timer()),
      poll_period_(settings.poll_period),
      backoff_(own_seed(settings.backoff, settings.name + "/" + provider_.name)),
      batch_max_(std::max<std::uint32_t>(settings.batch_max, 1)) {}

asio::awaitable<Fetch<EvmNode::Values>> EvmNode::exchange(std::span<const rpc::Call> calls) {
  const std::uint64_t first_id = next_id_;
  next_id_ += calls.size();
  HttpRequest request;
  request.post = true;
  request.target = endpoint_.target;
  request.content_type = "application/json";
  request.body = rpc::encode(calls, first_id);
  const Moment allowed = budget_->take(calls.size(), timing_->now());
  if (allowed > timing_->now()) {
    metrics_.budget_waits += 1;
    co_await pause_->wait_until(allowed);
  }
  const Moment started = timing_->now();
  auto reply = co_await http_->exchange(std::move(request));
  const auto taken = std::chrono::duration_cast<std::chrono::nanoseconds>(timing_->now() - started);
  metrics_.requests += 1;
  metrics_.exchange_ns_last = static_cast<std::uint64_t>(taken.count());
  metrics_.exchange_ns_sum += static_cast<std::uint64_t>(taken.count());
  if (!reply) co_return tl::make_unexpected(std::move(reply.error()));
  auto values = rpc::parse_replies(std::move(reply->body), calls, first_id);
  // Some nodes put their JSON-RPC errors under another status; then the error says more than the status.
  if (reply->status != 200) {
    const bool says_why = values ? std::ranges::any_of(*values, [](const auto& v) { return !v.has_value(); })
                                 : values.error().kind == FaultKind::rate_limited;
    if (!says_why) co_return tl::make_unexpected(status_fault(endpoint_, reply->status));
  }
  co_return values;
}

asio::awaitable<Fetch<EvmNode::Values>> EvmNode::call(std::vector<rpc::Call> calls) {
  Values all;
  all.reserve(calls.size());
  while (all.size() < calls.size()) {
    const std::size_t count = std::min(batch_max_, calls.size() - all.size());
    const auto chunk = std::span<const rpc::Call>(calls).subspan(all.size(), count);
    auto values = co_await exchange(chunk);
    if (!values && values.error().kind == FaultKind::rpc_error && count > 1) {
      batch_max_ = std::max<std::size_t>(count / 2, 1);  // no batches here, or not so large ones
      continue;
    }
    if (!values) co_return tl::make_unexpected(std::move(values.error()));
    for (auto& value : *values) all.push_back(std::move(value));
  }
  co_return all;
}

asio::awaitable<Fetch<std::vector<rpc::Value>>> EvmNode::require(std::vector<rpc::Call> calls) {
  auto values = co_await call(std::move(calls));
  if (!values) co_return tl::make_unexpected(std::move(values.error()));
  std::vector<rpc::Value> all;
  all.reserve(values->size());
  for (auto& value : *values) {
    if (!value) co_return tl::make_unexpected(std::move(value.error()));
    all.push_back(std::move(*value));
  }
  co_return all;
}

void EvmNode::failed(Fault why) {
  // A node that only lags works: look again at the next poll instead of punishing it.
  const Duration wait = why.kind == FaultKind::behind ? poll_period_ : backoff_.next();
  not_before_ = after(timing_->now(), wait);
  contracts_checked = contracts_checked && why.kind == FaultKind::behind;
  last_fault_ = std::move(why);
}

void EvmNode::close() {
  pause_->cancel();
  http_->close();
}

void EvmNode::worked() {
  backoff_.reset();
  last_fault_.reset();
  not_before_ = {};
}

}  // namespace homeostat::sources
