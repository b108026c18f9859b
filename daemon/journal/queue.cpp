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
    : queue_max_bytes_(settings.queue_max_bytes),
      frame_max_bytes_(settings.frame_max_bytes),
      decisions_max_bytes_(settings.decisions_max_bytes) {
  counts_.appended_seq = last_seq;
  counts_.durable.seq = last_seq;
}

Result<std::uint64_t> Queue::append(std::string_view input) {
  const std::size_t size = kLengthBytes + input.size();
  if (size > frame_max_bytes_) {
    return homeostat::fail(ErrorCode::invalid_argument, "input",
                           fmt::format("{} bytes are more than one commit may hold ({})", size, frame_max_bytes_));
  }
  const std::lock_guard lock(mutex_);
  if (failure_ || stopped_) return tl::make_unexpected(closed_error());
  if (counts_.queued_bytes + size > queue_max_bytes_) {
    ++counts_.refused_total;
    return homeostat::fail(ErrorCode::resource_exhausted, "journal queue",
                           fmt::format("{} bytes wait for the disk, the bound is {}; send again later",
                                       counts_.queued_bytes, queue_max_bytes_));
  }
  const std::uint64_t seq = ++counts_.appended_seq;
  if (frames_.empty() || frames_.back().bytes.size() + size > frame_max_bytes_) {
    frames_.push_back(Group{.first_seq = seq, .bytes = std::exchange(spare_, {})});
  }
  Group& frame = frames_.back();
  frame.last_seq = seq;
  add_input(frame.bytes, input);
  counts_.queued_bytes += size;
  work_.notify_one();
  return seq;
}

std::uint64_t Queue::put_decisions(std::vector<DecisionRow> rows) {
  const std::size_t size = size_of(rows);
  std::unique_lock lock(mutex_);
  const auto has_room = [&] {
    return failure_ || stopped_ || decisions_.empty() || decision_bytes_ + size <= decisions_max_bytes_;
  };
  if (!has_room()) {
    ++counts_.decision_waits_total;
    settled_.wait(lock, has_room);
  }
  if (failure_ || stopped_) return 0;
  decisions_.push_back(std::move(rows));
  decision_bytes_ += size;
  work_.notify_one();
  return ++decision_batch_;
}

std::optional<Group> Queue::take() {
  std::unique_lock lock(mutex_);
  work_.wait(lock, [&] { return failure_ || stopped_ || !frames_.empty() || !decisions_.empty(); });
  if (failure_ || (frames_.empty() && decisions_.empty())) return std::nullopt;
  Group group;
  if (!frames_.empty()) {
    group = std::move(frames_.front());
    frames_.pop_front();
  }
  std::size_t bytes = 0;
  while (!decisions_.empty() && bytes < frame_max_bytes_) {
    std::vector<DecisionRow>& rows = decisions_.front();
    bytes += size_of(rows);
    std::move(rows.begin(), rows.end(), std::back_inserter(group.decisions));
    decisions_.pop_front();
    group.decision_batch = ++taken_batch_;
  }
  decision_bytes_ -= bytes;
  return group;
}

bool Queue::commit_done(Group&& group, Durable& durable) {
  {
    const std::lock_guard lock(mutex_);
    if (failure_) return false;
    if (!group.bytes.empty()) {
      HOMEOSTAT_CHECK(group.first_seq == counts_.durable.seq + 1);
      counts_.durable.seq = group.last_seq;
    }
    counts_.durable.decision_batch = std::max(counts_.durable.decision_batch, group.decision_batch);
    counts_.queued_bytes -= group.bytes.size();
    durable = counts_.durable;
    if (group.bytes.capacity() <= kSpareMaxBytes) {
      group.bytes.clear();
      spare_ = std::move(group.bytes);
    }
  }
  settled_.notify_all();
  return true;
}

Result<> Queue::wait_durable(std::uint64_t seq) {
  std::unique_lock lock(mutex_);
  settled_.wait(lock, [&] {
    const bool drained = stopped_ && counts_.durable.seq == counts_.appended_seq;
    return counts_.durable.seq >= seq || failure_ || drained;
  });
  if (counts_.durable.seq >= seq) return {};
  return tl::make_unexpected(closed_error());
}

std::uint64_t Queue::durable_seq() const {
  const std::lock_guard lock(mutex_);
  return counts_.durable.seq;
}

Queue::Counts Queue::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

void Queue::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  work_.notify_all();
  settled_.notify_all();
}

bool Queue::fail(const Error& error) {
  {
    const std::lock_guard lock(mutex_);
    if (failure_) return false;
    failure_ = error;
  }
  work_.notify_all();
  settled_.notify_all();
  return true;
}

Error Queue::closed_error() const {
  if (failure_) return Error{ErrorCode::unavailable, "journal", "has failed: " + failure_->text()};
  return Error{ErrorCode::unavailable, "journal", "is closed"};
}

}  // namespace homeostat::journal
