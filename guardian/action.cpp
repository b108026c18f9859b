#include "guardian/action.hpp"

#include <algorithm>
#include <numeric>

#include "core/check.hpp"

namespace homeostat::guardian {

std::vector<Transfer> transfers_of(const Action& action, Decimal amount) {
  HOMEOSTAT_CHECK(amount.units() >= 0);
  // amount x parts / whole without a product beyond 128 bits: amount = q whole + r.
  const Decimal::Units q = amount.units() / kPartsWhole;
  const Decimal::Units r = amount.units() % kPartsWhole;
  std::vector<Transfer> transfers;
  std::vector<Decimal::Units> remainders;
  Decimal::Units left = amount.units();
  for (const Recipient& recipient : action.recipients) {
    const Decimal::Units of_rest = r * recipient.parts;
    const Decimal::Units units = q * recipient.parts + of_rest / kPartsWhole;
    transfers.push_back({recipient.name, Decimal(units, amount.decimals())});
    remainders.push_back(of_rest % kPartsWhole);
    left -= units;
  }
  std::vector<std::size_t> order(transfers.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return remainders[a] > remainders[b]; });
  for (std::size_t i = 0; i < order.size() && left > 0; ++i, --left) {
    Decimal& share = transfers[order[i]].amount;
    share = Decimal(share.units() + 1, share.decimals());
  }
  return transfers;
}

}  // namespace homeostat::guardian
