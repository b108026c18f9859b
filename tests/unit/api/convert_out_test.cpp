// What goes out.
#include <gtest/gtest.h>

#include "daemon/convert/actuator.hpp"
#include "daemon/convert/control.hpp"
#include "daemon/convert/decision.hpp"
#include "daemon/convert/fields.hpp"
#include "daemon/convert/ingest.hpp"

namespace homeostat::convert {
namespace {

const Instant kNow{1'700'000'000'123'456'789};

engine::DecisionRecord make_record() {
  engine::DecisionRecord record{.id = 42, .slot = 9, .at = kNow, .parameter = "tx_fee"};
  engine::LoopTerms terms{.loop = "velocity_fee", .metric = "velocity", .setpoint = 1, .error = -0.5, .p = 0.25};
  terms.reading = {.value = 1.5, .quality = oracle::Quality::degraded, .reason = "1 of 2 sources", .time = kNow};
  terms.reading.provenance = {.source = "chain", .time = kNow, .sequence = 77, .log_index = 3};
  terms.reading.provenance.block[31] = 0xab;
  record.loops.push_back(terms);
  record.wanted = Decimal(300, 4);
  record.limits.push_back({guardian::Limit::change, Decimal(300, 4), Decimal(150, 4), "0.25 % of 1.25 %"});
  record.previous = Decimal(125, 4);
  record.value = Decimal(150, 4);
  record.outcome = engine::Outcome::emitted;
  record.why = "velocity is above its set-point";
  record.answer = engine::Answer::applied;
  record.applied = Decimal(149, 4);
  record.executor = "anvil";
  return record;
}

TEST(ProtoFromInstant, CountsNanosForwardAlsoBefore1970) {
  EXPECT_EQ(proto_from_instant(kNow).seconds(), 1'700'000'000);
  EXPECT_EQ(proto_from_instant(kNow).nanos(), 123'456'789);
  EXPECT_EQ(proto_from_instant({-1}).seconds(), -1);
  EXPECT_EQ(proto_from_instant({-1}).nanos(), 999'999'999);
}

TEST(ValidUtf8, ReplacesOnlyWhatIsInvalid) {
  EXPECT_EQ(valid_utf8("grün €"), "grün €");
  EXPECT_EQ(valid_utf8("a\xff"
                       "b"),
            "a?b");
  EXPECT_EQ(valid_utf8("cut \xe2\x82"), "cut ??");
  EXPECT_EQ(valid_utf8("\xed\xa0\x80"), "???") << "a surrogate";
  EXPECT_EQ(valid_utf8("\xc0\x80"), "??") << "an overlong zero";
}

TEST(HexFromHash, IsEmptyForTheZeroHash) {
  EXPECT_EQ(hex_from_hash({}), "");
  oracle::Hash32 hash{};
  hash[0] = 0x0f;
  EXPECT_EQ(hex_from_hash(hash), "0x0f" + std::string(62, '0'));
}

TEST(ProtoFromVerdict, NamesEveryRefusedSample) {
  v1::IngestReply reply;
  proto_from_verdict(
      {.accepted = 3, .refused = {{.index = 2, .refusal = oracle::Refusal::in_future, .message = "late"}}}, kNow,
      reply);
  EXPECT_EQ(reply.status(), v1::IngestReply::STATUS_JUDGED);
  EXPECT_EQ(reply.accepted(), 3u);
  ASSERT_EQ(reply.refused_size(), 1);
  EXPECT_EQ(reply.refused(0).index(), 2u);
  EXPECT_EQ(reply.refused(0).reason(), "in_future");
}

TEST(ProtoFromDecision, WritesDecimalsAsTextAndLeavesNeverUnset) {
  v1::Decision proto;
  proto_from_decision(make_record(), "ratio", proto);
  EXPECT_EQ(proto.previous(), "0.0125");
  EXPECT_EQ(proto.value(), "0.015");
  EXPECT_EQ(proto.applied(), "0.0149");
  EXPECT_EQ(proto.unit(), "ratio");
  EXPECT_EQ(proto.outcome(), "emitted");
  EXPECT_EQ(proto.loops(0).reading().quality(), v1::QUALITY_DEGRADED);
  EXPECT_EQ(proto.loops(0).reading().provenance().block_hash(), "0x" + std::string(62, '0') + "ab");
  EXPECT_EQ(proto.limits(0).limit(), "change");
  EXPECT_EQ(proto.limits(0).with(), "0.015");
  EXPECT_FALSE(proto.has_answered());
}

TEST(Explain, TellsTheValueTheReasonTheLimitAndTheAnswer) {
  const std::string text = explain(make_record(), "ratio");
  for (const char* part :
       {"tx_fee was moved from 0.0125 ratio to 0.015 ratio", "velocity is above its set-point",
        "degraded (1 of 2 sources)", "block 77", "change: 0.015 instead of 0.03 ratio", "anvil applied 0.0149 ratio"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\nis not in\n" << text;
  }
}

TEST(ProtoFromAdjustment, GivesTheValueAsTextAndAsUnits) {
  v1::Adjustment proto;
  proto_from_adjustment({.id = 4,
                         .parameter = "tx_fee",
                         .value = Decimal(-125, 4),
                         .previous = Decimal(0, 4),
                         .created = kNow,
                         .expires = kNow + Duration::minutes(1)},
                        3, proto);
  EXPECT_EQ(proto.value(), "-0.0125");
  EXPECT_EQ(proto.units(), "-125");
  EXPECT_EQ(proto.decimals(), 4u);
  EXPECT_EQ(proto.epoch(), 3u);
}

TEST(ProtoFromStatus, CountsConnectedSources) {
  engine::View view;
  view.sources.resize(3);
  view.sources[1].condition = oracle::SourceCondition::failing;
  view.causes.push_back({.kind = guardian::CauseKind::guardian_pause, .subject = "ada", .since = kNow});
  v1::Status proto;
  proto_from_status(view, {.epoch = 5}, {.version = "1", .executors = 2}, proto);
  EXPECT_EQ(proto.sources(), 3u);
  EXPECT_EQ(proto.sources_connected(), 2u);
  EXPECT_EQ(proto.executors(), 2u);
  EXPECT_EQ(proto.epoch(), 5u);
  EXPECT_EQ(proto.causes(0).mode(), v1::OPERATING_MODE_HALTED);
  EXPECT_FALSE(proto.has_at()) << "no tick yet";
}

TEST(ProtoFromSource, ListsOnlyReasonsThatOccurred) {
  engine::SourceView source{.name = "app"};
  source.refused[static_cast<std::size_t>(oracle::Refusal::duplicate)] = 4;
  v1::Source proto;
  proto_from_source(source, "push", proto);
  EXPECT_EQ(proto.refused_size(), 1);
  EXPECT_EQ(proto.refused().at("duplicate"), 4u);
}

}  // namespace
}  // namespace homeostat::convert
