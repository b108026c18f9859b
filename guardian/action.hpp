// What an adjustment of a parameter is in the world: a value that is set, or an amount that is moved.
//
// An action that moves an amount (distribute, mint, burn, buy back, move liquidity) is a parameter whose value is the
// running total of what was moved so far. Its adjustments raise the total; what an executor does is the difference. So
// bounds, largest change, cooldown, budget, veto, approval, two-phase commit and record are those of every other
// parameter, the hard maximum is the budget of a lifetime, an executor that keeps the total on chain cannot do anything
// twice, and what it reports is what was really moved. A total never falls: what is done is done.
//
// Amounts are whole base units: Decimal with the token's decimals (docs/decisions/0014).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/decimal.hpp"

namespace homeostat::guardian {

enum class ActionKind : std::uint8_t {
  set,             ///< a value
  adjust_weights,  ///< a value, one of a bundle of weights
  propose,         ///< a value that is proposed to governance; its answer is governance's
  distribute,      ///< amounts from here on
  mint,
  burn,
  buy_back,
  move_liquidity,
};
inline constexpr std::size_t kActionKindCount = 8;
constexpr ActionKind last_of(ActionKind) {
  return ActionKind::move_liquidity;
}
[[nodiscard]] constexpr std::string_view name_of(ActionKind kind) {
  switch (kind) {
    case ActionKind::set: return "set";
    case ActionKind::adjust_weights: return "adjust_weights";
    case ActionKind::propose: return "propose";
    case ActionKind::distribute: return "distribute";
    case ActionKind::mint: return "mint";
    case ActionKind::burn: return "burn";
    case ActionKind::buy_back: return "buy_back";
    case ActionKind::move_liquidity: return "move_liquidity";
  }
  return "?";
}
/// It moves an amount, and its parameter is the running total.
[[nodiscard]] constexpr bool is_amount(ActionKind kind) {
  return kind >= ActionKind::distribute;
}

/// Shares are whole parts of this many.
inline constexpr std::uint32_t kPartsWhole = 1'000'000'000;
inline constexpr std::size_t kRecipientsMax = 64;

struct Recipient {
  std::string name;
  std::uint32_t parts = 0;  ///< of kPartsWhole, all recipients' together exactly that

  bool operator==(const Recipient&) const = default;
};

struct Action {
  ActionKind kind = ActionKind::set;
  std::string asset;                  ///< what is moved; of an amount
  std::string from;                   ///< where from, as the executor knows it: a pool, a chain, the treasury
  std::string to;                     ///< where to, unless there are recipients
  std::vector<Recipient> recipients;  ///< of distribute

  bool operator==(const Action&) const = default;
};

struct Transfer {
  std::string to;
  Decimal amount;

  bool operator==(const Transfer&) const = default;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.to), a(x.amount);
  }
};

}  // namespace homeostat::guardian
