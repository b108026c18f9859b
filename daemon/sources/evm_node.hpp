// One JSON-RPC provider: sends calls in batches as large as it takes, counts what goes wrong, and
// remembers until when it is left alone.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "daemon/sources/backoff.hpp"
#include "daemon/sources/metrics.hpp"
#include "daemon/sources/outside.hpp"
#include "daemon/sources/provider_pool.hpp"
#include "daemon/sources/rpc.hpp"

namespace homeostat::sources {

class EvmNode {
 public:
  using Values = std::vector<Fetch<rpc::Value>>;

  EvmNode(const Outside& outside, EvmProvider provider, Endpoint endpoint, const EvmSettings& settings,
          EvmMetrics& metrics, std::shared_ptr<RequestBudget> budget);

  /// One value or fault per call, in order. The outer fault: nothing useful came. Waits for the provider's budget.
  [[nodiscard]] boost::asio::awaitable<Fetch<Values>> call(std::vector<rpc::Call> calls);
  /// As call(), but the first fault of any call is the fault of all.
  [[nodiscard]] boost::asio::awaitable<Fetch<std::vector<rpc::Value>>> require(std::vector<rpc::Call> calls);

  void failed(Fault why);
  void worked();
  void close();

  [[nodiscard]] const EvmProvider& provider() const { return provider_; }
  [[nodiscard]] const std::optional<Fault>& last_fault() const { return last_fault_; }
  [[nodiscard]] Moment not_before() const { return not_before_; }
  /// Reset by every failure: what answers afterwards may be another machine.
  bool contracts_checked = false;

 private:
  boost::asio::awaitable<Fetch<Values>> exchange(std::span<const rpc::Call> calls);

  EvmProvider provider_;
  Endpoint endpoint_;
  std::shared_ptr<Timing> timing_;
  std::unique_ptr<HttpChannel> http_;
  EvmMetrics& metrics_;
  std::shared_ptr<RequestBudget> budget_;
  std::unique_ptr<Timer> pause_;
  Duration poll_period_;
  Backoff backoff_;
  std::size_t batch_max_;
  std::uint64_t next_id_ = 1;
  std::optional<Fault> last_fault_;
  Moment not_before_{};
};

}  // namespace homeostat::sources
