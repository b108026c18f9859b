// A chain as a source: follows one EVM chain through several providers and delivers segments that
// fit exactly behind one another, whatever the providers do.
//
// - HTTP polling always works alone; a WebSocket only wakes it up earlier, and is reopened when it
//   stays silent while polling sees new blocks.
// - The pool says which provider is asked (provider_pool.hpp); those not in use are looked at now and then. A step
//   near the head that takes too long is also asked of the next one. A failing one is left alone with exponential
//   backoff. The chain id is asked with every step, which covers every reconnect.
// - Nothing is skipped: after any outage the loop goes on behind the last delivered block, so the gap is
//   filled before anything newer. A reorg becomes one segment with rewind_to.
// - It holds rather than guesses: no segments while every provider fails, is on another chain, has no code at
//   a contract's address, or shares no remembered block; the report says which, and it recovers by itself.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "core/result.hpp"
#include "daemon/sources/evm_pool.hpp"
#include "daemon/sources/metrics.hpp"
#include "daemon/sources/outside.hpp"
#include "daemon/sources/settings.hpp"
#include "daemon/sources/sink.hpp"

namespace homeostat::sources {

struct EvmStatus {
  oracle::SourceCondition condition = oracle::SourceCondition::connected;
  std::string detail;
  bool reported = false;  ///< false until the first provider answered or all failed
  std::vector<ProviderStatus> providers;
};

class EvmSource {
 public:
  /// `executor` must run handlers one at a time (one thread, or a strand); the sink is called on it.
  /// Errors: no provider, a malformed URL, an event that cannot be decoded, zero period.
  [[nodiscard]] static Result<std::unique_ptr<EvmSource>> make(const boost::asio::any_io_executor& executor,
                                                               EvmSettings settings, Sink sink, Cursor cursor,
                                                               Clock now);
  /// The same over another outside than the network: whatever it waits for or asks goes through `outside`.
  [[nodiscard]] static Result<std::unique_ptr<EvmSource>> make(Outside outside, EvmSettings settings, Sink sink,
                                                               Cursor cursor, Clock now);
  /// Stops.
  ~EvmSource();
  EvmSource(const EvmSource&) = delete;
  EvmSource& operator=(const EvmSource&) = delete;

  /// From any thread. After stop() nothing more is delivered once the executor has run what is queued.
  void start();
  void stop();
  /// From any thread: goes on behind this cursor instead; a segment offered but not yet taken is dropped. For
  /// when a guardian accepted a violated chain's new state.
  void resume_from(Cursor cursor);
  /// From any thread: the oracle refused a segment and stands at this cursor. As resume_from, but with a growing
  /// rest before the next try, or a chain that stays refused would be asked without end. A malformed segment is
  /// held against the provider that it came from.
  void refused(Cursor cursor, Error why);

  /// From any thread: how far the oracle has come. What filters added later are missing is read when nothing newer
  /// is to be read, one range after the other.
  void inform(std::uint64_t settled, std::optional<oracle::MissingPast> missing);

  [[nodiscard]] EvmStatus status() const;  ///< from any thread
  [[nodiscard]] const EvmMetrics& metrics() const;
  [[nodiscard]] const std::string& name() const;

 private:
  struct Impl;
  explicit EvmSource(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace homeostat::sources
