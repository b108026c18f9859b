// Signed orders, roles and approvals, as the engine judges them.
#include "guardian/authority.hpp"
#include "engine/codec.hpp"

#include "guardian/loosened.hpp"
#include "tests/unit/guardian/signer.hpp"
#include "world.hpp"

namespace homeostat::engine {
namespace {

using guardian::ApprovalRule;
using guardian::Role;
using guardian::SignedOrder;
using guardian::Signer;

const Signer kOps(1), kAlice(2), kBob(3), kCarol(4), kRoot(5);

Policy signed_policy() {
  Policy policy = small_policy();
  policy.guardian.keys = {{"ops", kOps.public_key, Role::operator_role, {}},
                          {"alice", kAlice.public_key, Role::guardian, {}},
                          {"bob", kBob.public_key, Role::guardian, {}},
                          {"carol", kCarol.public_key, Role::guardian, at(1000)},
                          {"root", kRoot.public_key, Role::admin, {}}};
  policy.guardian.approvals = {{CommandKind::override_value, 0.3, 2}, {CommandKind::resume, 0, 2}};
  return policy;
}

/// Signs orders and gives them to the engine of a World.
struct Desk {
  explicit Desk(Policy policy = signed_policy()) : world(std::move(policy)) { world.tick(0); }

  SignedOrder order(const char* key, CommandKind kind, const std::string& target = "") {
    SignedOrder made{"small", key, "", at(world.now_s + 60), {}};
    made.nonce = std::string(24, '0') + std::to_string(10'000'000 + ++nonce);
    made.command.kind = kind;
    made.command.target = target;
    made.command.reason = "drill";
    return made;
  }
  SignedOrder override_to(const char* key, const char* value) {
    SignedOrder made = order(key, CommandKind::override_value, "fee");
    made.command.value = dec(value);
    made.command.until = at(world.now_s + 300);
    return made;
  }
  SignedOrder on(const char* key, CommandKind kind, std::uint64_t id) {
    SignedOrder made = order(key, kind);
    made.command.id = id;
    return made;
  }
  static const Signer& signer(const std::string& key) {
    static const std::map<std::string, const Signer*> all{
        {"ops", &kOps}, {"alice", &kAlice}, {"bob", &kBob}, {"carol", &kCarol}, {"root", &kRoot}};
    const auto found = all.find(key);
    return found == all.end() ? kOps : *found->second;
  }
  CommandOutcome send(const std::string& text, const guardian::Signature& signature) {
    return world.engine.apply(SignedCommand{at(world.now_s), text, signature}).outcome;
  }
  CommandOutcome send(const SignedOrder& made) {
    const std::string text = text_of(made);
    return send(text, signer(made.key).sign(text));
  }

  World world;
  std::uint64_t nonce = 0;
};

TEST(Authority, ASignedPauseStopsEmission) {
  Desk desk;
  const auto said = desk.send(desk.order("ops", CommandKind::pause, "fee"));
  EXPECT_TRUE(said.accepted) << said.message;
  EXPECT_TRUE(desk.world.engine.view().parameters[0].paused);
  EXPECT_EQ(desk.world.engine.view().parameters[0].paused_by, "ops");
}

TEST(Authority, AnUnsignedOrderIsRefusedAsSoonAsThereAreKeys) {
  Desk desk;
  const auto said = desk.world.order(CommandKind::pause, "fee").outcome;
  EXPECT_FALSE(said.accepted);
  EXPECT_EQ(said.refusal, ErrorCode::permission_denied);
  EXPECT_NE(said.message.find("takes signed orders only"), std::string::npos) << said.message;
}

TEST(Authority, AlteredReplayedLateForeignAndUnknownOrdersAreRefusedAndChangeNothing) {
  Desk desk;
  const auto good = desk.override_to("alice", "2.75");
  const std::string text = text_of(good);
  const auto signature = kAlice.sign(text);
  std::string altered = text;
  altered.replace(altered.find("2.75"), 4, "3.25");
  EXPECT_EQ(desk.send(altered, signature).refusal, ErrorCode::permission_denied);
  EXPECT_EQ(desk.send(text, kBob.sign(text)).refusal, ErrorCode::permission_denied);
  EXPECT_EQ(desk.send(desk.order("dave", CommandKind::pause)).refusal, ErrorCode::unknown_name);
  auto foreign = good;
  foreign.policy = "other";
  EXPECT_EQ(desk.send(foreign).refusal, ErrorCode::permission_denied);
  auto late = good;
  late.expires = at(0);
  EXPECT_EQ(desk.send(late).refusal, ErrorCode::out_of_range);
  auto long_valid = good;
  long_valid.expires = at(90'000);
  EXPECT_EQ(desk.send(long_valid).refusal, ErrorCode::out_of_range);
  EXPECT_FALSE(desk.world.engine.view().parameters[0].overridden);

  EXPECT_TRUE(desk.send(text, signature).accepted);
  EXPECT_TRUE(desk.world.engine.view().parameters[0].overridden);
  EXPECT_EQ(desk.send(text, signature).refusal, ErrorCode::duplicate);
}

TEST(Authority, ARefusedOrderCannotBeSentAgainLater) {
  Desk desk;
  const auto resume = desk.order("alice", CommandKind::clear_override, "fee");
  EXPECT_EQ(desk.send(resume).refusal, ErrorCode::conflict);  // nothing is overridden yet
  EXPECT_TRUE(desk.send(desk.override_to("bob", "2.75")).accepted);
  EXPECT_EQ(desk.send(resume).refusal, ErrorCode::duplicate);
}

TEST(Authority, ARoleOrdersWhatItMayAndNoMore) {
  Desk desk;
  EXPECT_EQ(desk.send(desk.override_to("ops", "2.75")).refusal, ErrorCode::permission_denied);
  EXPECT_EQ(desk.send(desk.order("alice", CommandKind::allow_policy, std::string(64, 'a'))).refusal,
            ErrorCode::permission_denied);
  EXPECT_TRUE(desk.send(desk.order("root", CommandKind::pause)).accepted);
}

TEST(Authority, AnExpiredKeyOrdersNothing) {
  Desk desk;
  desk.world.ticks(10, 1000);
  EXPECT_EQ(desk.send(desk.order("carol", CommandKind::pause)).refusal, ErrorCode::permission_denied);
}

TEST(Authority, AnOverrideAboveTheThresholdWaitsForASecondKey) {
  Desk desk;
  EXPECT_EQ(desk.send(desk.override_to("alice", "3.25")).missing, 0U);  // 30 % of 2.5 is not above 30 %
  const auto said = desk.send(desk.override_to("alice", "3.5"));
  EXPECT_TRUE(said.accepted);
  EXPECT_EQ(said.missing, 1U);
  EXPECT_EQ(desk.world.engine.view().parameters[0].override_value, dec("3.25"));
  ASSERT_EQ(desk.world.engine.view().pending.size(), 1U);

  EXPECT_EQ(desk.send(desk.on("alice", CommandKind::approve, said.id)).refusal, ErrorCode::duplicate);
  EXPECT_EQ(desk.send(desk.on("ops", CommandKind::approve, said.id)).refusal, ErrorCode::permission_denied);
  EXPECT_TRUE(desk.send(desk.on("bob", CommandKind::approve, said.id)).accepted);
  EXPECT_EQ(desk.world.engine.view().parameters[0].override_value, dec("3.5"));
  EXPECT_EQ(desk.world.engine.view().parameters[0].override_by, "alice with bob");
  EXPECT_TRUE(desk.world.engine.view().pending.empty());
  EXPECT_EQ(desk.send(desk.on("root", CommandKind::approve, said.id)).refusal, ErrorCode::unknown_name);
}

TEST(Authority, WhatWouldBeRefusedIsRefusedBeforeAnybodyElseSigns) {
  Desk desk;
  const auto said = desk.send(desk.override_to("alice", "4.97"));  // not a multiple of the quantum
  EXPECT_FALSE(said.accepted);
  EXPECT_EQ(said.refusal, ErrorCode::out_of_range);
  EXPECT_TRUE(desk.world.engine.view().pending.empty());
}

TEST(Authority, OneGuardianCanRejectAWaitingCommandAndItExpires) {
  Desk desk;
  auto said = desk.send(desk.override_to("alice", "4"));
  EXPECT_TRUE(desk.send(desk.on("ops", CommandKind::reject, said.id)).accepted);
  EXPECT_TRUE(desk.world.engine.view().pending.empty());
  EXPECT_EQ(desk.send(desk.on("bob", CommandKind::approve, said.id)).refusal, ErrorCode::unknown_name);

  said = desk.send(desk.override_to("alice", "4"));
  desk.world.ticks(10, 50);
  EXPECT_EQ(desk.world.engine.view().pending.size(), 1U);
  desk.world.tick(60);
  EXPECT_TRUE(desk.world.engine.view().pending.empty());
  EXPECT_FALSE(desk.world.engine.view().parameters[0].overridden);
}

Input policy_change(std::int64_t seconds, Policy next, const std::string& text) {
  next.digest = "d-" + text;
  return PolicyChange{at(seconds), "reload", text, std::make_shared<const Policy>(std::move(next))};
}

TEST(Authority, AKeyThatWasTakenOutSinceItSignedCountsNoMore) {
  Desk desk;
  const auto said = desk.send(desk.override_to("carol", "4"));
  Policy without = signed_policy();
  std::erase_if(without.guardian.keys, [](const guardian::Key& k) { return k.name == "carol"; });
  EXPECT_TRUE(desk.world.engine.apply(policy_change(0, without, "without carol")).outcome.accepted);
  EXPECT_TRUE(desk.send(desk.on("alice", CommandKind::approve, said.id)).accepted);
  EXPECT_FALSE(desk.world.engine.view().parameters[0].overridden);  // one valid signature of two
  EXPECT_TRUE(desk.send(desk.on("bob", CommandKind::approve, said.id)).accepted);
  EXPECT_TRUE(desk.world.engine.view().parameters[0].overridden);
}

TEST(Authority, APolicyThatLoosensALimitMustBeAllowedFirst) {
  Desk desk;
  Policy looser = signed_policy();
  looser.guardian.parameters[0].max = dec("6");
  const auto refused = desk.world.engine.apply(policy_change(0, looser, "max 6")).outcome;
  EXPECT_FALSE(refused.accepted);
  EXPECT_NE(refused.message.find("parameters.fee.max from 5 to 6"), std::string::npos) << refused.message;
  EXPECT_NE(refused.message.find("allow-policy " + guardian::fingerprint("max 6")), std::string::npos);

  EXPECT_TRUE(desk.send(desk.order("root", CommandKind::allow_policy, guardian::fingerprint("max 6"))).accepted);
  EXPECT_FALSE(desk.world.engine.apply(policy_change(0, looser, "another text")).outcome.accepted);
  EXPECT_TRUE(desk.world.engine.apply(policy_change(0, looser, "max 6")).outcome.accepted);
  // An allowance is for one load.
  Policy tighter = looser;
  tighter.guardian.parameters[0].max = dec("5");
  EXPECT_TRUE(desk.world.engine.apply(policy_change(0, tighter, "max 5")).outcome.accepted);
  EXPECT_FALSE(desk.world.engine.apply(policy_change(0, looser, "max 6")).outcome.accepted);
}

TEST(Authority, APromotionIsSignedForEvenIfItLoosensNothingAndOnce) {
  Desk desk;
  Policy tighter = signed_policy();
  tighter.guardian.parameters[0].max = dec("4.5");
  const auto promoted = [&] {
    Input change = policy_change(0, tighter, "max 4.5");
    std::get<PolicyChange>(change).promotion = true;
    const auto decoded = decode(
        encode(change), [&](const std::string&) -> Result<PolicyPtr> { return std::get<PolicyChange>(change).policy; });
    EXPECT_TRUE(decoded && std::get<PolicyChange>(*decoded).promotion);
    return desk.world.engine.apply(*decoded).outcome;
  };
  const auto refused = promoted();
  EXPECT_FALSE(refused.accepted);
  EXPECT_NE(refused.message.find("a promotion is signed under a policy with keys"), std::string::npos)
      << refused.message;
  EXPECT_TRUE(desk.send(desk.order("root", CommandKind::allow_policy, guardian::fingerprint("max 4.5"))).accepted);
  EXPECT_EQ(desk.world.engine.view().allowed_policies.count(guardian::fingerprint("max 4.5")), 1U);
  EXPECT_TRUE(promoted().accepted);
  EXPECT_FALSE(promoted().accepted);
  // The host's own file needs no signature for what loosens nothing.
  EXPECT_TRUE(desk.world.engine.apply(policy_change(0, tighter, "max 4.5")).outcome.accepted);
}

TEST(Authority, IsSavedWithTheStateAndReplaysBitForBit) {
  Desk desk;
  const auto said = desk.send(desk.override_to("alice", "4"));
  auto loaded = Engine::load(std::make_shared<const Policy>(signed_policy()), desk.world.engine.save());
  ASSERT_TRUE(loaded) << loaded.error().text();
  EXPECT_EQ(loaded->state_hash(), desk.world.engine.state_hash());
  const auto approval = text_of(desk.on("bob", CommandKind::approve, said.id));
  const SignedCommand command{at(0), approval, kBob.sign(approval)};
  const auto decoded = decode(encode(command), {});
  ASSERT_TRUE(decoded);
  EXPECT_TRUE(loaded->apply(*decoded).outcome.accepted);
  EXPECT_TRUE(desk.world.engine.apply(command).outcome.accepted);
  EXPECT_EQ(loaded->state_hash(), desk.world.engine.state_hash());
}

TEST(Loosened, NamesWhatAllowsMoreAndNothingElse) {
  const auto was = signed_policy().guardian;
  EXPECT_TRUE(guardian::loosened(was, was).empty());
  const auto only = [&](auto change) {
    auto now = was;
    change(now);
    const auto found = guardian::loosened(was, now);
    return found.size() == 1 ? found[0] : std::to_string(found.size()) + " found";
  };
  EXPECT_EQ(only([](auto& s) { s.parameters[0].min = dec("0.25"); }), "parameters.fee.min from 0.5 to 0.25");
  EXPECT_EQ(only([](auto& s) { s.parameters[0].veto_window = Duration::zero() - Duration::seconds(1); }),
            "parameters.fee.veto_window from 0s to -1s");
  EXPECT_EQ(only([](auto& s) { s.override_max = Duration::hours(25); }), "guardian.override_max from 1d to 1d1h");
  EXPECT_EQ(only([](auto& s) { s.keys[0].role = Role::admin; }), "guardian.keys.ops is new or another one");
  EXPECT_EQ(only([](auto& s) { s.approvals[0].above = 0.4; }),
            "guardian.approvals ask for less than 2 signatures of override");
  EXPECT_EQ(only([](auto& s) { s.parameters.push_back(parameter("new")); }), "parameters.new is new");
  EXPECT_EQ(only([](auto& s) { s.setpoint_shift_max = 0.6; }), "guardian.setpoint_shift_max from 0.5 to 0.6");
  const auto none = [&](auto change) {
    auto now = was;
    change(now);
    return guardian::loosened(was, now).empty();
  };
  EXPECT_TRUE(none([](auto& s) { s.parameters[0].max = dec("4"); }));
  EXPECT_TRUE(none([](auto& s) { s.parameters[0].change.absolute = dec("0.2"); }));
  EXPECT_FALSE(none([](auto& s) { s.parameters[0].change.absolute = dec("0.3"); }));
  EXPECT_FALSE(none([](auto& s) { s.parameters[0].change.absolute.reset(); }));
  EXPECT_TRUE(none([](auto& s) { s.parameters[0].cooldown_up = Duration::hours(1); }));
  EXPECT_TRUE(none([](auto& s) { s.parameters.pop_back(); }));
  EXPECT_TRUE(none([](auto& s) { s.keys.pop_back(); }));
  EXPECT_FALSE(none([](auto& s) { s.keys.clear(); }));
}

TEST(PolicyCheck, RefusesKeysAndApprovalsThatCannotWork) {
  const auto complaint = [](auto change) {
    Policy policy = signed_policy();
    change(policy.guardian);
    const auto errors = check(policy);
    return errors.size() == 1 ? errors[0].text() : std::to_string(errors.size()) + " errors";
  };
  EXPECT_EQ(complaint([](auto& s) { s.keys[1].public_key = kBob.public_key; }),
            "guardian.keys.bob.public_key: is also that of 'alice': one person would count as two");
  EXPECT_EQ(complaint([](auto& s) { s.keys[1].name = "bob"; }), "guardian.keys.bob: the name is given twice");
  EXPECT_EQ(complaint([](auto& s) {
              s.approvals = {{CommandKind::resume, 0, 5}};
            }),
            "guardian.approvals.resume.of: 5 is not from 2 to 4, the number of keys that may order it");
  EXPECT_EQ(complaint([](auto& s) {
              s.approvals = {{CommandKind::pause, 0, 2}};
            }).substr(0, 54),
            "guardian.approvals.pause: makes the system do less, an");
  EXPECT_EQ(complaint([](auto& s) {
              s.approvals = {{CommandKind::resume, 0.1, 2}};
            }),
            "guardian.approvals.resume.above: has a meaning for override and shift only");
}

}  // namespace
}  // namespace homeostat::engine
