// Three stories of a token that the composed bonding surface is told, always the same: the reference runs by which
// implementations are compared, and from which plots are drawn.
//
//   token launch    a treasury of 100,000 USD, fifty depositors over thirty days (100 * 50^u USD each, half of them at
//                   the targets, half in one asset), each half of their holdings redeemed between days 60 and 90
//   bank run        a hundred equal holders ask for a tenth of what they have, every day for thirty days
//   mixed issuance  100,000 USD, 10,000 USD every thirtieth day, 500 tokens of labour every seventh day, for a year
//   labour          two accounts on one channel for four weeks: one owed 100 units a week, one owed more than there is
//
// Draws come from SplitMix64 with seed 42 [Steele, Lea, Flood 2014]. Source: the founding project's three scenarios,
// with the numbers that it leaves open.
#pragma once

#include <vector>

#include "economy/bonding/system.hpp"

namespace homeostat::economy::bonding {

inline constexpr std::size_t kHolders = 100;

/// How things stand at the end of a day.
struct Moment {
  double day = 0;
  double supply = 0;
  double committed = 0;
  double reserve = 0;  ///< USD
  double size = 0;     ///< r
  double backing = 0;
  Values weights;
  double flow = 0;
  double level = 0;
  double treasury = 0;
  double redeemed = 0;  ///< USD, so far
  double rate = 0;
  double penalty = 0;
  double paid_first = 0;  ///< bank run: USD so far to the ten who come first every day
  double paid_last = 0;   ///< and to the ten who come last
};

/// 40 % at 2000 USD, 30 % and 30 % at 1 USD; everything else as it is by default.
[[nodiscard]] SystemSettings scenario_settings();

/// One Moment per day. Errors are those of the operations, which these settings do not refuse.
[[nodiscard]] Result<std::vector<Moment>> token_launch(const SystemSettings& settings);
/// A million tokens before a reserve of `reserve` USD; `is_batch` clears each day as one.
[[nodiscard]] Result<std::vector<Moment>> bank_run(const SystemSettings& settings, double reserve, bool is_batch);
[[nodiscard]] Result<std::vector<Moment>> mixed_issuance(const SystemSettings& settings);

struct LabourDay {
  double day = 0;
  double first = 0;   ///< minted to the account of 100 units a week
  double second = 0;  ///< minted to the other
  double supply = 0;
  double committed = 0;
  double flow = 0;
};
[[nodiscard]] Result<std::vector<LabourDay>> labour_channel(const SystemSettings& settings);

/// A system of a million tokens before `reserve` USD at its targets.
[[nodiscard]] Result<System> backed_system(const SystemSettings& settings, double reserve);

struct RoundTrip {
  double paid_in = 0;  ///< USD
  double minted = 0;
  double redeemed = 0;  ///< USD
  double profit = 0;
};
/// 10,000 USD in and out again at once, with 0.9 USD behind each token: what the mint guard is for.
[[nodiscard]] Result<RoundTrip> round_trip(const SystemSettings& settings);

}  // namespace homeostat::economy::bonding
