#include "daemon/app/shadows.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

#include "engine/loosened.hpp"

namespace homeostat::daemon {
namespace {

constexpr std::string_view kMagic = "homeostat shadow 1\n";
constexpr const char* kSuffix = ".shadow";

bool is_plain_name(const std::string& name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

}  // namespace

Shadows::Shadows(std::filesystem::path directory, engine::PolicyLoader loader, Log log)
    : directory_(std::move(directory)), loader_(std::move(loader)), log_(std::move(log)) {}

Shadows::~Shadows() {
  stop();
}

std::filesystem::path Shadows::file_of(const std::string& name) const {
  return directory_ / (name + kSuffix);
}

std::string Shadows::bytes_of(const Entry& entry) {
  Writer writer;
  writer(entry.text);
  writer(entry.dropped);
  writer(entry.forked_after);
  writer(entry.sequence);
  writer(entry.shadow ? entry.shadow->save() : std::string());
  return std::string(kMagic) + writer.take();
}

Result<> Shadows::write(const std::string& name, const std::string& bytes) const {
  std::error_code failed;
  std::filesystem::create_directories(directory_, failed);
  const std::filesystem::path partial = file_of(name).string() + ".partial";
  const int file = ::open(partial.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
  bool written = file >= 0;
  for (std::size_t at = 0; written && at < bytes.size();) {
    const ssize_t n = ::write(file, bytes.data() + at, bytes.size() - at);
    written = n > 0;
    if (written) at += static_cast<std::size_t>(n);
  }
  written = written && ::fsync(file) == 0;
  if (file >= 0) ::close(file);
  if (written) std::filesystem::rename(partial, file_of(name), failed);
  if (written && !failed) return {};
  return fail(ErrorCode::io, file_of(name).string(), "cannot be written; the shadow would not outlive a restart");
}

Result<Shadows::Entry> Shadows::read(const std::filesystem::path& file) const {
  std::ifstream in(file, std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(in), {});
  if (!in.good() && !in.eof()) return fail(ErrorCode::io, file.string(), "cannot be read");
  if (!bytes.starts_with(kMagic)) return fail(ErrorCode::corrupt, file.string(), "is not a shadow");
  Entry entry;
  std::string state;
  Reader reader(std::string_view(bytes).substr(kMagic.size()));
  reader(entry.text);
  reader(entry.dropped);
  reader(entry.forked_after);
  reader(entry.sequence);
  reader(state);
  if (!reader.is_done()) return fail(ErrorCode::corrupt, file.string(), "is not whole");
  if (!entry.dropped.empty()) return entry;
  const auto policy = loader_(entry.text);
  if (!policy) return tl::make_unexpected(policy.error());
  auto shadow = engine::Shadow::load(*policy, state);
  if (!shadow) return tl::make_unexpected(shadow.error());
  entry.shadow.emplace(std::move(*shadow));
  return entry;
}

void Shadows::restore(const journal::Journal& journal, std::uint64_t last,
                      const std::map<std::uint64_t, std::vector<engine::LiveDecision>>& live) {
  std::error_code ignored;
  for (const auto& file : std::filesystem::directory_iterator(directory_, ignored)) {
    if (file.path().extension() != kSuffix) continue;
    const std::string name = file.path().stem().string();
    auto entry = read(file.path());
    if (!entry) {
      log_(true, fmt::format("shadow {} cannot go on: {}; add it again", name, entry.error().text()));
      Entry lost{.dropped = "after a restart: " + entry.error().text()};
      entries_.emplace(name, std::move(lost));
      continue;
    }
    entries_.emplace(name, std::move(*entry));
  }
  std::uint64_t from = last;
  for (const auto& [name, entry] : entries_) {
    if (entry.shadow) from = std::min(from, entry.sequence), ++count_;
  }
  if (from == last) return;
  const auto done = journal.read(from + 1, [&](std::uint64_t sequence, std::string_view bytes) {
    if (sequence > last) return false;
    auto input = engine::decode(bytes, loader_);
    if (!input) return false;
    const auto decided = live.find(sequence);
    work({sequence, std::move(*input), decided == live.end() ? std::vector<engine::LiveDecision>() : decided->second});
    return true;
  });
  for (auto& [name, entry] : entries_) {
    if (!entry.shadow || (done && entry.sequence >= last)) continue;
    entry.dropped = fmt::format("after a restart: the inputs from {} on could not be read{}", entry.sequence + 1,
                                done ? "" : ": " + done.error().text());
    entry.shadow.reset();
    --count_;
    ++dropped_;
    log_(true, fmt::format("shadow {} was dropped {}", name, entry.dropped));
  }
}

void Shadows::start() {
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "shadows");
    run();
  });
}

void Shadows::stop() {
  {
    const std::lock_guard lock(queue_mutex_);
    stopped_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Shadows::run() {
  for (;;) {
    std::deque<Work> taken;
    bool overflowed = false;
    bool stop = false;
    {
      std::unique_lock lock(queue_mutex_);
      wake_.wait(lock, [&] { return !queue_.empty() || overflowed_ || stopped_; });
      // One at a time while there are many: the bound counts what is not done yet.
      if (!queue_.empty()) {
        taken.push_back(std::move(queue_.front()));
        queue_.pop_front();
      }
      overflowed = std::exchange(overflowed_, false);
      stop = stopped_ && taken.empty();
    }
    if (overflowed) drop_all(fmt::format("it could not keep up: {} inputs waited", kShadowQueueMax));
    for (const Work& one : taken) {
      if (const auto* step = std::get_if<Step>(&one)) {
        work(*step);
      } else {
        const Result<> saved = save_all();
        if (const auto& done = std::get<Save>(one).done) done(saved);
      }
    }
    if (stop) break;
  }
  (void)save_all();  // said in the log
}

void Shadows::work(const Step& step) {
  const std::lock_guard lock(entries_mutex_);
  const bool is_tick = std::holds_alternative<engine::Tick>(step.input);
  for (auto& [name, entry] : entries_) {
    // One that was forked meanwhile has this input in its state already.
    if (!entry.shadow || step.sequence <= entry.sequence) continue;
    const auto begin = std::chrono::steady_clock::now();
    entry.shadow->apply(step.input, step.live);
    entry.sequence = step.sequence;
    if (is_tick) entry.tick_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }
}

// Nobody waits for the disk but this thread: each is written without the lock.
Result<> Shadows::save_all() {
  std::vector<std::string> names;
  {
    const std::lock_guard lock(entries_mutex_);
    for (const auto& [name, entry] : entries_) names.push_back(name);
  }
  Result<> all;
  for (const std::string& name : names) {
    std::string bytes;
    {
      const std::lock_guard lock(entries_mutex_);
      const auto known = entries_.find(name);
      if (known == entries_.end() || known->second.text.empty()) continue;
      bytes = bytes_of(known->second);
    }
    if (Result<> written = write(name, bytes); !written) {
      log_(true, written.error().text());
      all = std::move(written);
    }
    const std::lock_guard lock(entries_mutex_);
    std::error_code ignored;
    if (entries_.count(name) == 0) std::filesystem::remove(file_of(name), ignored);  // removed meanwhile
  }
  return all;
}

void Shadows::drop_all(const std::string& why) {
  const std::lock_guard lock(entries_mutex_);
  for (auto& [name, entry] : entries_) {
    if (!entry.shadow) continue;
    entry.shadow.reset();
    entry.dropped = why;
    ++dropped_;
    log_(true, fmt::format("shadow {} was dropped: {}", name, why));
  }
  count_ = 0;
}

void Shadows::applied(std::uint64_t sequence, engine::Input input, std::vector<engine::LiveDecision> live) {
  {
    const std::lock_guard lock(queue_mutex_);
    if (queue_.size() >= kShadowQueueMax) {
      std::erase_if(queue_, [](const Work& work) { return std::holds_alternative<Step>(work); });
      overflowed_ = true;
    } else if (!overflowed_) {
      queue_.push_back(Step{sequence, std::move(input), std::move(live)});
    }
  }
  wake_.notify_one();
}

void Shadows::snapshot() {
  {
    const std::lock_guard lock(queue_mutex_);
    queue_.push_back(Save{});
  }
  wake_.notify_one();
}

Result<engine::PolicyPtr> Shadows::candidate_of(const std::string& name, const std::string& text) const {
  if (!is_plain_name(name)) {
    return fail(ErrorCode::malformed, "name", "a shadow's name is letters, digits, '_' and '-', at most 64");
  }
  return loader_(text);
}

void Shadows::add(const std::string& name, const std::string& text, engine::PolicyPtr candidate,
                  const engine::Engine& live, std::uint64_t sequence, Instant now, std::function<void(Result<>)> done) {
  auto shadow = engine::Shadow::fork(live, std::move(candidate), text, now);
  if (!shadow) return done(tl::make_unexpected(shadow.error()));
  {
    const std::lock_guard lock(entries_mutex_);
    const auto known = entries_.find(name);
    if (known != entries_.end() && known->second.shadow) {
      return done(fail(ErrorCode::conflict, "name", fmt::format("shadow {} runs already; remove it first", name)));
    }
    if (entries_.size() >= kShadowsMax && known == entries_.end()) {
      return done(fail(ErrorCode::conflict, "name", fmt::format("{} shadows is the most", kShadowsMax)));
    }
    entries_.insert_or_assign(
        name, Entry{.text = text, .shadow = std::move(*shadow), .forked_after = sequence, .sequence = sequence});
    ++count_;
  }
  {
    const std::lock_guard lock(queue_mutex_);
    queue_.push_back(Save{std::move(done)});
  }
  wake_.notify_one();
}

Result<> Shadows::remove(const std::string& name) {
  const std::lock_guard lock(entries_mutex_);
  const auto known = entries_.find(name);
  if (known == entries_.end())
    return fail(ErrorCode::unknown_name, "name", fmt::format("no shadow is called '{}'", name));
  if (known->second.shadow) --count_;
  entries_.erase(known);
  std::error_code ignored;
  std::filesystem::remove(file_of(name), ignored);
  return {};
}

Result<std::string> Shadows::text(const std::string& name) const {
  const std::lock_guard lock(entries_mutex_);
  const auto known = entries_.find(name);
  if (known == entries_.end())
    return fail(ErrorCode::unknown_name, "name", fmt::format("no shadow is called '{}'", name));
  if (known->second.text.empty()) {
    return fail(ErrorCode::conflict, "name", fmt::format("shadow {} was lost: {}", name, known->second.dropped));
  }
  return known->second.text;
}

std::vector<ShadowStatus> Shadows::list(const std::string& only, const engine::Policy* live) const {
  const std::lock_guard lock(entries_mutex_);
  std::vector<ShadowStatus> all;
  for (const auto& [name, entry] : entries_) {
    if (!only.empty() && name != only) continue;
    ShadowStatus status{.name = name,
                        .dropped = entry.dropped,
                        .forked_after = entry.forked_after,
                        .sequence = entry.sequence,
                        .tick_seconds = entry.tick_seconds,
                        .text = entry.text};
    if (entry.shadow) {
      status.policy = entry.shadow->engine().policy().name;
      status.digest = entry.shadow->engine().policy().digest;
      status.forked = entry.shadow->forked();
      status.ticks = entry.shadow->ticks();
      status.decisions_hash = entry.shadow->engine().decisions_hash().hex();
      status.parameters = entry.shadow->parameters();
      if (live != nullptr) {
        status.promotion.loosens = engine::loosened(*live, entry.shadow->engine().policy());
      }
    }
    all.push_back(std::move(status));
  }
  return all;
}

}  // namespace homeostat::daemon
