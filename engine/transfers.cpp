#include "engine/transfers.hpp"

#include "core/check.hpp"
#include "economy/tokenomics/apportion.hpp"

namespace homeostat::engine {

std::vector<guardian::Transfer> transfers_of(const guardian::Action& action, Decimal amount) {
  if (action.recipients.empty()) return {};
  std::vector<economy::Amount> parts;
  parts.reserve(action.recipients.size());
  for (const guardian::Recipient& recipient : action.recipients) parts.push_back(recipient.parts);
  const auto shares = economy::tokenomics::apportion(amount.units(), parts);
  HOMEOSTAT_CHECK(shares.has_value());  // check() wants shares that sum to the whole
  std::vector<guardian::Transfer> transfers;
  transfers.reserve(shares->size());
  for (std::size_t i = 0; i < shares->size(); ++i) {
    transfers.push_back({action.recipients[i].name, Decimal((*shares)[i], amount.decimals())});
  }
  return transfers;
}

}  // namespace homeostat::engine
