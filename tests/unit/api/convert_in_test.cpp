// What comes in: each message has a table of bad input, one row per rule, with the field the error must name.
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "daemon/convert/actuator.hpp"
#include "daemon/convert/admin.hpp"
#include "daemon/convert/control.hpp"
#include "daemon/convert/fields.hpp"
#include "daemon/convert/guardian.hpp"
#include "daemon/convert/ingest.hpp"

namespace homeostat::convert {
namespace {

const Instant kNow = Instant::from_unix_seconds(1'700'000'000);

engine::View make_view() {
  engine::View view;
  view.parameters.push_back({.name = "tx_fee",
                             .unit = "ratio",
                             .value = Decimal(125, 4),
                             .min = Decimal(10, 4),
                             .max = Decimal(500, 4),
                             .in_flight = 7});
  view.loops.push_back({.name = "velocity_fee", .metric = "velocity", .parameter = "tx_fee"});
  view.metrics.push_back({.name = "velocity"});
  view.sources.push_back({.name = "chain"});
  return view;
}

template <class Message>
struct BadRow {
  const char* claim;
  std::function<void(Message&)> spoil;
  const char* where;
  ErrorCode code;
  const char* hint;  ///< a part of the message
};

/// Every row spoils a good message in one way; `convert` must name that field, code and hint.
template <class Message, class Convert>
void expect_refused(const Message& good, const std::vector<BadRow<Message>>& rows, Convert convert) {
  ASSERT_TRUE(convert(good).has_value()) << convert(good).error().text();
  for (const auto& row : rows) {
    SCOPED_TRACE(row.claim);
    Message bad = good;
    row.spoil(bad);
    const auto result = convert(bad);
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().where, row.where);
    EXPECT_EQ(name_of(result.error().code), name_of(row.code));
    EXPECT_NE(result.error().message.find(row.hint), std::string::npos) << result.error().message;
  }
}

v1::SampleBatch good_batch() {
  v1::SampleBatch batch;
  batch.set_source("app");
  batch.set_first_sequence(5);
  batch.add_metrics("velocity");
  batch.add_metrics("viewers");
  for (int i = 0; i < 3; ++i) {
    auto& sample = *batch.add_samples();
    sample.set_metric(static_cast<std::uint32_t>(i % 2));
    sample.set_time_unix_nano(kNow.ns + i);
    sample.set_value(1.5 * i);
  }
  return batch;
}

TEST(BatchFromProto, CopiesEverySample) {
  const auto batch = batch_from_proto(good_batch(), kNow);
  ASSERT_TRUE(batch.has_value());
  EXPECT_EQ(batch->source, "app");
  EXPECT_EQ(batch->first_sequence, 5u);
  EXPECT_EQ(batch->received, kNow);
  EXPECT_EQ(batch->metrics, (std::vector<std::string>{"velocity", "viewers"}));
  ASSERT_EQ(batch->samples.size(), 3u);
  EXPECT_EQ(batch->samples[1].metric, 1u);
  EXPECT_EQ(batch->samples[1].time.ns, kNow.ns + 1);
  EXPECT_EQ(batch->samples[2].value, 3.0);
}

TEST(BatchFromProto, LeavesNotFiniteValuesToTheOracle) {
  auto proto = good_batch();
  proto.mutable_samples(0)->set_value(std::numeric_limits<double>::quiet_NaN());
  const auto batch = batch_from_proto(proto, kNow);
  ASSERT_TRUE(batch.has_value());
  EXPECT_TRUE(std::isnan(batch->samples[0].value));
}

TEST(BatchFromProto, RefusesWhatIsMalformed) {
  using Row = BadRow<v1::SampleBatch>;
  const std::vector<Row> rows = {
      {"no source", [](auto& m) { m.clear_source(); }, "source", ErrorCode::invalid_argument, "required"},
      {"long source", [](auto& m) { m.set_source(std::string(129, 'x')); }, "source", ErrorCode::out_of_range, "128"},
      {"newline in source", [](auto& m) { m.set_source("a\nb"); }, "source", ErrorCode::malformed, "control"},
      {"no samples", [](auto& m) { m.clear_samples(); }, "samples", ErrorCode::out_of_range, "1..10000"},
      {"too many samples",
       [](auto& m) {
         while (m.samples_size() <= kSamplesMax) m.add_samples();
       },
       "samples", ErrorCode::out_of_range, "10001"},
      {"no metrics", [](auto& m) { m.clear_metrics(); }, "metrics", ErrorCode::out_of_range, "1..1000"},
      {"too many metrics",
       [](auto& m) {
         while (m.metrics_size() <= kMetricNamesMax) m.add_metrics("m");
       },
       "metrics", ErrorCode::out_of_range, "1001"},
      {"empty metric name", [](auto& m) { m.add_metrics(""); }, "metrics[2]", ErrorCode::invalid_argument, "required"},
      {"sequence 0", [](auto& m) { m.set_first_sequence(0); }, "first_sequence", ErrorCode::out_of_range, "is 0"},
      {"sequence that overflows", [](auto& m) { m.set_first_sequence(~0ull); }, "first_sequence",
       ErrorCode::out_of_range, "allowed are 1.."},
      {"metric index beyond the names", [](auto& m) { m.mutable_samples(1)->set_metric(2); }, "samples[1].metric",
       ErrorCode::out_of_range, "0..1"},
  };
  expect_refused(good_batch(), rows, [](const auto& m) { return batch_from_proto(m, kNow); });
}

template <class Request>
Request with_order() {
  Request request;
  request.mutable_order()->set_actor("ada");
  request.mutable_order()->set_reason("the exchange listing moves volume");
  return request;
}

v1::OverrideRequest good_override() {
  auto request = with_order<v1::OverrideRequest>();
  request.set_parameter("tx_fee");
  request.set_value("0.02");
  request.mutable_duration()->set_seconds(3600);
  return request;
}

TEST(CommandFromProto, OverrideTakesTheParametersScaleAndEndsByTheDuration) {
  const auto view = make_view();
  const auto command = command_from_proto(good_override(), {.view = view, .at = kNow});
  ASSERT_TRUE(command.has_value());
  EXPECT_EQ(command->kind, engine::CommandKind::override_value);
  EXPECT_EQ(command->actor, "ada");
  EXPECT_EQ(command->target, "tx_fee");
  EXPECT_EQ(command->value, Decimal(200, 4));
  EXPECT_EQ(command->until, kNow + Duration::hours(1));
}

TEST(CommandFromProto, TheCertificatesNameReplacesTheClaimedActor) {
  const auto view = make_view();
  const auto command =
      command_from_proto(good_override(), {.view = view, .at = kNow, .identity = "spiffe://h/guardian"});
  ASSERT_TRUE(command.has_value());
  EXPECT_EQ(command->actor, "spiffe://h/guardian");
}

TEST(CommandFromProto, OverrideRefusesBadInput) {
  using Row = BadRow<v1::OverrideRequest>;
  const auto view = make_view();
  const std::vector<Row> rows = {
      {"no actor", [](auto& m) { m.mutable_order()->clear_actor(); }, "order.actor", ErrorCode::invalid_argument,
       "required"},
      {"no order", [](auto& m) { m.clear_order(); }, "order.actor", ErrorCode::invalid_argument, "required"},
      {"blank reason", [](auto& m) { m.mutable_order()->set_reason("   "); }, "order.reason",
       ErrorCode::invalid_argument, "audit"},
      {"long reason", [](auto& m) { m.mutable_order()->set_reason(std::string(1001, 'x')); }, "order.reason",
       ErrorCode::out_of_range, "1000"},
      {"reason of two lines", [](auto& m) { m.mutable_order()->set_reason("a\nb"); }, "order.reason",
       ErrorCode::malformed, "one line"},
      {"no parameter", [](auto& m) { m.clear_parameter(); }, "parameter", ErrorCode::invalid_argument, "required"},
      {"misspelt parameter", [](auto& m) { m.set_parameter("tx_fe"); }, "parameter", ErrorCode::unknown_name,
       "did you mean \"tx_fee\""},
      {"no value", [](auto& m) { m.clear_value(); }, "value", ErrorCode::invalid_argument, "decimal"},
      {"not a number", [](auto& m) { m.set_value("much"); }, "value", ErrorCode::malformed, "much"},
      {"NaN", [](auto& m) { m.set_value("nan"); }, "value", ErrorCode::malformed, "nan"},
      {"too fine", [](auto& m) { m.set_value("0.02001"); }, "value", ErrorCode::out_of_range, "4 decimals"},
      {"below the minimum", [](auto& m) { m.set_value("0.0009"); }, "value", ErrorCode::out_of_range, "0.001..0.05"},
      {"above the maximum", [](auto& m) { m.set_value("0.0501"); }, "value", ErrorCode::out_of_range, "0.001..0.05"},
      {"a megabyte of digits", [](auto& m) { m.set_value(std::string(1 << 20, '1')); }, "value",
       ErrorCode::invalid_argument, "decimal"},
      {"no duration", [](auto& m) { m.clear_duration(); }, "duration", ErrorCode::invalid_argument, "required"},
      {"duration 0", [](auto& m) { m.mutable_duration()->set_seconds(0); }, "duration", ErrorCode::out_of_range,
       "more than 0s"},
      {"negative duration", [](auto& m) { m.mutable_duration()->set_seconds(-1); }, "duration", ErrorCode::out_of_range,
       "more than 0s"},
      {"endless duration", [](auto& m) { m.mutable_duration()->set_seconds(INT64_MAX); }, "duration",
       ErrorCode::out_of_range, "366d"},
      {"mixed signs", [](auto& m) { m.mutable_duration()->set_nanos(-5); }, "duration", ErrorCode::malformed, "sign"},
  };
  expect_refused(good_override(), rows,
                 [&](const auto& m) { return command_from_proto(m, {.view = view, .at = kNow}); });
}

TEST(CommandFromProto, PauseOfEverythingNeedsNoParameterAndNoDuration) {
  const auto view = make_view();
  const auto command = command_from_proto(with_order<v1::PauseRequest>(), {.view = view, .at = kNow});
  ASSERT_TRUE(command.has_value());
  EXPECT_EQ(command->target, "");
  EXPECT_TRUE(command->until.is_never());
}

TEST(CommandFromProto, ShiftRefusesBadInput) {
  using Row = BadRow<v1::ShiftSetpointRequest>;
  const auto view = make_view();
  auto good = with_order<v1::ShiftSetpointRequest>();
  good.set_loop("velocity_fee");
  good.set_shift(0.1);
  good.mutable_duration()->set_seconds(60);
  const std::vector<Row> rows = {
      {"no loop", [](auto& m) { m.clear_loop(); }, "loop", ErrorCode::invalid_argument, "required"},
      {"unknown loop", [](auto& m) { m.set_loop("velocity_fees"); }, "loop", ErrorCode::unknown_name, "velocity_fee\""},
      {"no shift", [](auto& m) { m.set_shift(0); }, "shift", ErrorCode::out_of_range, "not 0"},
      {"NaN", [](auto& m) { m.set_shift(std::nan("")); }, "shift", ErrorCode::out_of_range, "finite"},
      {"infinite", [](auto& m) { m.set_shift(INFINITY); }, "shift", ErrorCode::out_of_range, "finite"},
      {"no duration", [](auto& m) { m.clear_duration(); }, "duration", ErrorCode::invalid_argument, "required"},
  };
  expect_refused(good, rows, [&](const auto& m) { return command_from_proto(m, {.view = view, .at = kNow}); });
}

TEST(CommandFromProto, TheOtherOrdersRefuseBadInput) {
  const auto view = make_view();
  const OrderContext context{.view = view, .at = kNow};
  auto emergency = with_order<v1::EmergencyRequest>();
  emergency.mutable_duration()->set_seconds(60);
  EXPECT_EQ(command_from_proto(emergency, context).error().where, "duration") << "off has no duration";
  emergency.set_on(true);
  EXPECT_EQ(command_from_proto(emergency, context)->until, kNow + Duration::minutes(1));

  auto veto = with_order<v1::VetoRequest>();
  EXPECT_EQ(command_from_proto(veto, context).error().where, "adjustment_id");
  veto.set_adjustment_id(9);
  EXPECT_EQ(command_from_proto(veto, context)->id, 9u);

  auto clear = with_order<v1::ClearHaltRequest>();
  EXPECT_EQ(command_from_proto(clear, context).error().where, "name");
  clear.set_name("chian");
  EXPECT_EQ(command_from_proto(clear, context).error().code, ErrorCode::unknown_name);
  clear.set_name("chain");
  EXPECT_EQ(command_from_proto(clear, context)->target, "chain");

  EXPECT_EQ(command_from_proto(with_order<v1::ClearOverrideRequest>(), context).error().where, "parameter");
  EXPECT_EQ(command_from_proto(with_order<v1::ClearShiftRequest>(), context).error().where, "loop");
  EXPECT_EQ(command_from_proto(v1::ResumeRequest(), context).error().where, "order.actor");
}

v1::AcknowledgeRequest good_answer() {
  v1::AcknowledgeRequest request;
  request.set_adjustment_id(7);
  request.set_executor("anvil");
  request.mutable_applied()->set_value("0.0125");
  request.mutable_applied()->set_reference("0xabc");
  return request;
}

Result<engine::ActuatorReport> answer_from_proto(const v1::AcknowledgeRequest& request) {
  return check_answer(request).and_then([&] { return report_from_proto(request, 4, kNow); });
}

TEST(ReportFromProto, TakesTheAppliedValueAtTheParametersScale) {
  const auto report = answer_from_proto(good_answer());
  ASSERT_TRUE(report.has_value());
  EXPECT_TRUE(report->applied);
  EXPECT_EQ(report->value, Decimal(125, 4));
  EXPECT_EQ(report->detail, "0xabc");
}

TEST(ReportFromProto, RefusesBadInput) {
  using Row = BadRow<v1::AcknowledgeRequest>;
  const std::vector<Row> rows = {
      {"no id", [](auto& m) { m.clear_adjustment_id(); }, "adjustment_id", ErrorCode::invalid_argument, "required"},
      {"no executor", [](auto& m) { m.clear_executor(); }, "executor", ErrorCode::invalid_argument, "required"},
      {"no answer", [](auto& m) { m.clear_answer(); }, "answer", ErrorCode::invalid_argument, "applied or rejected"},
      {"no value", [](auto& m) { m.mutable_applied()->clear_value(); }, "applied.value", ErrorCode::invalid_argument,
       "decimal"},
      {"too fine", [](auto& m) { m.mutable_applied()->set_value("0.01251"); }, "applied.value", ErrorCode::out_of_range,
       "4 decimals"},
      {"long reference", [](auto& m) { m.mutable_applied()->set_reference(std::string(1001, 'x')); },
       "applied.reference", ErrorCode::out_of_range, "1000"},
      {"no reason", [](auto& m) { m.mutable_rejected(); }, "rejected.reason", ErrorCode::invalid_argument, "required"},
  };
  expect_refused(good_answer(), rows, answer_from_proto);
}

TEST(SubscriptionFromProto, RefusesBadInput) {
  using Row = BadRow<v1::SubscribeRequest>;
  const auto view = make_view();
  v1::SubscribeRequest good;
  good.set_executor("anvil");
  good.add_parameters("tx_fee");
  const std::vector<Row> rows = {
      {"no executor", [](auto& m) { m.clear_executor(); }, "executor", ErrorCode::invalid_argument, "required"},
      {"unknown parameter", [](auto& m) { m.add_parameters("tx_free"); }, "parameters[1]", ErrorCode::unknown_name,
       "tx_fee"},
      {"too many",
       [](auto& m) {
         while (m.parameters_size() <= kParametersMax) m.add_parameters("tx_fee");
       },
       "parameters", ErrorCode::out_of_range, "1000"},
  };
  expect_refused(good, rows, [&](const auto& m) { return subscription_from_proto(m, view); });
}

TEST(FilterFromProto, BoundsThePageAndHasADefault) {
  v1::ListDecisionsRequest request;
  EXPECT_EQ(filter_from_proto(request)->limit, 50u);
  request.set_limit(1001);
  EXPECT_EQ(filter_from_proto(request).error().where, "limit");
}

TEST(BackupName, CannotLeaveTheBackupDirectory) {
  for (const char* bad : {"../x", "a/b", ".hidden", "-rf", "a b", "x\n"}) {
    v1::BackupRequest request;
    request.set_name(bad);
    EXPECT_FALSE(backup_name_from_proto(request).has_value()) << bad;
  }
  v1::BackupRequest request;
  EXPECT_EQ(*backup_name_from_proto(request), "");
  request.set_name("before-upgrade_2.db");
  EXPECT_EQ(*backup_name_from_proto(request), "before-upgrade_2.db");
}

}  // namespace
}  // namespace homeostat::convert
