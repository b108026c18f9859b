#include "daemon/convert/ingest.hpp"

#include <fmt/format.h>

#include "daemon/convert/fields.hpp"

namespace homeostat::convert {
namespace {

Result<> check_form(const v1::SampleBatch& proto) {
  if (auto ok = check_name(proto.source(), "source"); !ok) {
    return ok;
  }
  if (proto.samples_size() < 1 || proto.samples_size() > kSamplesMax) {
    return fail(ErrorCode::out_of_range, "samples",
                fmt::format("the batch has {}, allowed are 1..{}", proto.samples_size(), kSamplesMax));
  }
  if (proto.metrics_size() < 1 || proto.metrics_size() > kMetricNamesMax) {
    return fail(ErrorCode::out_of_range, "metrics",
                fmt::format("the batch names {}, allowed are 1..{}", proto.metrics_size(), kMetricNamesMax));
  }
  const std::uint64_t first_max = kSequenceMax - kSamplesMax;
  if (proto.first_sequence() < 1 || proto.first_sequence() > first_max) {
    return fail(ErrorCode::out_of_range, "first_sequence",
                fmt::format("is {}, allowed are 1..{}", proto.first_sequence(), first_max));
  }
  for (int i = 0; i < proto.metrics_size(); ++i) {
    // The path is formatted only when it is needed: this runs for every batch.
    if (auto ok = check_name(proto.metrics(i), {}); !ok) {
      return fail(ok.error().code, fmt::format("metrics[{}]", i), ok.error().message);
    }
  }
  return {};
}

}  // namespace

Result<oracle::SampleBatch> batch_from_proto(const v1::SampleBatch& proto, Instant received) {
  if (auto ok = check_form(proto); !ok) {
    return tl::make_unexpected(ok.error());
  }
  oracle::SampleBatch batch{
      .source = proto.source(),
      .first_sequence = proto.first_sequence(),
      .received = received,
      .metrics = {proto.metrics().begin(), proto.metrics().end()},
  };
  batch.samples.reserve(static_cast<std::size_t>(proto.samples_size()));
  const auto metrics = static_cast<std::uint32_t>(proto.metrics_size());
  for (const v1::Sample& sample : proto.samples()) {
    if (sample.metric() >= metrics) {
      return fail(ErrorCode::out_of_range, fmt::format("samples[{}].metric", batch.samples.size()),
                  fmt::format("is {}, an index into the {} metrics of the batch (0..{})", sample.metric(), metrics,
                              metrics - 1));
    }
    if (sample.has_confidence() || sample.has_liquidity()) {
      batch.details.push_back({.sample = static_cast<std::uint32_t>(batch.samples.size()),
                               .confidence = sample.confidence(),
                               .liquidity = sample.has_liquidity() ? sample.liquidity() : -1});
    }
    batch.samples.push_back({.metric = sample.metric(), .time = {sample.time_unix_nano()}, .value = sample.value()});
  }
  return batch;
}

void proto_from_verdict(const oracle::BatchVerdict& verdict, Instant durable_at, v1::IngestReply& reply) {
  reply.set_status(v1::IngestReply::STATUS_JUDGED);
  reply.set_accepted(verdict.accepted);
  for (const oracle::Verdict& refused : verdict.refused) {
    v1::SampleVerdict& proto = *reply.add_refused();
    const std::string_view reason = oracle::name_of(refused.refusal);
    proto.set_index(refused.index);
    proto.set_reason(reason.data(), reason.size());
    proto.set_message(valid_utf8(refused.message));
  }
  *reply.mutable_durable_at() = proto_from_instant(durable_at);
}

}  // namespace homeostat::convert
