// EconomyService's requests as bytes from the wire: the first byte says which, the rest is the message. Whatever is
// asked, an answer is finite, pays out no more than there is, and loses no base unit.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>

#include <google/protobuf/stubs/logging.h>

#include "core/check.hpp"
#include "daemon/convert/amounts.hpp"
#include "daemon/convert/economy.hpp"

namespace {

namespace v1 = ::homeostat::v1;

using namespace homeostat;
using economy::Amount;

engine::View view() {
  engine::View view;
  engine::MetricView& metric = view.metrics.emplace_back();
  metric.name = "load";
  metric.unit = "%";
  metric.reading.value = 40;
  metric.reading.quality = oracle::Quality::ok;
  engine::ParameterView& parameter = view.parameters.emplace_back();
  parameter.name = "fee.static_fee";
  parameter.unit = "bps";
  parameter.value = Decimal(30, 0);
  return view;
}

Amount amount(const std::string& text) {
  const auto parsed = convert::amount_from_text(text, "");
  HOMEOSTAT_CHECK(parsed.has_value());
  return *parsed;
}

void evaluate(const v1::EvaluateRequest& request) {
  const auto answer = convert::answer(request, view());
  HOMEOSTAT_CHECK(!answer || std::isfinite(answer->value()));
}

void apportion(const v1::ApportionRequest& request) {
  const auto answer = convert::answer(request);
  if (!answer) return;
  Amount sum = 0;
  for (const std::string& units : answer->units()) sum += amount(units);
  HOMEOSTAT_CHECK(sum == amount(request.budget_units()));
}

void quote(const v1::QuoteBondingRequest& request) {
  const auto answer = convert::answer(request, view());
  if (!answer) return;
  HOMEOSTAT_CHECK(std::isfinite(answer->reserve()) && std::isfinite(answer->size()));
  if (answer->has_redeem()) HOMEOSTAT_CHECK(answer->redeem().paid() <= answer->reserve());
  if (answer->has_deposit()) HOMEOSTAT_CHECK(std::isfinite(answer->deposit().minted()));
}

void arbitrage(const v1::FindArbitrageRequest& request) {
  const auto answer = convert::answer(request, Instant::from_unix_seconds(1'700'000'000));
  if (!answer) return;
  for (const v1::Opportunity& o : answer->opportunities()) HOMEOSTAT_CHECK(o.profit() > 0 && o.size() > 0);
}

void rebalance(const v1::PlanRebalanceRequest& request) {
  const auto answer = convert::answer(request);
  if (!answer) return;
  Amount before = 0;
  Amount after = amount(answer->fees_units());
  for (const v1::Holding& h : request.holdings()) before += amount(h.units());
  for (const std::string& units : answer->after_units()) after += amount(units);
  HOMEOSTAT_CHECK(before == after);
}

template <class Request>
void run(const std::string& bytes, void (*ask)(const Request&)) {
  Request request;
  if (request.ParseFromString(bytes)) ask(request);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static auto* const kSilent = google::protobuf::SetLogHandler(nullptr);  // texts that are not UTF-8 are refused
  static_cast<void>(kSilent);
  if (size == 0) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 'e': run<v1::EvaluateRequest>(bytes, evaluate); break;
    case 'a': run<v1::ApportionRequest>(bytes, apportion); break;
    case 'q': run<v1::QuoteBondingRequest>(bytes, quote); break;
    case 'f': run<v1::FindArbitrageRequest>(bytes, arbitrage); break;
    case 'r': run<v1::PlanRebalanceRequest>(bytes, rebalance); break;
    default: break;
  }
  return 0;
}
