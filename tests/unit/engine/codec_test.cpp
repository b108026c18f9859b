#include "engine/codec.hpp"

#include "world.hpp"

namespace homeostat::engine {
namespace {

std::vector<Input> one_of_each() {
  const auto policy = std::make_shared<const Policy>(small_policy());
  oracle::ChainSegment segment{
      "chain", at(1), 7, 8, 9, {}, false, {"Tip"}, {{9, {}, at(1), {{0, 3, {}, {oracle::Word{}}}}}}, 5, 4};
  GuardianCommand command{"alice", "why", at(2), CommandKind::veto, "fee", dec("1.25"), -0.5, at(9), 42};
  return {oracle::SampleBatch{"feed", 1, at(0), {"velocity"}, {{0, at(0), 1.5}}},
          segment,
          oracle::SourceReport{"feed", at(0), oracle::SourceCondition::failing, "refused"},
          Tick{5, at(50)},
          command,
          ActuatorReport{3, "executor", at(1), true, dec("-2.25"), "0x1"},
          PolicyChange{at(1), "alice", "the text", policy}};
}

Result<PolicyPtr> load(const std::string& text) {
  if (text != "the text") return fail(ErrorCode::malformed, "", "another text");
  return std::make_shared<const Policy>(small_policy());
}

TEST(Codec, EveryKindOfInputComesBackAsItWas) {
  for (const Input& input : one_of_each()) {
    const std::string bytes = encode(input);
    const auto back = decode(bytes, load);
    ASSERT_TRUE(back) << back.error().text();
    EXPECT_EQ(back->index(), input.index());
    EXPECT_EQ(encode(*back), bytes);
    EXPECT_NE(name_of(static_cast<InputTag>(bytes.front())), "?");
  }
}

TEST(Codec, EveryTruncationAndEveryFlippedByteIsAnErrorOrAnotherInputButNeverACrash) {
  for (const Input& input : one_of_each()) {
    const std::string bytes = encode(input);
    for (std::size_t n = 0; n < bytes.size(); ++n) {
      EXPECT_FALSE(decode(bytes.substr(0, n), load)) << input.index() << " cut at " << n;
      for (const int flip : {0x01, 0x80, 0xff}) {
        std::string broken = bytes;
        broken[n] = static_cast<char>(broken[n] ^ flip);
        (void)decode(broken, load);
      }
    }
    EXPECT_FALSE(decode(bytes + '\0', load));
  }
}

TEST(Codec, EnumerationsOutOfRangeAreRefused) {
  GuardianCommand command;
  command.actor = "a";
  command.reason = "b";
  command.kind = static_cast<CommandKind>(99);
  EXPECT_FALSE(decode(encode(command), load));
}

TEST(Codec, APolicyChangeNeedsTheSamePolicyAgain) {
  auto other = small_policy();
  other.digest = "d2";
  const auto bytes = encode(PolicyChange{at(1), "alice", "the text", std::make_shared<const Policy>(other)});
  const auto back = decode(bytes, load);
  ASSERT_FALSE(back);
  EXPECT_EQ(back.error().code, ErrorCode::conflict);
  EXPECT_EQ(decode(bytes, nullptr).error().code, ErrorCode::unsupported);
}

TEST(Codec, ARecordComesBackAsItWas) {
  World world;
  world.tick(0);
  world.sees("velocity", 14).tick(10);
  const auto bytes = encode_record(world.fee());
  const auto back = decode_record(bytes);
  ASSERT_TRUE(back);
  EXPECT_EQ(encode_record(*back), bytes);
  for (std::size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(decode_record(bytes.substr(0, n)));
}

TEST(Codec, AStateSavedInTheMiddleGoesOnBitForBit) {
  World world;
  world.tick(0);
  world.sees("velocity", 14).ticks(10, 100);
  world.override_value("reward", "3", 500);
  auto restored = Engine::load(std::make_shared<const Policy>(small_policy()), world.engine.save());
  ASSERT_TRUE(restored) << restored.error().text();
  EXPECT_EQ(restored->state_hash(), world.engine.state_hash());
  for (int s = 110; s < 200; s += 10) {
    (void)world.engine.apply(World::tick_at(s));
    (void)restored->apply(World::tick_at(s));
  }
  EXPECT_EQ(restored->state_hash(), world.engine.state_hash());
  EXPECT_EQ(restored->decisions_hash(), world.engine.decisions_hash());
}

TEST(Codec, AStateOfAnotherPolicyOrWithBrokenBytesIsRefused) {
  World world;
  world.sees("velocity", 14).ticks(0, 100);
  const std::string bytes = world.engine.save();
  auto other = small_policy();
  other.digest = "d2";
  EXPECT_EQ(Engine::load(std::make_shared<const Policy>(other), bytes).error().code, ErrorCode::conflict);
  const auto policy = std::make_shared<const Policy>(small_policy());
  for (std::size_t n = 0; n < bytes.size(); n += 7) {
    EXPECT_FALSE(Engine::load(policy, bytes.substr(0, n))) << n;
    std::string broken = bytes;
    broken[n] = static_cast<char>(broken[n] ^ 0x81);
    (void)Engine::load(policy, broken);  // an error or another state, never a crash
  }
}

}  // namespace
}  // namespace homeostat::engine
