#include "guardian/signed_order.hpp"

#include <gtest/gtest.h>

#include "core/hex.hpp"
#include "guardian/keys.hpp"

namespace homeostat::guardian {
namespace {

constexpr std::string_view kOverride =
    "homeostat order 1\n"
    "policy: streaming\n"
    "key: alice\n"
    "nonce: 00112233445566778899aabbccddeeff\n"
    "expires: 2026-11-21T07:00:00Z\n"
    "command: override\n"
    "target: transaction_fee\n"
    "value: 0.02\n"
    "until: 2026-11-21T08:00:00Z\n"
    "reason: spam wave: 3rd one\n";

std::string with(std::string_view from, std::string_view to) {
  std::string text(kOverride);
  text.replace(text.find(from), from.size(), to);
  return text;
}

std::string refusal(const std::string& text) {
  const auto order = parse_signed_order(text);
  return order ? "accepted" : order.error().text();
}

TEST(SignedOrder, ReadsEveryLine) {
  const auto order = parse_signed_order(kOverride);
  ASSERT_TRUE(order) << order.error().text();
  EXPECT_EQ(order->policy, "streaming");
  EXPECT_EQ(order->key, "alice");
  EXPECT_EQ(order->nonce, "00112233445566778899aabbccddeeff");
  EXPECT_EQ(order->expires, Instant::from_unix_seconds(1795244400));
  EXPECT_EQ(order->command.kind, CommandKind::override_value);
  EXPECT_EQ(order->command.target, "transaction_fee");
  EXPECT_EQ(order->command.value->to_string(), "0.02");
  EXPECT_EQ(order->command.until, Instant::from_unix_seconds(1795248000));
  EXPECT_EQ(order->command.reason, "spam wave: 3rd one");
}

TEST(SignedOrder, EveryCommandReadsBackAsItself) {
  for (std::size_t i = 0; i < kCommandKindCount; ++i) {
    for (const bool has_until : {false, true}) {
      SignedOrder order{"streaming", "alice", std::string(32, 'a'), Instant::from_unix_seconds(2'000'000'000), {}};
      order.command = {.reason = "why", .kind = static_cast<CommandKind>(i), .target = "x", .shift = -0.1, .id = 7};
      order.command.value = Decimal(125, 3);
      if (has_until) order.command.until = Instant::from_unix_seconds(2'000'000'001);
      const std::string text = text_of(order);
      const auto again = parse_signed_order(text);
      const bool needs_until =
          order.command.kind == CommandKind::override_value || order.command.kind == CommandKind::shift_setpoint;
      if (needs_until && !has_until) {
        EXPECT_FALSE(again) << text;
        continue;
      }
      ASSERT_TRUE(again) << text << again.error().text();
      EXPECT_EQ(text_of(*again), text);
      EXPECT_EQ(again->command.kind, order.command.kind);
    }
  }
}

TEST(SignedOrder, SaysWhatIsWrongAndInWhichLine) {
  EXPECT_EQ(refusal(""), "line 1: expected 'homeostat order 1'");
  EXPECT_EQ(refusal(with("order 1", "order 2")), "line 1: expected 'homeostat order 1'");
  EXPECT_EQ(refusal(with("key: alice\n", "")), "line 3: expected 'key: ...'");
  EXPECT_EQ(refusal(with("00112233445566778899aabbccddeeff", "12")),
            "line 4: a nonce is 32 hexadecimal digits in lower case");
  EXPECT_EQ(refusal(with("T07:00:00Z", "T27:00:00Z")).substr(0, 7), "line 5:");
  EXPECT_EQ(refusal(with("command: override", "command: overide")).substr(0, 40),
            "line 6: there is no command 'overide'; t");
  EXPECT_EQ(refusal(with("value: 0.02", "value: much")).substr(0, 7), "line 8:");
  EXPECT_EQ(refusal(std::string(kOverride) + "more: 1\n"), "line 11: expected the end of the order");
  EXPECT_EQ(refusal(std::string(kOverride).substr(0, kOverride.size() - 1)),
            "line 11: expected a line that ends with a line feed");
  EXPECT_EQ(refusal(std::string(5000, 'x')), "order: has 5000 bytes; at most 4096");
}

TEST(SignedOrder, TakesOneFormOnly) {
  for (const auto& other : {with("value: 0.02", "value: 0.020"), with("T08:00:00Z", "T09:00:00+01:00"),
                            with("T07:00:00Z", "T07:00:00.000Z")}) {
    EXPECT_EQ(refusal(other).substr(0, 29), "order: is not in its one form") << other;
  }
}

TEST(SignedOrder, ALineFeedInsideAValueCannotAddALine) {
  auto order = *parse_signed_order(kOverride);
  order.command.reason = "x\nid: 7";
  EXPECT_FALSE(parse_signed_order(text_of(order)));
  order = *parse_signed_order(kOverride);
  order.command.target = "a\nvalue: 9";
  EXPECT_FALSE(parse_signed_order(text_of(order)));
}

// RFC 8032, section 7.1, test 2.
TEST(Keys, VerifyIsEd25519) {
  const auto key = *bytes_from_hex<32>("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  auto signature = *bytes_from_hex<64>(
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
      "387b2eaeb4302aeeb00d291612bb0c00");
  EXPECT_TRUE(verify(key, "r", signature));
  EXPECT_FALSE(verify(key, "s", signature));
  signature[5] ^= 1;
  EXPECT_FALSE(verify(key, "r", signature));
  EXPECT_FALSE(verify(PublicKey{}, "", Signature{}));  // a key of small order signs nothing
}

TEST(Keys, AFingerprintIsSha256) {
  EXPECT_EQ(fingerprint("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Keys, NoApprovalCanBeAskedForWhatDoesLess) {
  for (const auto kind : {CommandKind::pause, CommandKind::veto, CommandKind::reject}) EXPECT_TRUE(does_less(kind));
  for (const auto kind : {CommandKind::resume, CommandKind::override_value, CommandKind::clear_halt,
                          CommandKind::allow_policy, CommandKind::emergency_on}) {
    EXPECT_FALSE(does_less(kind));
  }
}

}  // namespace
}  // namespace homeostat::guardian
