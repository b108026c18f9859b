// The composed bonding surface under random parameters and random sequences of operations: the invariants hold after
// every one of them, what is refused changes nothing, nobody profits from going in and out.
//
// 100 worlds of 500 operations; RC_PARAMS="max_success=2000" is the long run of a million.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <vector>

#include "core/archive.hpp"
#include "core/random.hpp"
#include "economy/bonding/governed.hpp"
#include "economy/bonding/system.hpp"

namespace homeostat::economy::bonding {
namespace {

constexpr int kOperations = 500;
using List = std::vector<double>;

List any_weights(Random& random, std::size_t n) {
  List w(n);
  double sum = 0;
  for (double& x : w) sum += x = random.uniform(0.05, 1);
  for (double& x : w) x /= sum;
  return w;
}

SystemSettings any_settings(Random& random) {
  SystemSettings s;
  const std::size_t n = 2 + random.below(7);
  s.weights = any_weights(random, n);
  for (std::size_t i = 0; i < n; ++i) s.calibration_prices.push_back(std::pow(10, random.uniform(-2, 4)));
  s.surface.lambda = random.chance(0.7) ? random.uniform(3, 8) : std::pow(10, random.uniform(0, 4));
  s.par = random.chance(0.7) ? 1 : random.uniform(0.1, 10);
  s.has_mint_guard = random.chance(0.9);
  s.safety = {.band = random.uniform(0, 1), .is_strict = random.chance(0.2)};
  if (random.chance(0.3)) {
    s.vault_flow = {.memory = random.uniform(0.1, 0.99), .threshold = random.uniform(0.1, 2)};
  }
  if (random.chance(0.3)) {
    for (const double p : s.calibration_prices) s.pegs.push_back({0.95 * p, random.chance(0.5) ? 1.05 * p : 1e300});
  }
  s.pamm = {.slope_min = random.uniform(0.05, 3),
            .par_share_max = random.uniform(0, 1),
            .floor_ratio = random.uniform(0, 1),
            .level_memory = random.uniform(0.1, 0.99),
            .haircut_ratio = random.chance(0.2) ? random.uniform(0, 0.1) : 0};
  s.flow = {.mode = static_cast<Dampening>(random.below(5)),
            .shortfall = random.chance(0.8) ? Shortfall::keep : Shortfall::confiscate,
            .threshold = random.uniform(0.01, 1),
            .multiplier_min = random.uniform(0.01, 1),
            .memory = random.uniform(0.1, 0.99)};
  s.fee.static_fee = random.chance(0.5) ? 0 : random.uniform(0, 0.05);
  s.fee.surge_fee = random.uniform(0, 0.3);
  s.fee.fee_to_treasury = random.uniform(0, 1);
  s.fee.measure = random.chance(0.8) ? Measure::normalised : Measure::raw;
  s.commitment.cap = random.uniform(0, 0.6);
  s.commitment.cliff_days = random.chance(0.5) ? 0 : 30;
  for (auto& channel : s.commitment.channels) channel.limit = random.chance(0.5) ? 1e9 : random.uniform(1, 1e4);
  return s;
}

/// What a test's own book knows of one system.
struct World {
  Random random;
  System system;

  explicit World(std::uint64_t seed) : random(seed), system(*System::make(any_settings(random))) {}

  [[nodiscard]] std::size_t assets() const { return system.assets(); }
  double any_usd() { return std::pow(10, random.uniform(-3, 6)); }

  List any_amounts() {
    List out(assets());
    const auto& prices = system.state().prices;
    const double usd = any_usd();
    switch (random.below(4)) {
      case 0: out[random.below(assets())] = usd / prices[0]; break;
      case 1:
        for (std::size_t i = 0; i < out.size(); ++i) out[i] = usd * random.uniform(0, 1) / prices[i];
        break;
      default:
        for (std::size_t i = 0; i < out.size(); ++i) {
          out[i] = usd * system.targets()[i] / prices[i] * (random.chance(0.5) ? 1 : random.uniform(0.8, 1.2));
        }
    }
    return out;
  }

  /// A number that has no place in an operation.
  double bad() {
    const double table[] = {-1, -1e-300, std::nan(""), INFINITY, -INFINITY, 1e300, 1e19};
    return table[random.below(7)];
  }
};

void assert_redeemed(const World& w, const Redeem& out, double reserve_before, const Values& u_before, double supply) {
  const double par = w.system.settings().par;
  RC_ASSERT(out.effective >= 0);
  RC_ASSERT(out.effective <= out.asked);
  RC_ASSERT(out.burned <= supply);
  RC_ASSERT(out.paid <= reserve_before);
  RC_ASSERT(out.paid <= par * out.effective * (1 + 1e-15));
  RC_ASSERT(out.rate_after <= out.rate_before);
  RC_ASSERT(out.rate_before <= 1);
  double sum = 0;
  for (std::size_t i = 0; i < out.parts.size(); ++i) {
    RC_ASSERT(out.parts[i] >= 0);
    RC_ASSERT(out.parts[i] <= u_before[i]);
    sum += out.parts[i];
  }
  RC_ASSERT(std::abs(sum - out.paid) <= out.paid * 2.3e-16 * static_cast<double>(out.parts.size()));
}

Values values_of(const System& system) {
  Values u(system.assets());
  for (std::size_t i = 0; i < u.size(); ++i) u[i] = system.state().balances[i] * system.state().prices[i];
  return u;
}

bool redeem(World& w) {
  const double free = w.system.state().supply - w.system.state().staked;
  const double reserve = w.system.reserve(), supply = w.system.state().supply;
  const Values u = values_of(w.system);
  if (w.random.chance(0.3)) {
    List requests(1 + w.random.below(5)), filled(requests.size()), paid(requests.size());
    for (double& q : requests) q = free * w.random.uniform(0, 0.3);
    const auto out = w.system.redeem_batch(requests, filled, paid);
    if (out) assert_redeemed(w, *out, reserve, u, supply);
    return out.has_value();
  }
  const double part = w.random.chance(0.05) ? 1 : w.random.uniform(0, 0.4);
  const auto out = w.system.redeem(free * part);
  if (out) assert_redeemed(w, *out, reserve, u, supply);
  // Nothing but the vaults' limits and the surface's domain ever stands between a holder and a redemption.
  if (!out && !w.system.settings().vault_flow) {
    if (out.error().where == "amount") RC_FAIL(out.error().text());
  }
  return out.has_value();
}

bool commit(World& w) {
  System& s = w.system;
  const std::uint64_t account = w.random.below(5);
  switch (w.random.below(5)) {
    case 0: return s.attest(account, w.random.uniform(0, 500)).has_value();
    case 1: return s.subscribe(account, static_cast<Tier>(w.random.below(3))).has_value();
    case 2:
      return s
          .stake(account, (s.state().supply - s.state().staked) * w.random.uniform(0, 0.2), w.random.uniform(1, 400))
          .has_value();
    case 3: return s.unstake(w.random.below(s.state().stakes_opened + 1)).has_value();
    default: return s.claim(static_cast<Channel>(w.random.below(3)), account).has_value();
  }
}

bool govern(World& w) {
  System& s = w.system;
  switch (w.random.below(4)) {
    case 0: {
      List prices;
      for (const double p : s.state().prices) prices.push_back(p * std::exp(0.1 * w.random.normal()));
      return s.set_prices(prices).has_value();
    }
    case 1: {
      if (w.random.chance(0.5)) {
        std::vector<Drift> drifts;
        for (const double x : s.scheduled()) {
          drifts.push_back({.base = x, .rate = w.random.uniform(-0.01, 0.01), .min = x / 2, .max = (1 + x) / 2});
        }
        return s.drift_weights(drifts).has_value();
      }
      return s.schedule_weights(any_weights(w.random, w.assets()), w.random.uniform(0, 30)).has_value();
    }
    case 2: return s.lock_vault(w.random.below(w.assets()), w.random.uniform(0, 3)).has_value();
    default: {
      const auto all = governed_parameters();
      const auto& p = all[w.random.below(all.size())];
      // Half of the way to anywhere in its range, on a scale of magnitudes where the range is wide.
      const double low = std::max(p.min, p.initial / 4), high = std::min(p.max, p.initial * 4 + 0.1);
      return s.set_parameter(p.name, w.random.uniform(low, std::max(low, high))).has_value();
    }
  }
}

bool bad_operation(World& w) {
  System& s = w.system;
  const double x = w.bad();
  List amounts = w.any_amounts();
  amounts[w.random.below(amounts.size())] = x;
  List filled(amounts.size()), paid(amounts.size());
  switch (w.random.below(12)) {
    case 0: return s.deposit(amounts).has_value();
    case 1: return s.deposit_value(x).has_value();
    case 2: return s.redeem(x).has_value();
    case 3: return s.redeem_batch(amounts, filled, paid).has_value();
    case 4: return s.advance(x).has_value();
    case 5: return s.set_prices(amounts).has_value();
    case 6: return s.schedule_weights(amounts, 1).has_value();
    case 7: return s.attest(1, x).has_value();
    case 8: return s.stake(1, x, 30).has_value();
    case 9: return s.set_parameter("flow.threshold", x).has_value();
    case 10: return s.set_parameter("flow.treshold", 0.1).has_value();
    default: return s.deposit(List(w.assets() + 1, 1.0)).has_value();
  }
}

bool advance(World& w) {
  const SystemState before = w.system.state();
  const bool done = w.system.advance(w.random.chance(0.1) ? 0 : w.random.uniform(0, 5)).has_value();
  const SystemState& after = w.system.state();
  RC_ASSERT(after.flow <= before.flow);
  RC_ASSERT(after.level <= before.level);
  for (std::size_t i = 0; i < kChannels; ++i) RC_ASSERT(after.channels[i].flow <= before.channels[i].flow);
  return done;
}

/// In and out at once never pays, whatever the state is.
void assert_no_round_trip_profits(World& w) {
  System copy = w.system;
  if (!copy.settings().has_mint_guard) return;
  const auto in = w.random.chance(0.5) ? copy.deposit(w.any_amounts()) : copy.deposit_value(w.any_usd());
  if (!in) return;
  const auto out = copy.redeem(in->minted);
  if (!out) return;
  RC_ASSERT(out->paid <= in->value * (1 + 1e-12));
}

bool deposit_value(World& w) {
  const auto in = w.system.deposit_value(w.any_usd());
  const SystemSettings& s = w.system.settings();
  // What is put where it belongs is never unsafe; strictly, a vault that is off its band would have to gain.
  if (!in && !s.safety.is_strict && s.pegs.empty()) {
    if (in.error().code == ErrorCode::conflict && in.error().where != "prices") RC_FAIL(in.error().text());
  }
  return in.has_value();
}

bool operate(World& w) {
  switch (w.random.below(10)) {
    case 0:
    case 1: return w.system.deposit(w.any_amounts()).has_value();
    case 2: return deposit_value(w);
    case 3:
    case 4:
    case 5: return redeem(w);
    case 6: return advance(w);
    case 7: return commit(w);
    case 8: return govern(w);
    default: return bad_operation(w);
  }
}

RC_GTEST_PROP(BondingSystem, KeepsItsInvariantsUnderAnyOperations, ()) {
  World w(*rc::gen::arbitrary<std::uint64_t>());
  int done = 0;
  for (int n = 0; n < kOperations; ++n) {
    const std::string before = archive_bytes(w.system.state());
    const double lambda = w.system.settings().surface.lambda;
    const bool is_done = operate(w);
    if (!is_done) {
      RC_ASSERT(archive_bytes(w.system.state()) == before);
      RC_ASSERT(w.system.settings().surface.lambda == lambda);
    }
    done += is_done ? 1 : 0;
    const auto ok = w.system.invariants();
    if (!ok) RC_FAIL(ok.error().text());
    const double rate = w.system.rate(), penalty = w.system.penalty();
    RC_ASSERT(rate >= 0);
    RC_ASSERT(rate <= 1);
    RC_ASSERT(penalty >= std::min(1.0, w.system.settings().flow.multiplier_min));
    RC_ASSERT(penalty <= 1);
    if (n % 10 == 0) assert_no_round_trip_profits(w);
  }
  RC_CLASSIFY(done > kOperations / 2, "most operations done");
}

// What a holder gets for an amount does not depend on the number of pieces that it is asked for in; what is held back
// of the first piece is not asked for again.
RC_GTEST_PROP(BondingSystem, ARedemptionInPiecesPaysWhatItPaysAtOnce, ()) {
  World w(*rc::gen::arbitrary<std::uint64_t>());
  SystemSettings settings = w.system.settings();
  settings.flow.mode = Dampening::integral;
  settings.flow.shortfall = Shortfall::keep;
  settings.vault_flow.reset();
  settings.pamm.haircut_ratio = 0;  // is of the supply before each piece
  RC_PRE(w.system.reconfigure(settings).has_value());
  for (int n = 0; n < 30; ++n) (void)operate(w);
  RC_PRE(w.system.settings().flow.mode == Dampening::integral);
  RC_PRE(w.system.settings().flow.shortfall == Shortfall::keep);
  RC_PRE(w.system.settings().pamm.haircut_ratio == 0);
  const double free = w.system.state().supply - w.system.state().staked;
  RC_PRE(free > 1);
  System once = w.system, pieces = w.system;
  const auto pieces_count = 2 + w.random.below(4);
  const double each = 0.5 * free / static_cast<double>(pieces_count);
  const auto whole = once.redeem(each * static_cast<double>(pieces_count));
  RC_PRE(whole.has_value());
  double effective = 0, paid = 0;
  for (std::size_t i = 0; i < pieces_count; ++i) {
    const auto part = pieces.redeem(each);
    RC_PRE(part.has_value());
    effective += part->effective;
    paid += part->paid;
  }
  const double anchor_supply = w.system.state().level + w.system.state().supply + w.system.state().flow;
  RC_ASSERT(std::abs(effective - whole->effective) <= 1e-13 * anchor_supply);
  // Within its tolerance of the floor the curve may keep a little more, see pamm.hpp.
  const double par = w.system.settings().par;
  RC_ASSERT(std::abs(paid - whole->paid) <= (kFloorTolerance + 1e-12) * par * anchor_supply);
}

RC_GTEST_PROP(BondingSystem, AnArchivedStateGoesOnToTheSameBits, ()) {
  World w(*rc::gen::arbitrary<std::uint64_t>());
  for (int n = 0; n < 50; ++n) (void)operate(w);
  const std::string bytes = archive_bytes(w.system.state());
  SystemState state;
  Reader reader(bytes);
  reader(state);
  RC_ASSERT(reader.is_done());
  System again = *System::make(w.system.settings());
  const auto restored = again.restore(state);
  if (!restored) RC_FAIL(restored.error().text());
  const List amounts = w.any_amounts();
  RC_ASSERT(again.deposit(amounts).has_value() == w.system.deposit(amounts).has_value());
  const double part = 0.1 * (w.system.state().supply - w.system.state().staked);
  RC_ASSERT(again.redeem(part).has_value() == w.system.redeem(part).has_value());
  RC_ASSERT(archive_bytes(again.state()) == archive_bytes(w.system.state()));
}

}  // namespace
}  // namespace homeostat::economy::bonding
