#include "daemon/app/pipeline.hpp"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

namespace homeostat::daemon {
namespace {

constexpr Duration kIdleMax = Duration::milliseconds(500);
constexpr std::uint64_t kProgressEvery = 10'000;

journal::DecisionRow row_of(const engine::DecisionRecord& record, std::uint64_t sequence) {
  return {.id = record.id,
          .seq = sequence,
          .at = record.at,
          .parameter = record.parameter.str(),
          .outcome = std::string(engine::name_of(record.outcome)),
          .adjustment = record.outcome == engine::Outcome::emitted,
          .bytes = engine::encode_record(record)};
}

std::vector<journal::DecisionRow> rows_of(const engine::Effects& effects, std::uint64_t sequence) {
  std::vector<journal::DecisionRow> rows;
  rows.reserve(effects.records.size() + effects.updates.size());
  for (const auto& r : effects.records) rows.push_back(row_of(r, sequence));
  for (const auto& r : effects.updates) rows.push_back(row_of(r, sequence));
  return rows;
}

journal::Snapshot snapshot_of(const engine::Engine& engine, const std::string& policy_text, std::uint64_t sequence,
                              Instant at) {
  return {.seq = sequence,
          .at = at,
          .policy_digest = engine.policy().digest,
          .policy_text = policy_text,
          .state = engine.save(),
          .decisions_hash = engine.decisions_hash().hex()};
}

Result<engine::Engine> restore(const journal::Snapshot& snapshot, const engine::PolicyLoader& loader) {
  const std::string where = fmt::format("snapshot at input {}", snapshot.seq);
  auto policy = loader(snapshot.policy_text);
  if (!policy) {
    return fail(ErrorCode::conflict, where,
                "its policy is no longer accepted by this version: " + policy.error().text() +
                    "; start the version that wrote it, or begin a new journal directory");
  }
  auto engine = engine::Engine::load(*policy, snapshot.state);
  if (!engine) return fail(engine.error().code, where, engine.error().message);
  return std::move(*engine);
}

}  // namespace

Result<Recovered> recover(journal::Journal& journal, engine::PolicyPtr policy, const std::string& policy_text,
                          const engine::PolicyLoader& loader, Instant now,
                          const std::function<void(std::uint64_t, std::uint64_t)>& progress, bool keep_decisions) {
  auto found = journal.latest_snapshot();
  if (!found) return tl::make_unexpected(found.error());
  if (!*found) {
    if (journal.durable_seq() != 0) {
      return fail(ErrorCode::corrupt, "journal", "it holds inputs but no snapshot to start from; restore a backup");
    }
    Recovered fresh{.engine = engine::Engine(std::move(policy)), .policy_text = policy_text};
    journal.put_snapshot(snapshot_of(fresh.engine, policy_text, 0, now));
    return fresh;
  }
  auto engine = restore(**found, loader);
  if (!engine) return tl::make_unexpected(engine.error());
  Recovered out{.engine = std::move(*engine), .policy_text = (*found)->policy_text, .last_sequence = (*found)->seq};

  std::optional<Error> broken;
  const std::uint64_t total = journal.durable_seq() - out.last_sequence;
  auto read = journal.read(out.last_sequence + 1, [&](std::uint64_t sequence, std::string_view bytes) {
    auto input = engine::decode(bytes, loader);
    if (!input) {
      broken = Error{ErrorCode::corrupt, fmt::format("journal input {}", sequence), input.error().text()};
      return false;
    }
    const engine::Effects effects = out.engine.apply(*input);
    if (auto* change = std::get_if<engine::PolicyChange>(&*input); change && effects.outcome.accepted) {
      out.policy_text = change->text;
    }
    if (keep_decisions) {
      if (auto live = engine::live_decisions(effects); !live.empty()) out.live.emplace(sequence, std::move(live));
    }
    if (auto rows = rows_of(effects, sequence); !rows.empty()) {
      out.decisions += effects.records.size();
      journal.put_decisions(std::move(rows));
    }
    out.last_sequence = sequence;
    if (++out.replayed % kProgressEvery == 0 && progress) progress(out.replayed, total);
    return true;
  });
  if (!read) return tl::make_unexpected(read.error());
  if (broken) return tl::make_unexpected(*broken);
  return out;
}

Pipeline::Pipeline(Recovered recovered, journal::Journal& journal, PipelineSettings settings, Clock clock)
    : journal_(journal),
      settings_(settings),
      clock_(std::move(clock)),
      engine_(std::move(recovered.engine)),
      policy_text_(std::move(recovered.policy_text)),
      applied_sequence_(recovered.last_sequence),
      snapshot_sequence_(recovered.last_sequence - recovered.replayed) {
  durable_ = applied_sequence_;
  facts_.queue_bytes_max = settings_.queue_bytes_max;
  view_ = std::make_shared<const engine::View>(engine_.view());
  decisions_hash_ = engine_.decisions_hash();
  last_snapshot_ = clock_();
}

Pipeline::~Pipeline() {
  drain();
  journal_.on_durable({});  // the last decisions are still being written
}

void Pipeline::start() {
  next_slot_ = std::max(slot_of(clock_()) + 1, engine_.last_slot() + 1);
  journal_.on_durable([this](const journal::Durable& durable) {
    const std::lock_guard lock(mutex_);
    durable_ = std::max(durable_, durable.seq);
    wake_.notify_one();
  });
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "engine");
    run();
  });
}

void Pipeline::drain() {
  {
    const std::lock_guard lock(mutex_);
    draining_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

Result<> Pipeline::offer(oracle::SampleBatch batch, EffectsDone done) {
  Item item{.input = std::move(batch), .done = std::move(done)};
  item.source = std::get<oracle::SampleBatch>(item.input).source;
  return enqueue(std::move(item), true);
}

bool Pipeline::submit(engine::Input input, EffectsDone done) {
  return enqueue({.input = std::move(input), .done = std::move(done)}, false).has_value();
}

Result<> Pipeline::enqueue(Item item, bool may_be_shed) {
  // Encoded on the submitting thread: the engine thread only hands bytes on.
  item.bytes = engine::encode(item.input);
  item.size = item.bytes.size() * 2 + sizeof(Item);  // the decoded input waits beside its bytes
  const std::lock_guard lock(mutex_);
  if (draining_)
    return fail(ErrorCode::unavailable, "queue", "the daemon is shutting down; send again after its restart");
  if (may_be_shed) {
    std::size_t& held = source_bytes_[item.source];
    const std::size_t share = settings_.queue_bytes_max / settings_.source_share_divisor;
    if (queued_bytes_ + item.size > settings_.queue_bytes_max || held + item.size > share) {
      ++facts_.refused_full;
      return fail(ErrorCode::resource_exhausted, "queue",
                  fmt::format("{} MiB wait already ({} MiB of this source); send again in a moment",
                              queued_bytes_ >> 20, held >> 20));
    }
    held += item.size;
  }
  queued_bytes_ += item.size;
  incoming_.push_back(std::move(item));
  wake_.notify_one();
  return {};
}

void Pipeline::post(std::function<void(engine::Engine&)> task) {
  const std::lock_guard lock(mutex_);
  tasks_.push_back(std::move(task));
  wake_.notify_one();
}

std::uint64_t Pipeline::slot_of(Instant t) const {
  return t.ns <= 0 ? 0 : static_cast<std::uint64_t>(t.ns / engine_.policy().period.ns);
}

void Pipeline::run() {
  for (;;) {
    std::vector<std::function<void(engine::Engine&)>> tasks;
    bool stop = false;
    {
      std::unique_lock lock(mutex_);
      const Instant due{static_cast<std::int64_t>(next_slot_) * engine_.policy().period.ns};
      const Duration wait = std::clamp(due - clock_(), Duration::zero(), kIdleMax);
      wake_.wait_for(lock, std::chrono::nanoseconds(wait.ns), [&] {
        return !incoming_.empty() || !tasks_.empty() || draining_ ||
               (!in_flight_.empty() && durable_ >= in_flight_.front().sequence);
      });
      to_append_.insert(to_append_.end(), std::make_move_iterator(incoming_.begin()),
                        std::make_move_iterator(incoming_.end()));
      incoming_.clear();
      tasks.swap(tasks_);
      stop = draining_;
    }
    hand_over();
    if (!stop) tick_if_due();
    apply_durable();
    for (auto& task : tasks) task(engine_);
    publish();
    snapshot_if_due(false);
    if (on_alive) on_alive();
    if (stop && to_append_.empty() && in_flight_.empty()) break;
    if (stop && !in_flight_.empty()) (void)journal_.wait_durable(in_flight_.back().sequence);
  }
  snapshot_if_due(true);
}

void Pipeline::hand_over() {
  while (!to_append_.empty()) {
    Item& item = to_append_.front();
    auto sequence = journal_.append(item.bytes);
    if (!sequence) return;  // the journal's own queue is full: the rest waits for the next commit
    item.sequence = *sequence;
    bytes_since_snapshot_ += item.bytes.size();
    item.bytes = {};
    in_flight_.push_back(std::move(item));
    to_append_.pop_front();
  }
}

void Pipeline::tick_if_due() {
  if (tick_in_flight_) return;
  const std::uint64_t slot = slot_of(clock_());
  if (slot < next_slot_) return;
  const Instant at{static_cast<std::int64_t>(slot) * engine_.policy().period.ns};
  Item item{.input = engine::Tick{.slot = slot, .at = at}};
  item.bytes = engine::encode(item.input);
  to_append_.push_back(std::move(item));
  tick_in_flight_ = true;
  next_slot_ = slot + 1;
  hand_over();
}

void Pipeline::apply_durable() {
  std::uint64_t durable = 0;
  {
    const std::lock_guard lock(mutex_);
    durable = durable_;
  }
  while (!in_flight_.empty() && in_flight_.front().sequence <= durable) {
    Item item = std::move(in_flight_.front());
    in_flight_.pop_front();
    apply(item);
    release(item);
  }
}

void Pipeline::apply(Item& item) {
  const bool is_tick = std::holds_alternative<engine::Tick>(item.input);
  const auto begin = std::chrono::steady_clock::now();
  engine::Effects effects = engine_.apply(item.input);
  applied_sequence_ = item.sequence;
  if (auto rows = rows_of(effects, item.sequence); !rows.empty()) journal_.put_decisions(std::move(rows));

  if (const auto* change = std::get_if<engine::PolicyChange>(&item.input); change && effects.outcome.accepted) {
    policy_text_ = change->text;
    next_slot_ = std::max(slot_of(clock_()) + 1, engine_.last_slot() + 1);
  }
  if (!std::holds_alternative<oracle::SampleBatch>(item.input) &&
      !std::holds_alternative<oracle::ChainSegment>(item.input)) {
    view_changed_ = true;
  }
  if (item.done) item.done(effects);
  const Instant tick_at = is_tick ? std::get<engine::Tick>(item.input).at : Instant{};
  if (is_wanted && is_wanted()) on_applied(item.sequence, std::move(item.input), effects);
  const auto move_to = [](auto& from, auto& to) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  };
  move_to(effects.records, pending_.decisions);
  move_to(effects.updates, pending_.decisions);
  move_to(effects.adjustments, pending_.adjustments);
  move_to(effects.notices, pending_.notices);
  if (!is_tick) return;
  tick_in_flight_ = false;
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  const std::lock_guard lock(mutex_);
  facts_.tick_seconds_last = took.count();
  facts_.tick_lag_seconds_last = (clock_() - tick_at).in_seconds();
}

void Pipeline::release(const Item& item) {
  const std::lock_guard lock(mutex_);
  ++facts_.inputs;
  queued_bytes_ -= std::min(queued_bytes_, item.size);
  if (item.source.empty()) return;
  const auto held = source_bytes_.find(item.source);
  if (held == source_bytes_.end()) return;
  held->second -= std::min(held->second, item.size);
  if (held->second == 0) source_bytes_.erase(held);  // names come from clients: nothing is kept for idle ones
}

void Pipeline::publish() {
  if (!view_changed_ && pending_.decisions.empty() && pending_.notices.empty()) return;
  view_changed_ = false;
  auto published = std::make_shared<Published>(std::exchange(pending_, {}));
  published->view = std::make_shared<const engine::View>(engine_.view());
  {
    const std::lock_guard lock(mutex_);
    view_ = published->view;
    decisions_hash_ = engine_.decisions_hash();
  }
  if (on_published) on_published(published);
  for (const auto& listener : listeners_) listener->on_published(published);
}

void Pipeline::snapshot_if_due(bool now) {
  if (applied_sequence_ == snapshot_sequence_) return;
  const Instant at = clock_();
  if (!now && bytes_since_snapshot_ < settings_.snapshot_bytes && at - last_snapshot_ < settings_.snapshot_period)
    return;
  journal_.put_snapshot(snapshot_of(engine_, policy_text_, applied_sequence_, at));
  snapshot_sequence_ = applied_sequence_;
  bytes_since_snapshot_ = 0;
  if (on_snapshot) on_snapshot();
  const std::lock_guard lock(mutex_);
  last_snapshot_ = at;
}

std::shared_ptr<const engine::View> Pipeline::view() const {
  const std::lock_guard lock(mutex_);
  return view_;
}

PipelineFacts Pipeline::facts() const {
  const std::lock_guard lock(mutex_);
  PipelineFacts facts = facts_;
  facts.queue_items = incoming_.size();
  facts.queue_bytes = queued_bytes_;
  return facts;
}

std::string Pipeline::decisions_hash() const {
  const std::lock_guard lock(mutex_);
  return decisions_hash_.hex();
}

Instant Pipeline::last_snapshot() const {
  const std::lock_guard lock(mutex_);
  return last_snapshot_;
}

void Pipeline::attach(std::shared_ptr<Listener> listener) {
  post([this, listener = std::move(listener)](engine::Engine& engine) {
    publish();  // what is pending was before the listener's time: it is in the view and in outstanding()
    listener->on_attached(view(), engine.outstanding());
    listeners_.push_back(listener);
  });
}

void Pipeline::detach(const std::shared_ptr<Listener>& listener) {
  post([this, listener](engine::Engine&) { std::erase(listeners_, listener); });
}

}  // namespace homeostat::daemon
