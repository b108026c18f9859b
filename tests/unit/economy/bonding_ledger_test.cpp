#include "economy/bonding/ledger.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "core/archive.hpp"
#include "core/random.hpp"

namespace homeostat::economy::bonding {
namespace {

constexpr Amount kToken = 1'000'000'000'000'000'000;
constexpr Amount kUsd = 1'000'000;

SystemSettings settings() {
  SystemSettings s;
  s.weights = {0.4, 0.3, 0.3};
  s.calibration_prices = {2000, 1, 1};
  return s;
}
const Denomination kDenomination{.token_decimals = 18, .asset_decimals = {18, 6, 6}};

Operation deposit(Amount eth, Amount usdc, Amount dai) {
  return {.kind = Kind::deposit, .amounts = {eth, usdc, dai}};
}
Operation redeem(std::vector<Amount> requests) {
  return {.kind = Kind::redeem, .amounts = std::move(requests)};
}

Ledger seeded(const SystemSettings& s = settings()) {
  Ledger ledger = *Ledger::make(s, kDenomination);
  const auto done = ledger.apply(deposit(20 * kToken, 30'000 * kUsd, 30'000 * kUsd));
  EXPECT_TRUE(done) << done.error().text();
  return ledger;
}

/// A life of one token: whatever may happen to it, some of it refused.
Ledger lived(int operations, std::uint64_t seed, const SystemSettings& s = settings()) {
  Random random(seed);
  Ledger ledger = seeded(s);
  for (int n = 0; n < operations; ++n) {
    const std::uint64_t account = random.below(4);
    const auto usd = static_cast<Amount>(random.below(3'000'000'000)) + 1;
    switch (random.below(13)) {
      case 0: (void)ledger.apply(deposit(0, usd, 0)); break;
      case 1: (void)ledger.apply(deposit(usd * 333'333'333, 0, usd)); break;
      case 2: (void)ledger.apply(deposit(usd * 200'000'000, usd * 3 / 10, usd * 3 / 10)); break;
      case 3: (void)ledger.apply(redeem({usd * 1'000'000'000'001})); break;
      case 4: (void)ledger.apply(redeem({usd * 700'000'000'001, usd, usd * 333'333'333'333})); break;
      case 5: (void)ledger.apply({.kind = Kind::attest, .account = account, .numbers = {random.uniform(0, 50)}}); break;
      case 6: (void)ledger.apply({.kind = Kind::claim, .account = account, .index = random.below(3)}); break;
      case 7: (void)ledger.apply({.kind = Kind::subscribe, .account = account, .index = random.below(3)}); break;
      case 8:
        (void)ledger.apply(
            {.kind = Kind::stake, .account = account, .amounts = {usd * 1'000'000'007}, .numbers = {30}});
        break;
      case 9: (void)ledger.apply({.kind = Kind::unstake, .index = random.below(20)}); break;
      case 10:
        (void)ledger.apply(
            {.kind = Kind::set_prices, .numbers = {random.uniform(1800, 2200), random.uniform(0.98, 1.02), 1}});
        break;
      case 11:
        if (n % 5 == 0) {
          (void)ledger.apply({.kind = Kind::drift_weights,
                              .numbers = {0.4, 0.01, 0.2, 0.6, 0.3, -0.005, 0.2, 0.6, 0.3, -0.005, 0.2, 0.6}});
        }
        break;
      default: (void)ledger.apply({.kind = Kind::advance, .numbers = {random.uniform(0, 2)}});
    }
  }
  return ledger;
}

TEST(BondingLedger, WhatComesInIsInTheReserveOrInTheTreasuryToTheLastUnit) {
  const Ledger ledger = seeded();
  EXPECT_TRUE(ledger.reserves()[0] + ledger.treasury()[0] == 20 * kToken);
  EXPECT_TRUE(ledger.reserves()[1] + ledger.treasury()[1] == 30'000 * kUsd);
  EXPECT_NEAR(tokens_of(ledger.treasury()[1], 6), 90, 2e-6);
  EXPECT_NEAR(tokens_of(ledger.supply(), 18), 99'700, 1e-9);
}

TEST(BondingLedger, RoundingIsInFavourOfTheReserve) {
  SystemSettings s = settings();
  s.fee.static_fee = 0;
  Ledger ledger = *Ledger::make(s, {.token_decimals = 2, .asset_decimals = {18, 6, 6}});
  const auto in = *ledger.apply(deposit(20 * kToken / 7, 30'000 * kUsd / 7, 30'000 * kUsd / 7));
  EXPECT_TRUE(in.minted == 1'428'571);  // 14285.7142..
  EXPECT_TRUE(in.to_treasury == std::vector<Amount>(3));
  const auto out = *ledger.apply(redeem({100}));
  EXPECT_TRUE(out.burned == 100);
  EXPECT_TRUE(out.paid_out[1] <= 300'000);
  EXPECT_TRUE(out.paid_out[1] >= 299'999);
}

TEST(BondingLedger, TheLastHolderLeavesNoTokenBehind) {
  SystemSettings s = settings();
  s.flow.mode = Dampening::none;
  Ledger ledger = seeded(s);
  const Amount half = ledger.supply() / 2;
  ASSERT_TRUE(ledger.apply(redeem({half})));
  const auto out = ledger.apply(redeem({ledger.supply()}));
  ASSERT_TRUE(out) << out.error().text();
  EXPECT_TRUE(ledger.supply() == 0);
  EXPECT_TRUE(audit(s, kDenomination, ledger.entries()));
}

TEST(BondingLedger, InAndOutAtOnceNeverGainsAUnit) {
  Random random(5);
  SystemSettings s = settings();
  s.fee.static_fee = 0;
  s.flow.mode = Dampening::none;
  Ledger ledger = seeded(s);
  for (int n = 0; n < 300; ++n) {
    const auto usd = static_cast<Amount>(random.below(5'000'000)) + 10;
    const auto in = ledger.apply(deposit(0, usd, 0));
    if (!in) continue;
    const auto out = *ledger.apply(redeem({in->minted}));
    const double value = tokens_of(out.paid_out[0], 18) * 2000 + tokens_of(out.paid_out[1] + out.paid_out[2], 6);
    EXPECT_LE(value, tokens_of(usd, 6) * (1 + 1e-15)) << n;
  }
}

TEST(BondingLedger, TheBooksAndTheDoublesInsideStayTogether) {
  const Ledger ledger = lived(2'000, 11);
  EXPECT_GT(ledger.entries().size(), 800U);
  EXPECT_EQ(ledger.system().state().supply, tokens_of(ledger.supply(), 18));
  EXPECT_EQ(ledger.system().state().balances[1], tokens_of(ledger.reserves()[1], 6));
  const auto ok = ledger.system().invariants();
  EXPECT_TRUE(ok) << ok.error().text();
}

TEST(BondingLedger, AnAuditRecomputesEverything) {
  for (const auto shortfall : {Shortfall::keep, Shortfall::confiscate}) {
    SystemSettings s = settings();
    s.flow.shortfall = shortfall;
    s.fee.fee_to_treasury = 0.5;
    const Ledger ledger = lived(1'000, 12, s);
    const auto report = audit(s, kDenomination, ledger.entries());
    ASSERT_TRUE(report) << report.error().text();
    EXPECT_EQ(report->entries, ledger.entries().size());
    EXPECT_TRUE(report->supply == ledger.supply());
    EXPECT_TRUE(report->minted - report->burned == ledger.supply());
    EXPECT_TRUE(report->treasury == ledger.treasury());
    EXPECT_TRUE(report->reserves == ledger.reserves());
  }
}

TEST(BondingLedger, AnAuditNamesTheFirstEntryThatDoesNotAddUp) {
  const Ledger ledger = lived(200, 13);
  const auto& good = ledger.entries();
  const auto is_of = [&](std::size_t n, Kind kind) { return good[n].operation.kind == kind; };
  const auto find = [&](Kind kind) {
    std::size_t n = 1;
    while (n < good.size() && !is_of(n, kind)) ++n;
    EXPECT_LT(n, good.size());
    return n;
  };
  const std::size_t in = find(Kind::deposit), out = find(Kind::redeem), time = find(Kind::advance);
  const struct {
    std::size_t entry;
    const char* field;
    std::function<void(Entry&)> forge;
  } table[] = {
      {in, "supply", [](Entry& e) { ++e.outcome.minted; }},
      {in, "minted", [](Entry& e) { ++e.outcome.minted, ++e.outcome.supply; }},
      {in, "reserves[1]", [](Entry& e) { --e.outcome.reserves[1]; }},
      {in, "reserves[2]", [](Entry& e) { ++e.outcome.to_treasury[2]; }},
      {in, "to_treasury[1]", [](Entry& e) { ++e.outcome.to_treasury[1], --e.outcome.reserves[1]; }},
      {in, "outcome", [](Entry& e) { e.outcome.minted = -1; }},
      {in, "operation", [](Entry& e) { e.operation.amounts[1] = -1; }},
      {out, "burned", [](Entry& e) { --e.outcome.burned, ++e.outcome.supply; }},
      {out, "paid_out[1]", [](Entry& e) { ++e.outcome.paid_out[1], --e.outcome.reserves[1]; }},
      {out, "burned_each[0]", [](Entry& e) { ++e.outcome.burned_each[0]; }},
      {time, "state", [](Entry& e) { e.operation.numbers[0] += 0.1; }},
      {time, "chain", [](Entry& e) { e.operation.account = 77; }},  // means nothing, but somebody wrote it
      {time, "chain", [](Entry& e) { e.chain.low ^= 1; }},
  };
  for (const auto& row : table) {
    auto entries = good;
    row.forge(entries[row.entry]);
    const auto report = audit(settings(), kDenomination, entries);
    ASSERT_FALSE(report) << row.field;
    EXPECT_EQ(report.error().code, ErrorCode::corrupt);
    EXPECT_EQ(report.error().where, "entries[" + std::to_string(row.entry) + "]." + row.field)
        << report.error().message;
  }
  auto entries = good;
  entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(in));
  EXPECT_FALSE(audit(settings(), kDenomination, entries));
}

TEST(BondingLedger, WhatIsRefusedLeavesNoTrace) {
  Ledger ledger = seeded();
  const std::string before = archive_bytes(ledger.system().state());
  const struct {
    Operation operation;
    const char* where;
  } table[] = {
      {deposit(-1, 0, 0), "amounts[0]"},
      {deposit(0, kAmountMax + 1, 0), "amounts[1]"},
      {deposit(0, 0, 0), "value of amounts"},
      {{.kind = Kind::deposit, .amounts = {1}}, "amounts"},
      {{.kind = Kind::deposit, .amounts = {1, 1, 1}, .numbers = {1}}, "numbers"},
      {redeem({}), "amounts.size"},
      {redeem({kAmountMax}), "amounts"},
      {redeem({-5}), "amounts[0]"},
      {{.kind = Kind::advance}, "numbers"},
      {{.kind = Kind::advance, .numbers = {std::nan("")}}, "days"},
      {{.kind = Kind::subscribe, .index = 3}, "index"},
      {{.kind = Kind::claim, .index = 9}, "index"},
      {{.kind = Kind::unstake, .index = 4}, "stake"},
      {{.kind = Kind::stake, .amounts = {kAmountMax}, .numbers = {30}}, "amount"},
      {{.kind = Kind::schedule_weights, .numbers = {0.5, 0.4, 0.1}}, "numbers"},
      {{.kind = Kind::set_parameter, .numbers = {1}, .name = "flow.nothing"}, "flow.nothing"},
      {{.kind = static_cast<Kind>(99)}, "kind"},
  };
  for (const auto& row : table) {
    const auto done = ledger.apply(row.operation);
    ASSERT_FALSE(done) << row.where;
    EXPECT_EQ(done.error().where, row.where) << done.error().text();
  }
  EXPECT_EQ(archive_bytes(ledger.system().state()), before);
  EXPECT_EQ(ledger.entries().size(), 1U);
  EXPECT_EQ(Ledger::make(settings(), {.asset_decimals = {18, 6}}).error().where, "asset_decimals");
  EXPECT_EQ(Ledger::make(settings(), {.asset_decimals = {18, 6, 19}}).error().where, "asset_decimals[2]");
}

TEST(BondingLedger, EntriesAreArchivedAndReadBack) {
  const Ledger ledger = lived(100, 14);
  const std::string bytes = archive_bytes(ledger.entries());
  std::vector<Entry> entries;
  Reader reader(bytes);
  reader(entries);
  ASSERT_TRUE(reader.is_done());
  EXPECT_TRUE(entries == ledger.entries());
  EXPECT_TRUE(audit(settings(), kDenomination, entries));
}

}  // namespace
}  // namespace homeostat::economy::bonding
