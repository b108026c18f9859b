#include "controller/rai_pi.hpp"

#include <gtest/gtest.h>

namespace homeostat::controller::rai {
namespace {

const Int kRedemption = ray();  // 1.0

Settings with_gains(Variant variant, const Int& kp, const Int& ki) {
  Settings settings;
  settings.variant = variant;
  settings.kp = kp;
  settings.ki = ki;
  return settings;
}

Int number(const char* digits) {
  return *parse_int(digits);
}

TEST(EvmMath, QuotientTruncatesTowardsZero) {
  EvmMath evm;
  EXPECT_EQ(evm.quotient(-7, 2), -3);
  EXPECT_EQ(evm.quotient(7, -2), -3);
  EXPECT_EQ(evm.times_wad(-1, 1), 0);
  EXPECT_FALSE(evm.is_fault());
}

TEST(EvmMath, RemembersTheFirstThingThatWouldRevert) {
  EvmMath evm;
  (void)evm.multiply(int256_max(), 2);
  EXPECT_EQ(evm.quotient(1, 0), 0);
  EXPECT_EQ(evm.add(1, 1), 0);
  EXPECT_EQ(evm.fault("here").text(), "here: the contract would revert: multiplication outside 256 bits");
}

TEST(EvmMath, KeepsTheEdgesOfItsTypes) {
  EvmMath evm;
  EXPECT_EQ(evm.add(int256_max(), 0), int256_max());
  EXPECT_EQ(evm.subtract(-int256_max(), 1), -int256_max() - 1);
  EXPECT_EQ(evm.add_u(int256_max(), int256_max()), uint256_max() - 1);
  EXPECT_FALSE(evm.is_fault());
  (void)evm.quotient(-int256_max() - 1, -1);
  EXPECT_TRUE(evm.is_fault());
}

TEST(EvmMath, UnsignedNeverGoesBelowZero) {
  EvmMath evm;
  (void)evm.subtract_u(1, 2);
  EXPECT_TRUE(evm.is_fault());
}

TEST(EvmMath, ConversionReinterpretsTheBits) {
  EXPECT_EQ(EvmMath::as_signed(uint256_max()), -1);
  EXPECT_EQ(EvmMath::as_signed(int256_max()), int256_max());
}

/// The definition, in plain wide integers.
Int plain_power(Int x, std::uint64_t n) {
  Int z = n % 2 == 1 ? x : ray();
  for (n /= 2; n > 0; n /= 2) {
    x = (x * x + ray() / 2) / ray();
    if (n % 2 == 1) z = (z * x + ray() / 2) / ray();
  }
  return z;
}

TEST(EvmMath, PowerOfALeakIsTheDefinitionToTheLastDigit) {
  for (const char* leak :
       {"999997208243937652252849536", "999999732582142021614955959", "1", "500000000000000000000000000",
        "999999999999999999999999999", "1000000000000000000000000000", "31622776601683"}) {
    for (const std::uint64_t seconds : {0ULL, 1ULL, 2ULL, 3ULL, 3599ULL, 3600ULL, 2592000ULL, 4294967295ULL}) {
      EvmMath evm;
      EXPECT_EQ(evm.ray_pow(number(leak), seconds), plain_power(number(leak), seconds)) << leak << "^" << seconds;
    }
  }
}

TEST(EvmMath, PowerRoundsHalfUp) {
  EvmMath evm;
  EXPECT_EQ(evm.ray_pow(50'000'000'000'000, 2), 3);  // 2.5 x 10^-27
}

TEST(EvmMath, PowerAboveOneIsTheDefinitionAsWell) {
  EvmMath evm;
  const Int rate = ray() + number("1000000000000000000");
  EXPECT_EQ(evm.ray_pow(rate, 86400), plain_power(rate, 86400));
  EXPECT_EQ(evm.ray_pow(0, 0), ray());
  EXPECT_EQ(evm.ray_pow(0, 5), 0);
  (void)evm.ray_pow(ray() * 1000, 100);
  EXPECT_TRUE(evm.is_fault());
}

TEST(EvmMath, ReadsWholeNumbersOfItsRangeAlone) {
  EXPECT_EQ(parse_int("-12"), Int{-12});
  EXPECT_EQ(parse_int(text_of(uint256_max())), uint256_max());
  EXPECT_EQ(parse_int(text_of(-int256_max() - 1)), Int{-int256_max() - 1});
  for (const char* bad : {"", "-", "+1", "1.0", "1e3", " 1", "0x10", "1 "}) EXPECT_FALSE(parse_int(bad)) << bad;
  EXPECT_FALSE(parse_int(text_of(uint256_max() + 1)));
  EXPECT_FALSE(parse_int(text_of(-int256_max() - 2)));
}

TEST(RaiPi, FirstUpdateIntegratesNothing) {
  const auto s = step(with_gains(Variant::pi_raw, wad(), wad()), {}, wad() * 95 / 100, kRedemption, 1'000'000);
  ASSERT_TRUE(s);
  EXPECT_EQ(s->integral, 0);
  EXPECT_EQ(s->rate, ray() + ray() / 20);
}

TEST(RaiPi, LeakComesFirstAndSparesTheNewestArea) {
  Settings settings = with_gains(Variant::pi_raw, 0, 0);
  settings.leak = 0;
  const auto s = step(settings, {100, 10, 1'000'000}, wad(), kRedemption + 20, 110);
  ASSERT_TRUE(s);
  EXPECT_EQ(s->integral, (20 + 10) / 2 * 10);
}

TEST(RaiPi, HalfOfAnOddSumTruncatesTowardsZero) {
  const auto s = step(with_gains(Variant::pi_raw, 0, 0), {100, -2, 0}, wad(), kRedemption - 1, 110);
  ASSERT_TRUE(s);
  EXPECT_EQ(s->integral, -10);  // trunc(-3 / 2) = -1, ten seconds
}

TEST(RaiPi, BasicVariantLetsGoWhereTheBoundedOneHoldsOn) {
  const Int crash = wad() * 3;  // the market at three times the redemption price
  const auto basic = step(with_gains(Variant::basic_pi_raw, wad(), 0), {}, crash, kRedemption, 1);
  const auto bounded = step(with_gains(Variant::pi_raw, wad(), 0), {}, crash, kRedemption, 1);
  ASSERT_TRUE(basic && bounded);
  EXPECT_EQ(basic->rate, ray() - 1);
  EXPECT_EQ(bounded->rate, 1);
}

TEST(RaiPi, NoiseBarrierIsOnTheOutputPerSecond) {
  Settings settings = with_gains(Variant::hai, number("111001102931"), 0);
  settings.noise_barrier = wad() * 995 / 1000;
  const auto s = step(settings, {}, wad() / 2, kRedemption, 1);  // half the price away, and yet nothing
  ASSERT_TRUE(s);
  EXPECT_TRUE(s->in_deadband);
  EXPECT_EQ(s->rate, ray());
  EXPECT_EQ(*barrier(settings, kRedemption), ray() / 200);
}

TEST(RaiPi, RevertsAreErrorsAndNameTheOperation) {
  const Settings raw = with_gains(Variant::pi_raw, wad(), wad());
  const auto overflow = step(raw, {1, 0, int256_max()}, wad(), kRedemption, 2);
  ASSERT_FALSE(overflow);
  EXPECT_EQ(overflow.error().text(), "rai_pi: the contract would revert: multiplication outside 256 bits");
  EXPECT_FALSE(step(with_gains(Variant::hai, wad(), wad()), {}, wad(), 0, 1));  // division by a price of zero
  EXPECT_FALSE(step(raw, {10, 0, 0}, wad(), kRedemption, 9));
  EXPECT_FALSE(step(raw, {}, uint256_max(), kRedemption, 1));
}

TEST(RaiPi, ChecksWhatTheConstructorsRequire) {
  EXPECT_TRUE(check(Settings{}));
  const auto refused = [](auto change) {
    Settings settings;
    change(settings);
    const auto checked = check(settings);
    return checked ? std::string() : checked.error().where;
  };
  EXPECT_EQ(refused([](Settings& s) { s.kp = wad() + 1; }), "kp");
  EXPECT_EQ(refused([](Settings& s) { s.ki = -wad() - 1; }), "ki");
  EXPECT_EQ(refused([](Settings& s) { s.leak = ray() + 1; }), "leak");
  EXPECT_EQ(refused([](Settings& s) { s.noise_barrier = 0; }), "noise_barrier");
  EXPECT_EQ(refused([](Settings& s) { s.lower = -ray(); }), "lower");
  EXPECT_EQ(refused([](Settings& s) { s.lower = 0; }), "lower");
  EXPECT_EQ(refused([](Settings& s) { s.upper = 0; }), "upper");
}

TEST(RaiPi, VariantsHaveNames) {
  for (const std::string_view name : kVariantNames) EXPECT_EQ(name_of(*variant_of(name)), name);
  EXPECT_FALSE(variant_of("pid"));
}

TEST(RaiAntiWindup, TakesBackTheNewestAreaAtABoundOnly) {
  AntiWindupSettings settings;
  settings.kp = wad();
  settings.upper = 100;
  settings.lower = -100;
  const auto free = anti_windup_step(settings, {10, 10, 5}, 20, 20);
  const auto bound = anti_windup_step(settings, {10, 10, 5}, 200, 20);
  ASSERT_TRUE(free && bound);
  EXPECT_EQ(free->integral, 5 + 150);
  EXPECT_FALSE(free->area_undone);
  EXPECT_EQ(bound->integral, 5);
  EXPECT_TRUE(bound->area_undone);
}

TEST(RaiAntiWindup, FromAnIntegralOfZeroItStillAccumulates) {  // the contract's own gap, kept
  AntiWindupSettings settings;
  settings.kp = wad();
  settings.upper = 100;
  settings.lower = -100;
  EXPECT_EQ(anti_windup_step(settings, {10, 10, 0}, 200, 20)->integral, 1050);
}

TEST(RaiAntiWindup, RefusesTimeThatStandsStill) {
  EXPECT_FALSE(anti_windup_step({}, {10, 0, 0}, 0, 10));
}

}  // namespace
}  // namespace homeostat::controller::rai
