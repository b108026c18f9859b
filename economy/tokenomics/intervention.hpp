// What a mechanism asks for, as data: a kind and its amounts in base units. Who applies it, within which budgets,
// cooldowns and approvals, is decided elsewhere; asking changes nothing.
#pragma once

#include <cstdint>
#include <string_view>

#include "economy/amount.hpp"

namespace homeostat::economy::tokenomics {

enum class InterventionKind : std::uint8_t {
  none,
  buy_back,     ///< spend `money` of the stability pool on tokens, which are burned
  mint,         ///< create `tokens`, sold to the market; what they bring goes to the pool
  burn,         ///< destroy `tokens`
  buy_tokens,   ///< spend `money` of the pool on a market, keep the tokens
  sell_tokens,  ///< sell `tokens` that are held on a market, for the pool
  rebase,       ///< the supply becomes `tokens`; every balance keeps its share of it
};

[[nodiscard]] constexpr std::string_view name_of(InterventionKind kind) {
  switch (kind) {
    case InterventionKind::none: return "none";
    case InterventionKind::buy_back: return "buy_back";
    case InterventionKind::mint: return "mint";
    case InterventionKind::burn: return "burn";
    case InterventionKind::buy_tokens: return "buy_tokens";
    case InterventionKind::sell_tokens: return "sell_tokens";
    case InterventionKind::rebase: return "rebase";
  }
  return "?";
}

struct Intervention {
  InterventionKind kind = InterventionKind::none;
  Amount money = 0;            ///< base units of the pool's currency; 0 unless the kind spends it
  Amount tokens = 0;           ///< base units of the token; 0 unless the kind names them
  bool is_pool_spent = false;  ///< more was wanted than the pool could give: it has run out, in order
  bool operator==(const Intervention&) const = default;
};

}  // namespace homeostat::economy::tokenomics
