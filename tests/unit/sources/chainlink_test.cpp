#include <cmath>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/hex.hpp"
#include "daemon/sources/chainlink_check.hpp"
#include "daemon/sources/hex.hpp"

namespace homeostat::sources::chainlink {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t kNow = 1'700'000'000;

Int256 number(std::int64_t value) {
  Int256 word{};
  if (value < 0) word.fill(0xff);
  for (int i = 0; i < 8; ++i) word[31 - i] = static_cast<std::uint8_t>(static_cast<std::uint64_t>(value) >> 8 * i);
  return word;
}

Int256 power_of_two(int exponent) {
  Int256 word{};
  word[static_cast<std::size_t>(31 - exponent / 8)] = static_cast<std::uint8_t>(1 << exponent % 8);
  return word;
}

std::string hex_word(std::string_view digits) {
  return std::string(64 - digits.size(), '0') + std::string(digits);
}

rpc::CallResult reply(const std::string& hex) {
  rpc::CallResult result;
  EXPECT_TRUE(parse_bytes("0x" + hex, result.bytes));
  return result;
}

Instant at(std::uint64_t time_s) {
  return Instant::from_unix_seconds(static_cast<std::int64_t>(time_s));
}

/// A round of phase 1 with 8 decimals: `price` x 10^-2 for short.
Round round_of(std::uint64_t number_of_round, std::int64_t price_cents, std::uint64_t started = kNow,
               std::uint16_t phase = 1) {
  return {phase, number_of_round, number(price_cents * 1'000'000), started, started + 20};
}

FeedRules rules() {
  return {.heartbeat = Duration::hours(1), .slack = Duration::minutes(6), .phase_change_max_ratio = 0.1};
}

Parameters parameters(std::uint16_t phase = 1) {
  return {.phase = phase, .decimals = 8, .description = "ETH / USD", .answer_min = {}, .answer_max = {}};
}

FeedCheck check_of(FeedRules r = rules(), Parameters p = parameters()) {
  FeedCheck check(std::move(r));
  check.learn(std::move(p));
  return check;
}

/// Judges a round in a block 30 s after its observation.
Verdict judge(FeedCheck& check, const Round& round) {
  if (check.needs_parameters(round)) check.learn(parameters(round.phase));
  return check.judge(round, at(round.started_at_s + 30));
}

// --- decoding ----------------------------------------------------------------------------------------

TEST(ChainlinkAbi, TakesARoundIdApartIntoPhaseAndRound) {
  const auto round = decode_round(reply(hex_word("01060000000000003039") + hex_word("2a") + hex_word("64") +
                                        hex_word("65") + hex_word("00060000000000003038")));
  ASSERT_TRUE(round) << round.error();
  EXPECT_EQ(round->phase, 0x0106);
  EXPECT_EQ(round->number, 12345u);
  EXPECT_EQ(text_of(round->answer), "42");
  EXPECT_EQ(round->started_at_s, 100u);
  EXPECT_EQ(round->updated_at_s, 101u);
}

TEST(ChainlinkAbi, IgnoresAnsweredInRoundWhichCarriesNoInformation) {
  const std::string head = hex_word("01") + hex_word("2a") + hex_word("64") + hex_word("65");
  EXPECT_TRUE(decode_round(reply(head + std::string(64, 'f'))));
  EXPECT_TRUE(decode_round(reply(head + hex_word("0"))));
}

TEST(ChainlinkAbi, RefusesWhatIsNoRound) {
  EXPECT_THAT(decode_round({.reverted = true, .bytes = {}}).error(), HasSubstr("reverted"));
  EXPECT_THAT(decode_round(reply("")).error(), HasSubstr("no contract"));
  EXPECT_THAT(decode_round(reply(hex_word("1"))).error(), HasSubstr("32 bytes, expected 160"));
  const std::string wide = hex_word("100000000000000000000");  // 2^80
  EXPECT_THAT(decode_round(reply(wide + wide + wide + wide + wide)).error(), HasSubstr("80 bits"));
}

TEST(ChainlinkAbi, KeepsATimeBeyondAllYearsInTheFuture) {
  const auto round =
      decode_round(reply(hex_word("1") + hex_word("1") + std::string(64, 'f') + hex_word("1") + hex_word("1")));
  ASSERT_TRUE(round);
  EXPECT_EQ(round->started_at_s, kTimeMax_s + 1);
}

TEST(ChainlinkAbi, ReadsDecimalsAddressesAndTextsAndRefusesTheRest) {
  EXPECT_EQ(decode_decimals(reply(hex_word("12"))).value(), 18);
  EXPECT_EQ(decode_decimals(reply(hex_word("4d"))).value(), 77);
  EXPECT_FALSE(decode_decimals(reply(hex_word("4e"))));
  EXPECT_FALSE(decode_decimals(reply(hex_word("100000000000000000000000000000001"))));
  EXPECT_EQ(decode_address(reply(hex_word(std::string(40, 'a')))).value()[0], 0xaa);
  EXPECT_FALSE(decode_address(reply(hex_word("1" + std::string(40, 'a')))));
  const std::string text = hex_word("20") + hex_word("3") + "455448" + std::string(58, '0');
  EXPECT_EQ(decode_text(reply(text)).value(), "ETH");
  EXPECT_FALSE(decode_text(reply(hex_word("20") + hex_word("21") + std::string(64, '0'))));
  EXPECT_FALSE(decode_text(reply(hex_word("40") + hex_word("0"))));
  EXPECT_FALSE(decode_text(reply(std::string(64, 'f') + hex_word("0"))));
  EXPECT_EQ(decode_text(reply(hex_word("20") + hex_word("2") + "0a7f" + std::string(60, '0'))).value(), "??");
}

TEST(ChainlinkAbi, OrdersAndWritesSignedNumbersExactly) {
  EXPECT_TRUE(is_less(number(-1), number(0)));
  EXPECT_TRUE(is_less(number(-2), number(-1)));
  EXPECT_TRUE(is_less(number(0), number(1)));
  EXPECT_FALSE(is_less(number(1), number(-1)));
  EXPECT_FALSE(is_less(number(7), number(7)));
  EXPECT_EQ(text_of(number(-1)), "-1");
  EXPECT_EQ(text_of(number(0)), "0");
  EXPECT_EQ(text_of(power_of_two(255)),
            "-57896044618658097711785492504343953926634992332820282019728792003956564819968");
  EXPECT_EQ(text_of(power_of_two(191)), "3138550867693340381917894711603833208051177722232017256448");
}

TEST(ChainlinkAbi, V7_ScalesWithASingleRounding) {
  EXPECT_EQ(scaled(number(123'456'789), 8), 1.23456789);
  EXPECT_EQ(scaled(number(1'234'567'890'123'456'789), 18), 1.234567890123456789);
  // Rounded to a double first and divided then, this one would be 0.9007199254740992.
  EXPECT_EQ(scaled(number(9'007'199'254'740'993), 16), 0.9007199254740993);
  EXPECT_EQ(scaled(number(1), 0), 1.0);
  EXPECT_EQ(scaled(number(1), 77), 1e-77);
  EXPECT_EQ(scaled(power_of_two(254), 0), std::ldexp(1.0, 254));
  EXPECT_EQ(scaled(number(-5), 1), -0.5);
}

TEST(ChainlinkAbi, AsksByTheSelectorAtTheBlocksHash) {
  const rpc::Call call = ask(Address{0xab}, "latestRoundData()", oracle::Hash32{0xcd});
  EXPECT_EQ(call.method, "eth_call");
  EXPECT_THAT(call.params, HasSubstr(R"("data":"0xfeaf968c")"));
  EXPECT_THAT(call.params, HasSubstr(R"({"blockHash":"0xcd00)"));
}

// --- one round ---------------------------------------------------------------------------------------

TEST(ChainlinkCheck, BelievesARoundWithTheTimeOfItsObservation) {
  FeedCheck check = check_of();
  const Verdict verdict = judge(check, round_of(5, 300'000));
  EXPECT_EQ(verdict.refusal, Refusal::none) << verdict.text;
  EXPECT_EQ(verdict.value, 3000.0);
  EXPECT_EQ(verdict.time, at(kNow));
}

TEST(ChainlinkCheck, V5_AgesFromTheObservationHoweverFreshTheUpdate) {
  FeedCheck check = check_of();
  Round round = round_of(5, 300'000);
  round.updated_at_s = kNow + 3961;  // transmitted in the very block it is read at
  EXPECT_EQ(check.judge(round, at(kNow + 3961)).refusal, Refusal::stale);
  round.updated_at_s = kNow + 3960;
  EXPECT_EQ(check.judge(round, at(kNow + 3960)).refusal, Refusal::none) << "heartbeat and slack to the second";
}

TEST(ChainlinkCheck, V5_AFrozenAnswerGoesStaleByTheChainsClock) {
  FeedCheck check = check_of();
  const Round frozen = round_of(5, 300'000);
  EXPECT_EQ(check.judge(frozen, at(kNow + 60)).refusal, Refusal::none);
  EXPECT_EQ(check.judge(frozen, at(kNow + 3960)).refusal, Refusal::none);
  EXPECT_EQ(check.judge(frozen, at(kNow + 3961)).refusal, Refusal::stale);
}

TEST(ChainlinkCheck, V7_RefusesZeroAndNegativeAnswers) {
  FeedCheck check = check_of();
  EXPECT_EQ(judge(check, round_of(5, 0)).refusal, Refusal::not_positive);
  EXPECT_EQ(judge(check, round_of(6, -1)).refusal, Refusal::not_positive);
  Round least = round_of(7, 0);
  least.answer = number(1);
  EXPECT_EQ(judge(check, least).refusal, Refusal::none);
}

TEST(ChainlinkCheck, V12_FromZeroToAPriceIsBelievedAtOnceAndBackIsRefused) {
  FeedCheck check = check_of();
  EXPECT_EQ(judge(check, round_of(1, 0)).refusal, Refusal::not_positive);
  EXPECT_EQ(judge(check, round_of(2, 300'000)).refusal, Refusal::none);
  EXPECT_EQ(judge(check, round_of(3, 0)).refusal, Refusal::not_positive);
  EXPECT_EQ(judge(check, round_of(4, 300'000)).refusal, Refusal::none) << "and a zero left nothing behind";
}

TEST(ChainlinkCheck, RefusesAnUnknownRoundAndMissingTimes) {
  FeedCheck check = check_of();
  EXPECT_FALSE(check.needs_parameters(Round{}));
  EXPECT_EQ(check.judge(Round{}, at(kNow)).refusal, Refusal::no_round);
  Round round = round_of(5, 300'000);
  round.updated_at_s = 0;
  EXPECT_EQ(check.judge(round, at(kNow)).refusal, Refusal::no_time);
  round = round_of(5, 300'000);
  round.started_at_s = 0;
  EXPECT_EQ(check.judge(round, at(kNow + 60)).refusal, Refusal::no_time);
}

TEST(ChainlinkCheck, RefusesTimesAheadOfTheBlock) {
  FeedCheck check = check_of();
  Round round = round_of(5, 300'000, kNow);
  round.updated_at_s = kNow + 1;
  EXPECT_EQ(check.judge(round, at(kNow)).refusal, Refusal::in_future);
  round.updated_at_s = kNow;
  round.started_at_s = kNow + 61;
  EXPECT_EQ(check.judge(round, at(kNow)).refusal, Refusal::in_future);
  round.started_at_s = kTimeMax_s + 1;
  EXPECT_EQ(check.judge(round, at(kNow)).refusal, Refusal::in_future);
  round.started_at_s = kNow + 60;  // observers' clocks
  const Verdict verdict = check.judge(round, at(kNow));
  EXPECT_EQ(verdict.refusal, Refusal::none);
  EXPECT_EQ(verdict.time, at(kNow)) << "but never newer than its block";
}

TEST(ChainlinkCheck, V9_RefusesAnAnswerAtItsAggregatorsBounds) {
  Parameters p = parameters();
  p.answer_min = number(100'000'000);
  p.answer_max = number(500'000'000'000);
  FeedCheck check = check_of(rules(), p);
  EXPECT_EQ(judge(check, round_of(1, 100)).refusal, Refusal::pinned_min);
  EXPECT_EQ(judge(check, round_of(2, 99)).refusal, Refusal::pinned_min);
  EXPECT_EQ(judge(check, round_of(3, 101)).refusal, Refusal::none);
  EXPECT_EQ(judge(check, round_of(4, 499'999)).refusal, Refusal::none);
  const Verdict pinned = judge(check, round_of(5, 500'000));
  EXPECT_EQ(pinned.refusal, Refusal::pinned_max);
  EXPECT_THAT(pinned.text, HasSubstr("maxAnswer 500000000000"));
}

TEST(ChainlinkCheck, V9_AnAggregatorWithoutBoundsPinsNothing) {
  FeedCheck check = check_of();
  EXPECT_EQ(judge(check, round_of(1, 1)).refusal, Refusal::none);
}

TEST(ChainlinkCheck, RefusesOtherDecimalsAndAnotherDescriptionThanConfigured) {
  FeedRules r = rules();
  r.decimals = 18;
  FeedCheck decimals = check_of(r);
  EXPECT_EQ(judge(decimals, round_of(1, 300'000)).refusal, Refusal::wrong_decimals);
  r.decimals = 8;
  r.description = "BTC / USD";
  FeedCheck description = check_of(r);
  EXPECT_EQ(judge(description, round_of(1, 300'000)).refusal, Refusal::wrong_description);
  r.description = "ETH / USD";
  FeedCheck right = check_of(r);
  EXPECT_EQ(judge(right, round_of(1, 300'000)).refusal, Refusal::none);
}

// --- one after the other -----------------------------------------------------------------------------

TEST(ChainlinkCheck, V4_RefusesARoundOrAnObservationBeforeTheLast) {
  FeedCheck check = check_of();
  EXPECT_EQ(judge(check, round_of(5, 300'000)).refusal, Refusal::none);
  EXPECT_EQ(judge(check, round_of(5, 300'000)).refusal, Refusal::none) << "the same again";
  EXPECT_EQ(judge(check, round_of(4, 300'000, kNow + 60)).refusal, Refusal::round_regressed);
  EXPECT_EQ(judge(check, round_of(6, 300'000, kNow - 1)).refusal, Refusal::round_regressed);
  EXPECT_EQ(judge(check, round_of(6, 300'000, kNow)).refusal, Refusal::none);
}

TEST(ChainlinkCheck, RoundsMayBeSkippedAndAPriceMayMoveFreelyWithinAPhase) {
  FeedCheck check = check_of();
  EXPECT_EQ(judge(check, round_of(5, 300'000)).refusal, Refusal::none);
  EXPECT_EQ(judge(check, round_of(90, 30'000, kNow + 60)).refusal, Refusal::none);
}

TEST(ChainlinkCheck, TheAnswerOfARunningRoundMayChange) {
  FeedCheck check = check_of();
  EXPECT_EQ(judge(check, round_of(5, 300'000)).value, 3000);
  EXPECT_EQ(judge(check, round_of(5, 300'100)).value, 3001);
}

TEST(ChainlinkCheck, ANewPhaseNeedsItsParametersAnew) {
  FeedCheck check = check_of();
  EXPECT_FALSE(check.needs_parameters(round_of(1, 1)));
  EXPECT_TRUE(check.needs_parameters(round_of(1, 1, kNow, 2)));
  EXPECT_EQ(judge(check, round_of(70, 300'000)).refusal, Refusal::none);
  Parameters eighteen = parameters(2);
  eighteen.decimals = 10;
  check.learn(eighteen);
  const Verdict verdict = check.judge(round_of(1, 30'000'000, kNow + 60, 2), at(kNow + 90));
  EXPECT_EQ(verdict.refusal, Refusal::none) << "a lower round of a higher phase: " << verdict.text;
  EXPECT_EQ(verdict.value, 3000);
}

TEST(ChainlinkCheck, V6_AnotherAggregatorsFirstValueMustBeNearTheLastEitherWay) {
  for (const std::int64_t price : {330'000, 272'730}) {
    FeedCheck check = check_of();
    EXPECT_EQ(judge(check, round_of(5, 300'000)).refusal, Refusal::none);
    EXPECT_EQ(judge(check, round_of(1, price, kNow + 60, 2)).refusal, Refusal::none) << price;
  }
  for (const std::int64_t price : {330'100, 272'700}) {
    FeedCheck check = check_of();
    EXPECT_EQ(judge(check, round_of(5, 300'000)).refusal, Refusal::none);
    EXPECT_EQ(judge(check, round_of(1, price, kNow + 60, 2)).refusal, Refusal::phase_jump) << price;
  }
}

TEST(ChainlinkCheck, V10_AJumpIsBelievedWhenThreeRoundsInARowAgree) {
  FeedCheck check = check_of();
  EXPECT_EQ(judge(check, round_of(5, 300'000)).refusal, Refusal::none);
  const Verdict first = judge(check, round_of(1, 400'000, kNow + 60, 2));
  EXPECT_EQ(first.refusal, Refusal::phase_jump);
  EXPECT_THAT(first.text, HasSubstr("3 rounds in a row agree, now 1"));
  EXPECT_EQ(judge(check, round_of(1, 400'000, kNow + 60, 2)).refusal, Refusal::phase_jump) << "the same is no other";
  EXPECT_EQ(judge(check, round_of(2, 410'000, kNow + 120, 2)).refusal, Refusal::phase_jump);
  const Verdict again = judge(check, round_of(2, 410'000, kNow + 120, 2));  // it is read often, a round lasts long
  EXPECT_THAT(again.text, HasSubstr("now 2"));
  const Verdict third = judge(check, round_of(3, 405'000, kNow + 180, 2));
  EXPECT_EQ(third.refusal, Refusal::none);
  EXPECT_EQ(third.value, 4050);
  EXPECT_EQ(judge(check, round_of(4, 450'000, kNow + 240, 2)).refusal, Refusal::none);
}

TEST(ChainlinkCheck, V10_RoundsThatDoNotAgreeReseedNothing) {
  FeedCheck check = check_of();
  EXPECT_EQ(judge(check, round_of(5, 300'000)).refusal, Refusal::none);
  for (std::uint64_t i = 1; i < 20; ++i) {
    const std::int64_t price = i % 2 == 0 ? 400'000 : 600'000;
    EXPECT_EQ(judge(check, round_of(i, price, kNow + 60 * i, 2)).refusal, Refusal::phase_jump) << i;
  }
  EXPECT_EQ(judge(check, round_of(20, 310'000, kNow + 1200, 2)).refusal, Refusal::none) << "near the last: at once";
}

TEST(ChainlinkCheck, V10_AnInventedHighRoundStarvesAFeedForThreeRoundsNotForEver) {
  FeedCheck check = check_of();
  EXPECT_EQ(judge(check, round_of(5, 300'000)).refusal, Refusal::none);
  EXPECT_EQ(judge(check, round_of(UINT64_MAX, 300'000, kNow + 1)).refusal, Refusal::none);
  EXPECT_EQ(judge(check, round_of(6, 300'000, kNow + 60)).refusal, Refusal::round_regressed);
  EXPECT_EQ(judge(check, round_of(7, 300'000, kNow + 120)).refusal, Refusal::round_regressed);
  EXPECT_EQ(judge(check, round_of(8, 300'000, kNow + 180)).refusal, Refusal::none);
  EXPECT_EQ(judge(check, round_of(9, 300'000, kNow + 240)).refusal, Refusal::none);
}

TEST(ChainlinkCheck, ARefusedRoundIsNotWhatTheNextOneIsHeldTo) {
  FeedCheck check = check_of();
  EXPECT_EQ(judge(check, round_of(5, 300'000)).refusal, Refusal::none);
  EXPECT_EQ(judge(check, round_of(900, -1, kNow + 60)).refusal, Refusal::not_positive);
  EXPECT_EQ(judge(check, round_of(6, 300'000, kNow + 60)).refusal, Refusal::none);
}

// --- the sequencer -----------------------------------------------------------------------------------

Round status(std::int64_t answer, std::uint64_t since) {
  return {0, 3, number(answer), since, since};
}

TEST(ChainlinkSequencer, NothingIsBelievedUntilItIsUpForLongerThanItsGracePeriod) {
  const Duration grace = Duration::hours(1);
  const auto refusal = [&](const Round& round) {
    const auto verdict = judge_sequencer(round, at(kNow), grace);
    return verdict ? verdict->refusal : Refusal::none;
  };
  EXPECT_EQ(refusal(status(0, kNow - 3601)), Refusal::none);
  EXPECT_EQ(refusal(status(0, kNow - 3600)), Refusal::sequencer_grace);
  EXPECT_EQ(refusal(status(0, kNow)), Refusal::sequencer_grace);
  EXPECT_EQ(refusal(status(1, kNow - 100'000)), Refusal::sequencer_down);
  EXPECT_EQ(refusal(status(2, kNow - 100'000)), Refusal::sequencer_unknown);
  EXPECT_EQ(refusal(status(-1, kNow - 100'000)), Refusal::sequencer_unknown);
  EXPECT_EQ(refusal(status(0, kNow + 1)), Refusal::sequencer_unknown);
  EXPECT_EQ(refusal(status(0, 0)), Refusal::sequencer_unknown);
  EXPECT_EQ(refusal(Round{}), Refusal::sequencer_unknown);
}

TEST(ChainlinkRefusal, EveryReasonHasItsOwnName) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kRefusalCount; ++i) names.insert(name_of(static_cast<Refusal>(i)));
  EXPECT_EQ(names.size(), kRefusalCount);
  EXPECT_EQ(name_of(Refusal::sequencer_unknown), "sequencer_unknown");
  EXPECT_EQ(name_of(Refusal::phase_jump), "phase_jump");
}

}  // namespace
}  // namespace homeostat::sources::chainlink
