#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include <fstream>
#include <iterator>

#include "config/config.hpp"
#include "config/describe.hpp"

namespace homeostat::config {
namespace {

std::string all(const std::vector<Diagnostic>& list) {
  std::string text;
  for (const Diagnostic& d : list) text += d.text() + "\n";
  return text;
}

std::optional<std::string> nothing_set(std::string_view) {
  return std::nullopt;
}

std::string content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), with);
}

const std::string kMinimal = "config/minimal.yaml";

TEST(Load, ReadsWhatTheMinimalConfigurationSays) {
  const Loaded loaded = load_file(kMinimal);
  ASSERT_TRUE(loaded) << all(loaded.error());
  EXPECT_EQ(all(loaded->warnings()), "");
  const engine::Policy& policy = *loaded->policy();
  EXPECT_EQ(policy.name, "minimal");
  EXPECT_EQ(policy.digest, loaded->digest());
  ASSERT_EQ(policy.loops.size(), 1u);
  const controller::LoopSettings& loop = policy.loops[0];
  EXPECT_EQ(loop.setpoint, 0.8);
  EXPECT_EQ(loop.pid.action, controller::Action::reverse);
  EXPECT_EQ(loop.pid.gains, (controller::Gains{.kp = 0.1, .ki_per_s = 0.1 / 300}));
  const guardian::ParameterSettings& p = policy.guardian.parameters.at(0);
  EXPECT_EQ(p.initial.to_string(), "0.04");
  EXPECT_EQ(p.quantum.to_string(), "0.0001");
  EXPECT_EQ(p.cooldown_down, Duration::seconds(5));
}

TEST(Load, GivesALoopAllTheRoomOfItsParameterWithoutOutputLimits) {
  const Loaded loaded = load_file(kMinimal);
  ASSERT_TRUE(loaded);
  EXPECT_DOUBLE_EQ(loaded->policy()->loops[0].pid.output_min, -0.04);
  EXPECT_DOUBLE_EQ(loaded->policy()->loops[0].pid.output_max, 0.16);
}

TEST(Load, TakesTheStreamingEconomyWithNothingSet) {
  const Loaded loaded = load_file("config/streaming.yaml", nothing_set);
  ASSERT_TRUE(loaded) << all(loaded.error());
  EXPECT_EQ(all(loaded->warnings()), "");
  EXPECT_EQ(loaded->policy()->loops.size(), 5u);
}

TEST(Load, TakesTheStreamingEconomyAtTheTempoOfTheDemonstration) {
  const Loaded loaded = load_file("config/streaming.yaml", [](std::string_view name) -> std::optional<std::string> {
    if (name == "HOMEOSTAT_DAY") return "30s";
    if (name == "HOMEOSTAT_PERIOD") return "1s";
    if (name == "HOMEOSTAT_CONFIRMATIONS") return "1";
    return std::nullopt;
  });
  ASSERT_TRUE(loaded) << all(loaded.error());
  EXPECT_EQ(all(loaded->warnings()), "");
  EXPECT_EQ(loaded->policy()->oracle.metrics.at(0).window, Duration::seconds(30));
  EXPECT_EQ(loaded->policy()->guardian.parameters.at(0).cooldown_up, Duration::seconds(3));
}

TEST(Load, ThePolicysTextNeedsNoEnvironment) {
  const Environment set = [](std::string_view name) -> std::optional<std::string> {
    if (name == "HOMEOSTAT_DAY") return "2m";
    if (name == "HOMEOSTAT_PERIOD") return "1s";
    return std::nullopt;
  };
  const Loaded first = load_file("config/streaming.yaml", set);
  ASSERT_TRUE(first) << all(first.error());
  const Loaded again = load_text(first->text(), "journal", nothing_set);
  ASSERT_TRUE(again) << all(again.error());
  EXPECT_EQ(again->text(), first->text());
  EXPECT_EQ(again->digest(), first->digest());
  EXPECT_EQ(again->daemon(), first->daemon());
  EXPECT_EQ(to_json(describe(*again)), to_json(describe(*first)));
}

TEST(Load, ResolvesEventsAndTheirArgumentsByName) {
  const Loaded loaded = load_file("tests/golden/config/good/every_key.yaml", nothing_set);
  ASSERT_TRUE(loaded) << all(loaded.error());
  for (const oracle::MetricSettings& m : loaded->policy()->oracle.metrics) {
    const auto* origin = std::get_if<oracle::EventOrigin>(&m.origin);
    if (m.name == "balance") {
      EXPECT_EQ(origin->event, "token.Paid");
      EXPECT_EQ(origin->value, 2u);
      EXPECT_TRUE(origin->value_signed);
      EXPECT_EQ(origin->finality, oracle::Finality::confirmations);
      EXPECT_EQ(origin->confirmations, 3u);
    } else if (m.name == "payers") {
      EXPECT_EQ(origin->key, 0u);
      EXPECT_EQ(origin->finality, oracle::Finality::safe);  // the source's
    }
  }
}

TEST(Load, PutsExpressionsBehindTheirOperands) {
  const Loaded loaded = load_file("tests/golden/config/good/every_key.yaml", nothing_set);
  ASSERT_TRUE(loaded) << all(loaded.error());
  std::vector<std::string> names;
  for (const auto& m : loaded->policy()->oracle.metrics) names.push_back(m.name);
  EXPECT_EQ(std::vector<std::string>(names.begin(), names.begin() + 3),
            (std::vector<std::string>{"load", "half", "doubled"}));
}

TEST(Load, PointsAtTheFileAsItIsOnDisk) {
  const std::string text = replaced(content(kMinimal), "period: 1s",
                                    "period: 1s\nlog: {format: ${LONGER_THAN_ITS_VALUE:-json}, level: ${X:-loud}}");
  const Loaded loaded = load_text(text, "x.yaml", nothing_set);
  ASSERT_FALSE(loaded);
  ASSERT_EQ(loaded.error().size(), 1u) << all(loaded.error());
  EXPECT_EQ(loaded.error()[0].column, 54u);
}

TEST(Load, WarnsOfAReadingThatOutlivesItsFeedOrGoesStaleBetweenTwoOfItsRounds) {
  const auto warned = [](const std::string& staleness_max) {
    const Loaded loaded = load_text(R"yaml(homeostat: 1
name: small
period: 5s
sources:
  prices:
    kind: chainlink
    providers: [{name: one, http: "http://one.example"}]
    chain_id: 1
    feeds:
      eth: {proxy: "0x5fbdb2315678afecb367f032d93f642f64180aa3", heartbeat: 1h}
metrics:
  eth: {samples: prices, unit: USD, min: 0, max: 100000, staleness_max: )yaml" +
                                        staleness_max + R"yaml(}
parameters:
  rate: {unit: "%", decimals: 2, initial: 1, min: 0, max: 5, quantum: 0.01, change: 1, cooldown: 5s}
loops:
  cool: {metric: eth, parameter: rate, setpoint: 50, when_high: raise, gains: {kp: 0.1, integral_time: 5m}}
)yaml",
                                    "x.yaml");
    EXPECT_TRUE(loaded) << all(loaded.error());
    return all(loaded->warnings());
  };
  EXPECT_EQ(warned("1h"), "");
  EXPECT_EQ(warned("66m"), "");  // the slack is a tenth of the heartbeat
  EXPECT_THAT(warned("59m"), testing::HasSubstr("shorter than the heartbeat 1h of the feed 'eth'"));
  EXPECT_THAT(warned("67m"), testing::HasSubstr("longer than heartbeat + slack 1h6m of the feed 'eth'"));
}

TEST(Load, WarnsOfACooldownThatHasNoEffect) {
  const Loaded loaded = load_text(replaced(content(kMinimal), "cooldown: 5s", "cooldown: 10ms"), "x.yaml");
  ASSERT_TRUE(loaded) << all(loaded.error());
  ASSERT_EQ(loaded->warnings().size(), 1u);
  EXPECT_EQ(loaded->warnings()[0].path, "parameters.borrow_rate.cooldown");
}

TEST(Load, WarnsOfAParameterThatNothingMoves) {
  const std::string text =
      replaced(content(kMinimal), "loops:\n",
               "  idle: {unit: USD, decimals: 0, initial: 1, min: 0, max: 9, quantum: 1, change: 1, "
               "cooldown: 1h}\nloops:\n");
  const Loaded loaded = load_text(text, "x.yaml");
  ASSERT_TRUE(loaded) << all(loaded.error());
  ASSERT_EQ(loaded->warnings().size(), 1u);
  EXPECT_EQ(loaded->warnings()[0].path, "parameters.idle");
}

TEST(Load, RefusesATextBeyondItsBound) {
  const Loaded loaded = load_text(std::string(kTextMax + 1, '#'), "big.yaml");
  ASSERT_FALSE(loaded);
  EXPECT_EQ(all(loaded.error()), "big.yaml: the file has 1048577 bytes; a configuration may have at most 1048576\n");
}

TEST(Load, ReportsNoMoreProblemsThanABound) {
  std::string text = "homeostat: 1\n";
  for (int i = 0; i < 1000; ++i) text += "unknown" + std::to_string(i) + ": 1\n";
  const Loaded loaded = load_text(text, "many.yaml");
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().size(), kDiagnosticsMax);
}

TEST(Load, SaysThatAFileCannotBeOpened) {
  const Loaded loaded = load_file("config/no_such_file.yaml");
  ASSERT_FALSE(loaded);
  EXPECT_EQ(all(loaded.error()),
            "config/no_such_file.yaml: cannot be opened; is the path right and the file readable?\n");
  EXPECT_FALSE(load_file("config"));
}

TEST(Describe, SaysWhichErrorALeakLeaves) {
  const Loaded loaded = load_file("tests/golden/config/good/every_key.yaml");
  ASSERT_TRUE(loaded);
  for (const LoopDescription& l : describe(*loaded).loops) {
    if (l.law != "pid") continue;
    if (l.name != "first") {
      EXPECT_FALSE(l.steady_error) << l.name;
      continue;
    }
    // kp 2, ki 2/30m, output up to 1; at rest ki e = leak (1 - kp e).
    ASSERT_TRUE(l.leak_half_life);
    const double leak = std::log(2.0) / l.leak_half_life->in_seconds();
    ASSERT_TRUE(l.steady_error);
    EXPECT_NEAR(*l.steady_error, l.deadband + leak / (2.0 / 1800 + leak * 2), 1e-12);
  }
}

TEST(Load, WarnsOfANoiseBarrierThatNothingPasses) {
  std::string text = content("tests/golden/config/good/every_key.yaml");
  const Loaded barred = load_text(text, "x.yaml");
  ASSERT_TRUE(barred);
  EXPECT_THAT(all(barred->warnings()), testing::HasSubstr("for a deviation of 0.5% it is 99999999977799"));
  const Loaded open = load_text(
      replaced(text, "noise_barrier_wad: 995000000000000000", "noise_barrier_wad: 999999999778000000"), "x.yaml");
  ASSERT_TRUE(open) << all(open.error());
  EXPECT_THAT(all(open->warnings()), testing::Not(testing::HasSubstr("noise_barrier_wad")));
  for (const LoopDescription& l : describe(*open).loops) {
    if (l.name == "redeem") EXPECT_NEAR(l.deadband_ratio, 0.005, 1e-5);
  }
}

TEST(Describe, SaysHowLargeAnErrorMustBeAndHowFarTheLimitsReach) {
  const Loaded loaded = load_file(kMinimal);
  ASSERT_TRUE(loaded);
  const Description d = describe(*loaded);
  ASSERT_EQ(d.loops.size(), 1u);
  EXPECT_DOUBLE_EQ(d.loops[0].deadband, 0.02);
  EXPECT_DOUBLE_EQ(d.loops[0].deadband_ratio, 0.025);
  EXPECT_DOUBLE_EQ(d.loops[0].first_step, 0.02 + 0.00005 / 0.1);
  EXPECT_EQ(d.loops[0].integral_time, Duration::minutes(5));
  // 4% to 20% in steps of 0.5%, one every 5 s, the first at once.
  ASSERT_EQ(d.parameters.size(), 1u);
  EXPECT_EQ(d.parameters[0].to_max, Duration::seconds(31 * 5));
  EXPECT_EQ(d.parameters[0].to_min, Duration::seconds(7 * 5));
  EXPECT_EQ(d.parameters[0].rise_per_day.to_string(), "0.16");
}

TEST(Describe, CountsTheDriftBudgetAgainstTheFastestWay) {
  const std::string text = replaced(content(kMinimal), "cooldown: 5s", "cooldown: 5s\n    drift: 1% per 10m");
  const Loaded loaded = load_text(text, "x.yaml");
  ASSERT_TRUE(loaded) << all(loaded.error());
  // Sixteen points of a percent at one per ten minutes, two steps of a half each time.
  EXPECT_EQ(describe(*loaded).parameters[0].to_max, Duration::minutes(150) + Duration::seconds(5));
}

}  // namespace
}  // namespace homeostat::config
