#include "daemon/api/ingest_stream.hpp"

#include <utility>

#include "daemon/api/tsan.hpp"
#include "daemon/convert/fields.hpp"
#include "daemon/convert/ingest.hpp"

namespace homeostat::daemon::api {

void reply_overloaded(const Error& error, v1::IngestReply& reply) {
  // Long enough for the engine to work off a few hundred batches, short enough not to idle a producer.
  constexpr std::uint32_t kRetryAfterMs = 50;
  reply.set_status(v1::IngestReply::STATUS_OVERLOADED);
  reply.set_retry_after_ms(kRetryAfterMs);
  reply.set_message(convert::valid_utf8(error.text()));
}

void reply_malformed(const Error& error, v1::IngestReply& reply) {
  reply.set_status(v1::IngestReply::STATUS_MALFORMED);
  reply.set_message(convert::valid_utf8(error.text()));
}

IngestStream::IngestStream(ContextPtr context, TicketPtr ticket)
    : context_(std::move(context)), ticket_(std::move(ticket)), slots_(context_->limits.batches_in_flight_max) {}

grpc::ServerBidiReactor<v1::SampleBatch, v1::IngestReply>* IngestStream::open() {
  self_ = shared_from_this();
  if (!context_->streams.add(self_)) {
    drain();
  } else {
    advance();
  }
  return this;
}

void IngestStream::drain() {
  const std::lock_guard lock(mutex_);
  input_over_ = true;
  ending_ = {grpc::StatusCode::UNAVAILABLE, "the daemon is stopping; send what has no reply again"};
  wake();
}

void IngestStream::OnReadDone(bool ok) {
  tsan::acquired(this);
  std::uint64_t number = 0;
  bool take = false;
  {
    const std::lock_guard lock(mutex_);
    take = ok && !input_over_ && !cancelled_;
    if (take) {
      number = read_count_++;
      Slot& taken = slot(number);
      taken.ready = false;
      taken.samples = static_cast<std::size_t>(batch_.samples_size());
      taken.reply.Clear();
      taken.reply.set_first_sequence(batch_.first_sequence());
      samples_in_flight_ += taken.samples;
    } else {
      input_over_ = true;
      reading_ = false;
    }
  }
  if (take) {
    take_batch(number);
    const std::lock_guard lock(mutex_);
    reading_ = false;
  }
  advance();
}

void IngestStream::take_batch(std::uint64_t number) {
  Counters& counters = context_->counters;
  counters.batches.fetch_add(1, std::memory_order_relaxed);
  auto batch = convert::batch_from_proto(batch_, context_->backend.now());
  if (!batch) {
    counters.malformed.fetch_add(1, std::memory_order_relaxed);
    complete(number, [&](v1::IngestReply& reply) { reply_malformed(batch.error(), reply); });
    // What was far out of bounds must not stay allocated for the life of the stream.
    if (batch_.samples_size() > convert::kSamplesMax || batch_.metrics_size() > convert::kMetricNamesMax) {
      v1::SampleBatch().Swap(&batch_);
    }
    return;
  }
  const std::size_t samples = batch->samples.size();
  auto taken = context_->backend.submit(
      *std::move(batch), [self = shared_from_this(), number](Result<oracle::BatchVerdict> verdict) {
        self->complete(number, [&](v1::IngestReply& reply) {
          if (verdict) {
            convert::proto_from_verdict(*verdict, self->context_->backend.now(), reply);
          } else {
            self->context_->counters.overloaded.fetch_add(1, std::memory_order_relaxed);
            reply_overloaded(verdict.error(), reply);
          }
        });
      });
  if (taken) {
    counters.samples.fetch_add(samples, std::memory_order_relaxed);
  } else {
    counters.overloaded.fetch_add(1, std::memory_order_relaxed);
    complete(number, [&](v1::IngestReply& reply) { reply_overloaded(taken.error(), reply); });
  }
}

template <class Fill>
void IngestStream::complete(std::uint64_t number, Fill fill) {
  const std::lock_guard lock(mutex_);
  if (finished_) {
    return;
  }
  Slot& completed = slot(number);
  fill(completed.reply);
  completed.ready = true;
  if (number == written_count_) {
    wake();
  }
}

/// Requires the lock. Nothing to do while a write is outstanding: its end advances the stream.
void IngestStream::wake() {
  if (!writing_ && !woken_) {
    woken_ = true;
    context_->outbox.post([self = shared_from_this()] { self->woken(); });
  }
}

void IngestStream::woken() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = false;
  }
  advance();
}

void IngestStream::OnWriteDone(bool ok) {
  tsan::acquired(this);
  {
    const std::lock_guard lock(mutex_);
    writing_ = false;
    cancelled_ = cancelled_ || !ok;
    Slot& written = slot(written_count_++);
    samples_in_flight_ -= written.samples;
  }
  advance();
}

void IngestStream::OnCancel() {
  {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
  }
  advance();
  tsan::released(this);  // OnDone comes after this has returned
}

void IngestStream::OnDone() {
  tsan::acquired(this);
  context_->streams.remove(this);
  ticket_.reset();
  const auto last = std::move(self_);  // dies at the end of this scope, and the stream with it
}

/// Requires the lock.
bool IngestStream::may_read() const {
  return !reading_ && !input_over_ && !cancelled_ && read_count_ - written_count_ < slots_.size() &&
         samples_in_flight_ < context_->limits.samples_in_flight_max;
}

/// Starts the next write and the next read, or ends the stream.
void IngestStream::advance() {
  const v1::IngestReply* reply = nullptr;
  grpc::WriteOptions options;
  bool read = false;
  bool finish = false;
  grpc::Status status;
  {
    const std::lock_guard lock(mutex_);
    if (finished_) {
      return;
    }
    const bool all_written = written_count_ == read_count_;
    if (!writing_ && !cancelled_ && !all_written && slot(written_count_).ready) {
      writing_ = true;
      reply = &slot(written_count_).reply;
      // Another reply follows at once: one packet for both. Not with the first, which carries the initial metadata:
      // gRPC would hold that back too, wait for it to be sent, and so for ever.
      if (written_count_ > 0 && written_count_ + 1 < read_count_ && slot(written_count_ + 1).ready) {
        options.set_buffer_hint();
      }
    }
    if (may_read()) {
      reading_ = read = true;
      ++holds_;
    }
    if (!writing_ && holds_ == 0 && (cancelled_ || (input_over_ && all_written))) {
      finished_ = finish = true;
      status = cancelled_ ? grpc::Status::CANCELLED : ending_;
    }
  }
  if (read) {
    tsan::released(this);
    StartRead(&batch_);
    bool retry = false;
    {
      const std::lock_guard lock(mutex_);
      --holds_;
      retry = cancelled_ || input_over_;  // the end may have waited for this hold
    }
    if (retry && reply == nullptr) {
      advance();
      return;
    }
  }
  if (reply != nullptr) {
    tsan::released(this);
    StartWrite(reply, options);
  }
  if (finish) {
    context_->counters.count_call(Method::ingest, status.error_code());
    tsan::released(this);
    Finish(status);
  }
}

}  // namespace homeostat::daemon::api
