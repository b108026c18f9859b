// One producer's stream. Batches are read as fast as the engine's queue takes them, up to a bound in
// flight (batches and samples); at the bound reading stops, and HTTP/2's flow control stops the
// producer. Replies go out in the order of the batches, whatever order the answers come in.
//
// Threads: gRPC's call On...; the engine thread calls judged(); the outbox calls woken(). One mutex; gRPC is never
// called with it held.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "daemon/api/context.hpp"
#include "homeostat/v1/ingest.pb.h"

namespace homeostat::daemon::api {

/// Fills a reply to a batch that the backend did not take: OVERLOADED with a time to wait.
void reply_overloaded(const Error& error, v1::IngestReply& reply);
/// Fills a reply to a batch that is not well-formed: MALFORMED with what is wrong.
void reply_malformed(const Error& error, v1::IngestReply& reply);

class IngestStream final : public grpc::ServerBidiReactor<v1::SampleBatch, v1::IngestReply>,
                           public Stream,
                           public std::enable_shared_from_this<IngestStream> {
 public:
  IngestStream(ContextPtr context, TicketPtr ticket);

  /// Opens the stream: gRPC holds it from now on. Returns the reactor.
  grpc::ServerBidiReactor<v1::SampleBatch, v1::IngestReply>* open();

  void drain() override;
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  /// A batch in flight. The reply's memory is reused by later batches.
  struct Slot {
    v1::IngestReply reply;
    std::size_t samples = 0;
    bool ready = false;
  };

  Slot& slot(std::uint64_t number) { return slots_[number % slots_.size()]; }
  /// Hands the batch just read to the backend, as number `number` of the stream.
  void take_batch(std::uint64_t number);
  /// The reply to batch `number` is what `fill(reply)` makes of it.
  template <class Fill>
  void complete(std::uint64_t number, Fill fill);
  void wake();
  void woken();
  void advance();
  [[nodiscard]] bool may_read() const;

  const ContextPtr context_;
  TicketPtr ticket_;
  std::shared_ptr<IngestStream> self_;  ///< gRPC's reference, until OnDone
  v1::SampleBatch batch_;               ///< being read; reused, so that its samples' memory is too

  std::mutex mutex_;  ///< for all below
  std::vector<Slot> slots_;
  std::uint64_t read_count_ = 0;     ///< batches read: the number of the next one
  std::uint64_t written_count_ = 0;  ///< replies written: the number of the next one to write
  std::size_t samples_in_flight_ = 0;
  bool reading_ = false;  ///< a read is outstanding, or its batch is being taken
  bool writing_ = false;  ///< a write is outstanding
  bool woken_ = false;    ///< a task in the outbox will advance
  bool input_over_ = false;
  bool cancelled_ = false;
  bool finished_ = false;
  int holds_ = 0;  ///< reads being started: no Finish, and so no OnDone, before they are
  grpc::Status ending_;
};

}  // namespace homeostat::daemon::api
