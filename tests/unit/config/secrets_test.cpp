// What of an address may leave the process's memory.
#include "config/secrets.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/config.hpp"
#include "config/describe.hpp"

namespace homeostat::config {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

Environment no_environment() {
  return [](std::string_view) { return std::nullopt; };
}
Environment with_key(std::string value) {
  return [value = std::move(value)](std::string_view name) -> std::optional<std::string> {
    if (name == "ETH_KEY") return value;
    return std::nullopt;
  };
}

/// Everything an address can be given by; `url` of the page is put in.
std::string text_with(const std::string& provider, const std::string& url = "http://h.example") {
  std::string text = R"yaml(homeostat: 1
name: small
period: 5s
sources:
  chain:
    kind: evm
    providers:
      - {name: one, http: PROVIDER, ws: "wss://user:hunter2@one.example/ws/WSKEY"}
      # - {name: old, http: https://old.example/v2/OLDKEY}
    chain_id: 1
    contracts:
      token: {address: "0x5fbdb2315678afecb367f032d93f642f64180aa3", events: ["event Tip(uint256 amount)"]}
  page:
    kind: http
    url: PAGE
    values: {load: {pointer: /load}}
metrics:
  load: {samples: page, unit: "%", min: 0, max: 100}
parameters:
  rate: {unit: "%", decimals: 2, initial: 1, min: 0, max: 5, quantum: 0.01, change: 1, cooldown: 5s}
loops:
  cool: {metric: load, parameter: rate, setpoint: 50, when_high: raise, gains: {kp: 0.1, integral_time: 5m}}
)yaml";
  text.replace(text.find("PROVIDER"), 8, provider);
  text.replace(text.find("PAGE"), 4, url);
  return text;
}

TEST(Secrets, OnlySchemeHostAndPortOfAnAddressAreLeft) {
  EXPECT_EQ(redacted_address("http://127.0.0.1:8545"), "http://127.0.0.1:8545");
  EXPECT_EQ(redacted_address("https://h.example/"), "https://h.example/");
  EXPECT_THAT(redacted_address("https://u:p@h.example:1/v2/KEY?a=b"),
              MatchesRegex("https://h\\.example:1/redacted-[0-9a-f]{8}"));
  EXPECT_THAT(redacted_address("wss://u:p@h.example"), MatchesRegex("wss://h\\.example/redacted-[0-9a-f]{8}"));
  EXPECT_THAT(redacted_address("http://h.example?key=KEY"), MatchesRegex("http://h\\.example/redacted-[0-9a-f]{8}"));
  EXPECT_EQ(shown_address("htp://u:p@h.example/KEY"), "htp://h.example");
}

TEST(Secrets, RedactingTwiceIsRedactingOnceAndAnotherKeyIsAnotherAddress) {
  const std::string once = redacted_address("https://h.example/v2/KEY");
  EXPECT_EQ(redacted_address(once), once);
  EXPECT_NE(redacted_address("https://h.example/v2/KEX"), once);
}

TEST(Secrets, AnAddressThatBeginsAnotherDoesNotSpoilIt) {
  const auto kept = redacted_text("a: http://h/k\nb: http://h/key\n", {"http://h/k", "http://h/key"});
  EXPECT_EQ(kept.text, "a: " + redacted_address("http://h/k") + "\nb: " + redacted_address("http://h/key") + "\n");
}

TEST(Secrets, NoneIsInTheKeptTextNorInTheDescription) {
  const auto loaded = load_text(text_with("https://one.example/v2/${ETH_KEY}", "'https://h.example/x?token=PAGEKEY'"),
                                "x.yaml", with_key("abcdefKEY"));
  ASSERT_TRUE(loaded) << loaded.error()[0].text();
  for (const char* secret : {"abcdefKEY", "hunter2", "WSKEY", "OLDKEY", "PAGEKEY"}) {
    EXPECT_THAT(loaded->text(), Not(HasSubstr(secret)));
    EXPECT_THAT(to_text(describe(*loaded)), Not(HasSubstr(secret)));
  }
  EXPECT_THAT(loaded->text(), HasSubstr("https://one.example/redacted-"));
  // but the sources are reached by it
  const auto& evm = std::get<EvmConnection>(loaded->daemon().sources[0].connection);
  EXPECT_EQ(evm.providers[0].http, "https://one.example/v2/abcdefKEY");
  EXPECT_EQ(evm.providers[0].ws, "wss://user:hunter2@one.example/ws/WSKEY");
}

TEST(Secrets, TheKeptTextLoadsToTheSamePolicyAndDigest) {
  const auto loaded = load_text(text_with("https://one.example/v2/${ETH_KEY}"), "x.yaml", with_key("k1"));
  ASSERT_TRUE(loaded) << loaded.error()[0].text();
  const auto again = load_text(loaded->text(), "journal", no_environment());
  ASSERT_TRUE(again) << again.error()[0].text();
  EXPECT_EQ(again->text(), loaded->text());
  EXPECT_EQ(again->digest(), loaded->digest());
  EXPECT_EQ(again->policy()->digest, loaded->digest());
}

TEST(Secrets, AnotherKeyIsAnotherDigest) {
  const std::string text = text_with("https://one.example/v2/${ETH_KEY}");
  const auto one = load_text(text, "x.yaml", with_key("k1"));
  const auto two = load_text(text, "x.yaml", with_key("k2"));
  ASSERT_TRUE(one && two);
  EXPECT_NE(one->digest(), two->digest());
}

TEST(Secrets, AnAddressThatCannotBeTakenOutIsRefusedWithoutBeingShown) {
  const auto loaded = load_text(text_with("http://one.example", R"("https:\/\/h.example\/PAGEKEY")"), "x.yaml");
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error()[0].text(),
              HasSubstr("sources.page.url: the address at https://h.example must stand on one"));
  EXPECT_THAT(loaded.error()[0].text(), Not(HasSubstr("PAGEKEY")));
}

TEST(Secrets, AWrongAddressIsToldWithoutItsKey) {
  const auto loaded = load_text(text_with("htps://u:hunter2@one.example/v2/KEY1"), "x.yaml");
  ASSERT_FALSE(loaded);
  for (const auto& d : loaded.error()) {
    EXPECT_THAT(d.text(), Not(HasSubstr("hunter2")));
    EXPECT_THAT(d.text(), Not(HasSubstr("KEY1")));
  }
}

TEST(Secrets, ProvidersOfChainlinkFeedsAreKeptOutAsWell) {
  const Loaded loaded = load_text(R"yaml(homeostat: 1
name: small
period: 5s
sources:
  prices:
    kind: chainlink
    providers: [{name: one, http: "https://one.example/v2/HTTPKEY", ws: "wss://one.example/ws/WSKEY"}]
    chain_id: 1
    feeds:
      eth: {proxy: "0x5fbdb2315678afecb367f032d93f642f64180aa3", heartbeat: 1h}
metrics:
  eth: {samples: prices, unit: USD, min: 0, max: 100000, staleness_max: 66m}
parameters:
  rate: {unit: "%", decimals: 2, initial: 1, min: 0, max: 5, quantum: 0.01, change: 1, cooldown: 5s}
loops:
  cool: {metric: eth, parameter: rate, setpoint: 50, when_high: raise, gains: {kp: 0.1, integral_time: 5m}}
)yaml",
                                  "small.yaml", no_environment());
  ASSERT_TRUE(loaded);
  EXPECT_THAT(loaded->text(), Not(HasSubstr("KEY")));
  EXPECT_THAT(describe(*loaded).sources.at(0).where, Not(HasSubstr("KEY")));
  EXPECT_THAT(describe(*loaded).sources.at(0).where, HasSubstr("1 feed of chain 1 by https://one.example"));
}

}  // namespace
}  // namespace homeostat::config
