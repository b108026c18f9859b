// EconomyService's calculations: a request and the published view in, an answer out. Nothing is kept.
#pragma once

#include <string_view>

#include "core/result.hpp"
#include "core/time.hpp"
#include "engine/view.hpp"
#include "homeostat/v1/economy.pb.h"

namespace homeostat::convert {

namespace v1 = ::homeostat::v1;

/// A budget is divided among at most this many at a time over gRPC; the function itself takes more.
inline constexpr int kSharesMax = 100'000;
inline constexpr int kQuotesMax = 100'000;
inline constexpr std::uint32_t kOpportunitiesMax = 1'000;

[[nodiscard]] v1::ListMechanismsResponse mechanisms_to_proto();
[[nodiscard]] v1::ListGovernedParametersResponse governed_parameters_to_proto();

[[nodiscard]] Result<v1::EvaluateResponse> answer(const v1::EvaluateRequest& request, const engine::View& view);
[[nodiscard]] Result<v1::ApportionResponse> answer(const v1::ApportionRequest& request);
[[nodiscard]] Result<v1::QuoteBondingResponse> answer(const v1::QuoteBondingRequest& request, const engine::View& view);
/// `now`: quotes without a time are of it.
[[nodiscard]] Result<v1::FindArbitrageResponse> answer(const v1::FindArbitrageRequest& request, Instant now);
[[nodiscard]] Result<v1::PlanRebalanceResponse> answer(const v1::PlanRebalanceRequest& request);

/// A quantity in `unit`, and where it is from in words. Errors: unknown_name, missing, unavailable (a reading that
/// cannot be acted on), at `where`.
struct Taken {
  double value = 0;
  std::string from;
};
[[nodiscard]] Result<Taken> quantity_from_proto(const v1::Quantity& proto, std::string_view unit,
                                                const engine::View& view, const std::string& where);

}  // namespace homeostat::convert
