// A checkpoint's line: one form, and no word of it can be changed once it is signed.
#include "cli/checkpoint.hpp"

#include <gtest/gtest.h>

namespace homeostat::cli::test {
namespace {

journal::Checkpoint some() {
  journal::Checkpoint c{.at = Instant::from_unix_seconds(1'800'000'000), .epoch = 3, .inputs = 41237};
  c.inputs_hash.fill(0xab);
  c.decisions = 812;
  c.decisions_hash.fill(0x01);
  c.seals = 96;
  c.seals_hash.fill(0xff);
  return c;
}

TEST(Checkpoint, ReadsBackAsItWasWritten) {
  const auto plain = parse_checkpoint(checkpoint_line(some()) + "\n");
  ASSERT_TRUE(plain) << plain.error().message;
  EXPECT_EQ(plain->checkpoint, some());
  EXPECT_EQ(plain->key, "");
  const SigningKey key = SigningKey::make("alice");
  const auto signed_one = parse_checkpoint(checkpoint_line(some(), key));
  ASSERT_TRUE(signed_one) << signed_one.error().message;
  EXPECT_EQ(signed_one->checkpoint, some());
  EXPECT_EQ(signed_one->key, "alice");
  EXPECT_EQ(signed_one->public_key, key.public_hex());
}

TEST(Checkpoint, NoByteOfASignedOneCanBeChangedUnseen) {
  const std::string line = checkpoint_line(some(), SigningKey::make("alice"));
  const std::size_t name = line.find("\"alice\"");
  for (std::size_t at = 0; at < line.size(); ++at) {
    if (at > name && at < name + 6) continue;  // the name is what the file calls the key; the key itself is what counts
    for (const int bit : {1, 32}) {
      std::string other = line;
      other[at] = static_cast<char>(other[at] ^ bit);
      EXPECT_FALSE(parse_checkpoint(other)) << "byte " << at << ": " << other[at];
    }
  }
}

TEST(Checkpoint, RefusesWhatIsNone) {
  for (const char* text :
       {"", "{}", "hello", "{\"homeostat_checkpoint\":2}", "{\"homeostat_checkpoint\":1,\"at\":\"x\"}"}) {
    const auto parsed = parse_checkpoint(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, ExitCode::refused);
    EXPECT_NE(parsed.error().message.find("homeostat audit checkpoint makes one"), std::string::npos);
  }
}

}  // namespace
}  // namespace homeostat::cli::test
