// IngestService: batches in, verdicts out. The batch conversion is the hot path: it copies each
// sample once, straight into the oracle's batch, and allocates per batch, never per sample.
#pragma once

#include "core/result.hpp"
#include "core/time.hpp"
#include "homeostat/v1/ingest.pb.h"
#include "oracle/observation.hpp"
#include "oracle/reading.hpp"

namespace homeostat::convert {

/// The batch as the oracle takes it. Judges only its form: the bounds, the sequence range, and that
/// every sample names one of the batch's metrics; whether a sample is believed is the oracle's verdict.
[[nodiscard]] Result<oracle::SampleBatch> batch_from_proto(const v1::SampleBatch& proto, Instant received);

/// Into a reply that already has its first_sequence. STATUS_JUDGED with every refused sample.
void proto_from_verdict(const oracle::BatchVerdict& verdict, Instant durable_at, v1::IngestReply& reply);

}  // namespace homeostat::convert
