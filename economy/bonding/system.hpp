// The composed bonding surface: one token backed by a reserve of N assets, minted along a surface, redeemed along a
// curve, with everything that keeps both honest in between.
//
// Symbols: b_i balances (tokens), p_i prices (USD), p0_i calibration prices, u_i = b_i p_i, U = sum u_i, S supply, C
// its part minted for commitments, par (USD per token), ba = U / (S par) backing, X redemption level and F outflow
// tracker (tokens, both decaying), r size of the surface at v_i = b_i p0_i. Time is in days.
//
// Order of operations (everything is computed first and kept last: what is refused changes nothing, to the last bit):
//   deposit a   fee from the imbalance before and after u + a p; net = a (1 - fee); safety of what the vaults would
//   hold;
//               minted = min(S delta / r, net value / par); the fee goes to the treasury, or a part of it stays inside
//   redeem q    e = what dampening lets pass; USD = par P-AMM(X, U / par, S, e) <= U; split over the vaults within the
//               safe bounds and their flow limits; burn; C *= 1 - burn / S; F += e; X += e
//   batch       the same once for the sum of the requests, then filled pro rata
//   commit      channel limits -> dampening -> cap -> S += m, C += m (subscriptions also pay into the reserve)
//   advance     X, F and the channels' flows decay; scheduled weights move, and the surface with them
//
// Recommended forms are the defaults; the founding design's literal ones are options: has_mint_guard (off: tokens at
// r / S, which can be redeemed at par at a profit while ba < 1), flow.mode pre / post / exponential and
// flow.shortfall confiscate, safety.is_strict, fee.measure raw, commitment.cliff_days 0.
//
// Invariants, after every operation: S >= 0 and finite; b_i >= 0; paid <= min(U, par e) and the parts sum to it;
// weights and targets sum to one; X, F and flows >= 0, and time alone never raises them; C <= cap S (1 + 1e-12).
// With the guard a deposit and its redemption never profit: minted <= net / par, and the rate is at most one.
//
// Source: docs 05-12 of the founding project, composed as its design text describes. Errors of the parts add up: P-AMM
// 1e-13 of the anchor supply, surface 1e-13, splits one unit in the last place; a year of operations stays within 1e-9.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "economy/bonding/commitment.hpp"
#include "economy/bonding/dampening.hpp"
#include "economy/bonding/imbalance_fee.hpp"
#include "economy/bonding/memory.hpp"
#include "economy/bonding/pamm.hpp"
#include "economy/bonding/safety.hpp"
#include "economy/bonding/split.hpp"
#include "economy/bonding/surface.hpp"
#include "economy/bonding/tranching.hpp"

namespace homeostat::economy::bonding {

/// USD, prices and days beyond these are no economy.
inline constexpr double kPriceLeast = 1e-9;
inline constexpr double kPriceMost = 1e9;
inline constexpr double kTokensMost = 1e18;
inline constexpr double kDaysMost = 36'500;
inline constexpr double kWeightLeast = 1e-6;

struct SystemSettings {
  std::vector<double> weights;             ///< at the start; sum to one, each >= kWeightLeast; 2..16 assets
  std::vector<double> calibration_prices;  ///< p0, USD
  SurfaceSettings surface;                 ///< the peg form takes its weights from the schedule, not from here
  double par = 1;                          ///< USD per token; 1e-6..1e6
  bool has_mint_guard = true;
  SafetySettings safety;
  std::vector<PegBand> pegs;                    ///< empty: no vault has a peg
  std::optional<VaultFlowSettings> vault_flow;  ///< amounts are shares of the reserve's value
  PammSettings pamm;
  DampeningSettings flow;
  ImbalanceFeeSettings fee;
  CommitmentSettings commitment;
};
[[nodiscard]] Result<> check(const SystemSettings& settings);

struct SystemState {
  double now = 0;  ///< day
  Values balances;
  Values prices;
  double supply = 0;     ///< S
  double committed = 0;  ///< C
  double level = 0;      ///< X
  double flow = 0;       ///< F
  double treasury = 0;   ///< USD of fees, at the prices of their day
  double staked = 0;     ///< tokens in open stakes; they cannot be redeemed
  Values weights_from;
  Values weights_to;
  double weights_begin = 0;   ///< day
  double weights_end = 0;     ///< day
  std::vector<Drift> drifts;  ///< instead of the schedule, one per asset, or none
  std::array<VaultFlow, kAssetsMax> inflow;
  std::array<VaultFlow, kAssetsMax> outflow;
  std::array<ChannelState, kChannels> channels;
  std::map<std::uint64_t, Stake> stakes;
  std::uint64_t stakes_opened = 0;
  bool operator==(const SystemState&) const = default;

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.now);
    for (auto* values : {&x.balances, &x.prices, &x.weights_from, &x.weights_to}) archive(a, *values);
    a(x.supply);
    a(x.committed);
    a(x.level);
    a(x.flow);
    a(x.treasury);
    a(x.staked);
    a(x.weights_begin);
    a(x.weights_end);
    a(x.drifts);
    a(x.inflow);
    a(x.outflow);
    a(x.channels);
    a(x.stakes);
    a(x.stakes_opened);
  }

 private:
  template <class Archive, class V>
  static void archive(Archive& a, V& values) {
    std::uint64_t size = values.size();
    a(size);
    if constexpr (!std::is_const_v<V>) values = Values(size <= kAssetsMax ? size : 0);
    for (auto& x : values) a(x);
  }
};

struct Deposit {
  double value = 0;  ///< USD, with the fee
  double fee_ratio = 0;
  double fee_value = 0;  ///< USD
  double to_treasury = 0;
  double minted = 0;
  double surface_mint = 0;  ///< S delta / r: what would be minted without the guard
  double imbalance_before = 0;
  double imbalance_after = 0;
  Values entered;  ///< tokens that stay in the reserve
};

struct Redeem {
  double asked = 0;
  double effective = 0;  ///< e
  double burned = 0;
  double paid = 0;  ///< USD
  double rate_before = 0;
  double rate_after = 0;
  AnchorRegion region = AnchorRegion::par;
  Values parts;  ///< USD out of each vault; sum to `paid`
  Values left;   ///< tokens out of each vault
};

struct Subscription {
  double paid = 0;    ///< USD
  double minted = 0;  ///< backed by the payment
  double owed = 0;    ///< bonus tokens, to be claimed
  double months = 0;
  Values entered;
};

class System {
 public:
  [[nodiscard]] static Result<System> make(const SystemSettings& settings);

  [[nodiscard]] const SystemSettings& settings() const { return settings_; }
  [[nodiscard]] const SystemState& state() const { return state_; }
  [[nodiscard]] std::size_t assets() const { return settings_.weights.size(); }

  [[nodiscard]] double reserve() const;  ///< U, USD
  [[nodiscard]] double backing() const;  ///< ba; 1 while there is no supply
  /// r; 0 for an empty reserve. Error out_of_range outside of the surface's domain.
  [[nodiscard]] Result<double> size() const;
  /// The rate of the next token redeemed, in par.
  [[nodiscard]] double rate() const;
  /// m(F / S).
  [[nodiscard]] double penalty() const;
  [[nodiscard]] const Values& scheduled() const { return derived_.scheduled; }
  [[nodiscard]] const Values& targets() const { return derived_.targets; }
  [[nodiscard]] Values weights() const;

  /// What an operation would come to; nothing changes.
  [[nodiscard]] Result<Deposit> quote_deposit(std::span<const double> amounts) const;
  [[nodiscard]] Result<Redeem> quote_redeem(double amount) const;

  /// `amounts` tokens of each asset (>= 0, not all 0).
  [[nodiscard]] Result<Deposit> deposit(std::span<const double> amounts);
  /// `value` USD, put where it brings the reserve nearest to its targets within the safe bounds.
  [[nodiscard]] Result<Deposit> deposit_value(double value);
  /// `amount` tokens, at most what is not staked.
  [[nodiscard]] Result<Redeem> redeem(double amount);
  /// filled[i] tokens of requests[i] pass, paid[i] USD; the sum is as one redemption. With `confiscate` all of
  /// requests[i] is burned.
  [[nodiscard]] Result<Redeem> redeem_batch(std::span<const double> requests, std::span<double> filled,
                                            std::span<double> paid);
  /// Time passes; `days` in 0..kDaysMost.
  [[nodiscard]] Result<> advance(double days);
  [[nodiscard]] Result<> set_prices(std::span<const double> prices);
  /// Targets move to `weights` over the coming days, from where the schedule has them now.
  [[nodiscard]] Result<> schedule_weights(std::span<const double> weights, double duration_days);
  /// Weights that go on moving at their rates (per day) from now on, within their bounds (QuantAMM). `updated` is now
  /// whatever stands there; each min is at least kWeightLeast. A schedule ends the drift.
  [[nodiscard]] Result<> drift_weights(std::span<const Drift> drifts);
  /// A guardian's stop of a vault in both directions.
  [[nodiscard]] Result<> lock_vault(std::size_t vault, double duration_days);

  [[nodiscard]] Result<> attest(std::uint64_t account, double units);
  [[nodiscard]] Result<Subscription> subscribe(std::uint64_t account, Tier tier);
  /// The new stake's id.
  [[nodiscard]] Result<std::uint64_t> stake(std::uint64_t account, double amount, double lock_days);
  /// The bonus that the stake's account is owed from now on.
  [[nodiscard]] Result<double> unstake(std::uint64_t stake);
  [[nodiscard]] Result<Claim> claim(Channel channel, std::uint64_t account);

  /// One of governed_parameters() (economy/bonding/governed.hpp) by name. Live: balances and supply stay, what is
  /// derived from them (r, targets, rates) follows. Refused if the state would break an invariant under it.
  [[nodiscard]] Result<> set_parameter(std::string_view name, double value);
  /// All settings at once, likewise; the number of assets and the calibration prices stay.
  [[nodiscard]] Result<> reconfigure(const SystemSettings& settings);
  /// A state from elsewhere (an archive, a ledger).
  [[nodiscard]] Result<> restore(const SystemState& state);

  /// Balances and supply as the books of a ledger have them after an operation: what the doubles came to, rounded.
  /// `committed` and `staked` keep within their bounds.
  void settle(const Values& balances, double supply);

  /// The invariants above, of a state by itself; the first that does not hold.
  [[nodiscard]] Result<> invariants() const;

 private:
  /// What settings, weights and prices come to; computed once.
  struct Derived {
    Pamm pamm;
    Dampener dampener;
    Dampener commitment_dampener;
    Memory level_memory, flow_memory, channel_memory;
    std::optional<Surface> surface;
    Values scheduled;
    Values targets;
  };
  struct Change;

  System() = default;
  [[nodiscard]] static Result<Derived> derive(const SystemSettings& settings, const SystemState& state);
  [[nodiscard]] static Result<> derive_weights(const SystemSettings& settings, const SystemState& state,
                                               Derived& derived);
  [[nodiscard]] Values values() const;
  [[nodiscard]] Result<Deposit> plan_deposit(std::span<const double> amounts, bool has_fee) const;
  [[nodiscard]] Result<> judge_deposit(const Values& entered) const;
  [[nodiscard]] Result<> judge_inflow(const Values& entered) const;
  [[nodiscard]] Result<double> surface_mint(const Values& net) const;
  [[nodiscard]] Result<Values> route(double value) const;
  [[nodiscard]] Result<> split_over_vaults(const Values& u, Redeem& out) const;
  [[nodiscard]] Result<> check_domain(const SystemSettings& settings, const Derived& derived,
                                      const Values& balances) const;
  void keep(const Deposit& deposit);
  void keep(const Redeem& redeem);
  [[nodiscard]] Result<Account> account_of(Channel channel, std::uint64_t id) const;

  SystemSettings settings_;
  SystemState state_;
  Derived derived_;
};

}  // namespace homeostat::economy::bonding
