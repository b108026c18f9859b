#include "daemon/journal/queue.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "core/check.hpp"
#include "daemon/journal/frame.hpp"

namespace homeostat::journal {
namespace {

// A written frame's buffer larger than this is given back to the allocator.
constexpr std::size_t kSpareMaxBytes = std::size_t{8} << 20;

std::size_t size_of(const std::vector<DecisionRow>& rows) {
  std::size_t bytes = 0;
  for (const DecisionRow& row : rows) {
    bytes += sizeof row + row.parameter.size() + row.outcome.size() + row.bytes.size();
  }
  return bytes;
}

}  // namespace

Queue::Queue(const Settings& settings, std::uint64_t last_seq)
    : x_queue_max_bytes(settings.queue_max_bytes),
      x_frame_max_bytes(settings.frame_max_bytes),
      x_decisions_max_bytes(settings.decisions_max_bytes) {
  x_counts.appended_seq = last_seq;
  x_counts.durable.seq = last_seq;
}

Result<std::uint64_t> Queue::append(std::string_view input) {
  const std::size_t size = kLengthBytes + input.size();
  if (size > x_frame_max_bytes) {
    return homeostat::fail(ErrorCode::invalid_argument, "input",
                           fmt::format("{} bytes are more than one commit may hold ({})", size, x_frame_max_bytes));
  }
  const std::lock_guard lock(x_mutex);
  if (x_failure || x_stopped) return tl::make_unexpected(closed_error());
  if (x_counts.queued_bytes + size > x_queue_max_bytes) {
    ++x_counts.refused_total;
    return homeostat::fail(ErrorCode::resource_exhausted, "journal queue",
                           fmt::format("{} bytes wait for the disk, the bound is {}; send again later",
                                       x_counts.queued_bytes, x_queue_max_bytes));
  }
  const std::uint64_t seq = ++x_counts.appended_seq;
  if (x_frames.empty() || x_frames.back().bytes.size() + size > x_frame_max_bytes) {
    x_frames.push_back(Group{.first_seq = seq, .bytes = std::exchange(x_spare, {})});
  }
  Group& frame = x_frames.back();
  frame.last_seq = seq;
  add_input(frame.bytes, input);
  x_counts.queued_bytes += size;
  x_work.notify_one();
  return seq;
}

std::uint64_t Queue::put_decisions(std::vector<DecisionRow> rows) {
  const std::size_t size = size_of(rows);
  std::unique_lock lock(x_mutex);
  const auto has_room = [&] {
    return x_failure || x_stopped || x_decisions.empty() || x_decision_bytes + size <= x_decisions_max_bytes;
  };
  if (!has_room()) {
    ++x_counts.decision_waits_total;
    x_settled.wait(lock, has_room);
  }
  if (x_failure || x_stopped) return 0;
  x_decisions.push_back(std::move(rows));
  x_decision_bytes += size;
  x_work.notify_one();
  return ++x_decision_batch;
}

std::optional<Group> Queue::take() {
  std::unique_lock lock(x_mutex);
  x_work.wait(lock, [&] { return x_failure || x_stopped || !x_frames.empty() || !x_decisions.empty(); });
  if (x_failure || (x_frames.empty() && x_decisions.empty())) return std::nullopt;
  Group group;
  if (!x_frames.empty()) {
    group = std::move(x_frames.front());
    x_frames.pop_front();
  }
  std::size_t bytes = 0;
  while (!x_decisions.empty() && bytes < x_frame_max_bytes) {
    std::vector<DecisionRow>& rows = x_decisions.front();
    bytes += size_of(rows);
    std::move(rows.begin(), rows.end(), std::back_inserter(group.decisions));
    x_decisions.pop_front();
    group.decision_batch = ++x_taken_batch;
  }
  x_decision_bytes -= bytes;
  return group;
}

bool Queue::commit_done(Group&& group, Durable& durable) {
  {
    const std::lock_guard lock(x_mutex);
    if (x_failure) return false;
    if (!group.bytes.empty()) {
      HOMEOSTAT_CHECK(group.first_seq == x_counts.durable.seq + 1);
      x_counts.durable.seq = group.last_seq;
    }
    x_counts.durable.decision_batch = std::max(x_counts.durable.decision_batch, group.decision_batch);
    x_counts.queued_bytes -= group.bytes.size();
    durable = x_counts.durable;
    if (group.bytes.capacity() <= kSpareMaxBytes) {
      group.bytes.clear();
      x_spare = std::move(group.bytes);
    }
  }
  x_settled.notify_all();
  return true;
}

Result<> Queue::wait_durable(std::uint64_t seq) {
  std::unique_lock lock(x_mutex);
  x_settled.wait(lock, [&] {
    const bool drained = x_stopped && x_counts.durable.seq == x_counts.appended_seq;
    return x_counts.durable.seq >= seq || x_failure || drained;
  });
  if (x_counts.durable.seq >= seq) return {};
  return tl::make_unexpected(closed_error());
}

std::uint64_t Queue::durable_seq() const {
  const std::lock_guard lock(x_mutex);
  return x_counts.durable.seq;
}

Queue::Counts Queue::counts() const {
  const std::lock_guard lock(x_mutex);
  return x_counts;
}

void Queue::stop() {
  {
    const std::lock_guard lock(x_mutex);
    x_stopped = true;
  }
  x_work.notify_all();
  x_settled.notify_all();
}

bool Queue::fail(const Error& error) {
  {
    const std::lock_guard lock(x_mutex);
    if (x_failure) return false;
    x_failure = error;
  }
  x_work.notify_all();
  x_settled.notify_all();
  return true;
}

Error Queue::closed_error() const {
  if (x_failure) return Error{ErrorCode::unavailable, "journal", "has failed: " + x_failure->text()};
  return Error{ErrorCode::unavailable, "journal", "is closed"};
}

}  // namespace homeostat::journal
