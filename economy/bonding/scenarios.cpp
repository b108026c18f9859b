#include "economy/bonding/scenarios.hpp"

#include "core/math.hpp"

namespace homeostat::economy::bonding {
namespace {

constexpr double kSeed = 100'000;  // USD
constexpr std::size_t kDepositors = 50;

class SplitMix {
 public:
  double next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
  }

 private:
  std::uint64_t state_ = 42;
};

Values at_targets(const System& system, double usd) {
  Values amounts(system.assets());
  for (std::size_t i = 0; i < amounts.size(); ++i) {
    amounts[i] = usd * system.settings().weights[i] / system.state().prices[i];
  }
  return amounts;
}

Moment moment_of(const System& system, double redeemed) {
  const SystemState& s = system.state();
  return {.day = s.now,
          .supply = s.supply,
          .committed = s.committed,
          .reserve = system.reserve(),
          .size = system.size().value_or(0),
          .backing = system.backing(),
          .weights = system.weights(),
          .flow = s.flow,
          .level = s.level,
          .treasury = s.treasury,
          .redeemed = redeemed,
          .rate = system.rate(),
          .penalty = system.penalty()};
}

template <class T>
tl::unexpected<Error> error_of(const T& result) {
  return tl::make_unexpected(result.error());
}

Result<System> launched(const SystemSettings& settings) {
  auto system = System::make(settings);
  if (!system) return system;
  if (const auto in = system->deposit(at_targets(*system, kSeed)); !in) return error_of(in);
  return system;
}

/// What depositor number `drawn` brings.
Values any_deposit(const System& system, SplitMix& random) {
  const double size = random.next(), kind = random.next();
  const double usd = 100 * math::pow(50, size);
  if (kind < 0.5) return at_targets(system, usd);
  Values amounts(system.assets());
  const auto asset = static_cast<std::size_t>((kind - 0.5) * 6);
  amounts[asset] = usd / system.state().prices[asset];
  return amounts;
}

}  // namespace

SystemSettings scenario_settings() {
  SystemSettings s;
  s.weights = {0.4, 0.3, 0.3};
  s.calibration_prices = {2000, 1, 1};
  return s;
}

Result<std::vector<Moment>> token_launch(const SystemSettings& settings) {
  auto system = launched(settings);
  if (!system) return error_of(system);
  // Day 0 is the treasury's; those who come on it are seen from day 1 on.
  std::vector<Moment> out{moment_of(*system, 0)};
  SplitMix random;
  std::vector<double> held(kDepositors);
  double redeemed = 0;
  for (std::size_t day = 0, k = 0; day <= 90; ++day) {
    if (day > 0) {
      if (const auto ok = system->advance(1); !ok) return error_of(ok);
    }
    for (; k < kDepositors && 30 * k / kDepositors == day; ++k) {
      const auto in = system->deposit(any_deposit(*system, random));
      if (!in) return error_of(in);
      held[k] = in->minted;
    }
    if (day >= 60) {
      double& holding = held[(day - 60) * kDepositors / 31];
      const auto left = system->redeem(holding / 2);
      if (!left) return error_of(left);
      holding -= left->burned;
      redeemed += left->paid;
    }
    if (day > 0) out.push_back(moment_of(*system, redeemed));
  }
  return out;
}

Result<System> backed_system(const SystemSettings& settings, double reserve) {
  auto system = System::make(settings);
  if (!system) return system;
  SystemState state = system->state();
  state.balances = at_targets(*system, reserve);
  state.supply = 1e6;
  if (const auto ok = system->restore(state); !ok) return error_of(ok);
  return system;
}

Result<std::vector<Moment>> bank_run(const SystemSettings& settings, double reserve, bool is_batch) {
  auto system = backed_system(settings, reserve);
  if (!system) return error_of(system);
  const bool is_all_burned = settings.flow.shortfall == Shortfall::confiscate;
  std::vector<Moment> out;
  std::vector<double> held(kHolders, 1e6 / kHolders), got(kHolders), requests(kHolders), filled(kHolders),
      paid(kHolders);
  double redeemed = 0;
  for (int day = 0; day < 30; ++day) {
    if (day > 0) {
      if (const auto ok = system->advance(1); !ok) return error_of(ok);
    }
    for (std::size_t i = 0; i < kHolders; ++i) requests[i] = held[i] * 0.1;
    if (is_batch) {
      if (const auto ok = system->redeem_batch(requests, filled, paid); !ok) return error_of(ok);
    }
    for (std::size_t i = 0; i < kHolders; ++i) {
      if (!is_batch) {
        const auto left = system->redeem(requests[i]);
        if (!left) return error_of(left);
        filled[i] = left->effective;
        paid[i] = left->paid;
      }
      held[i] -= is_all_burned ? requests[i] : filled[i];
      got[i] += paid[i];
      redeemed += paid[i];
    }
    Moment moment = moment_of(*system, redeemed);
    for (std::size_t i = 0; i < 10; ++i) {
      moment.paid_first += got[i];
      moment.paid_last += got[kHolders - 10 + i];
    }
    out.push_back(moment);
  }
  return out;
}

Result<std::vector<Moment>> mixed_issuance(const SystemSettings& settings) {
  constexpr std::uint64_t kWorker = 1;
  auto system = launched(settings);
  if (!system) return error_of(system);
  std::vector<Moment> out{moment_of(*system, 0)};
  for (int day = 1; day <= 365; ++day) {
    if (const auto ok = system->advance(1); !ok) return error_of(ok);
    if (day % 30 == 0) {
      if (const auto in = system->deposit(at_targets(*system, 10'000)); !in) return error_of(in);
    }
    if (day % 7 == 0) {
      if (const auto ok = system->attest(kWorker, 100); !ok) return error_of(ok);
      if (const auto claim = system->claim(Channel::labour, kWorker); !claim) return error_of(claim);
    }
    out.push_back(moment_of(*system, 0));
  }
  return out;
}

Result<std::vector<LabourDay>> labour_channel(const SystemSettings& settings) {
  constexpr std::uint64_t kFirst = 1, kSecond = 2;
  auto system = launched(settings);
  if (!system) return error_of(system);
  if (const auto ok = system->attest(kSecond, 1000); !ok) return error_of(ok);
  std::vector<LabourDay> out;
  for (int day = 0; day <= 28; ++day) {
    if (day > 0) {
      if (const auto ok = system->advance(1); !ok) return error_of(ok);
    }
    if (day % 7 == 0) {
      if (const auto ok = system->attest(kFirst, 100); !ok) return error_of(ok);
    }
    // A claim that the channel's limit or a cooldown refuses mints nothing.
    const auto first = system->claim(Channel::labour, kFirst), second = system->claim(Channel::labour, kSecond);
    const SystemState& s = system->state();
    out.push_back(
        {s.now, first ? first->minted : 0, second ? second->minted : 0, s.supply, s.committed, s.channels[0].flow});
  }
  return out;
}

Result<RoundTrip> round_trip(const SystemSettings& settings) {
  auto system = backed_system(settings, 900'000);
  if (!system) return error_of(system);
  const auto in = system->deposit(at_targets(*system, 10'000));
  if (!in) return error_of(in);
  const auto out = system->redeem(in->minted);
  if (!out) return error_of(out);
  return RoundTrip{10'000, in->minted, out->paid, out->paid - 10'000};
}

}  // namespace homeostat::economy::bonding
