#include "daemon/app/app.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "daemon/api/grpc_log.hpp"
#include "daemon/app/logging.hpp"
#include "daemon/app/process.hpp"
#include "daemon/app/sd_notify.hpp"
#include "engine/health.hpp"

namespace homeostat::daemon {
namespace {

engine::PolicyLoader policy_loader() {
  return [](const std::string& text) -> Result<engine::PolicyPtr> {
    auto loaded = config::load_text(text, "journaled policy", [](std::string_view) { return std::nullopt; });
    if (!loaded) return fail(ErrorCode::conflict, "policy", loaded.error().front().text());
    return loaded->policy();
  };
}

/// Keys that a reload cannot change, by name, that differ.
std::vector<std::string> fixed_differences(const config::DaemonSettings& a, const config::DaemonSettings& b) {
  std::vector<std::string> names;
  const auto differs = [&](bool different, const char* name) {
    if (different) names.push_back(fmt::format("{}: cannot be changed by a reload; restart the daemon", name));
  };
  differs(!(a.listen == b.listen), "listen");
  differs(!(a.journal == b.journal), "journal");
  differs(a.log.format != b.log.format, "log.format");
  return names;
}

bool same_events(const config::ValidConfig& a, const config::ValidConfig& b) {
  const auto key = [](const oracle::EventSettings& e) { return std::tie(e.name, e.source, e.contract, e.signature); };
  const auto& x = a.policy()->oracle.events;
  const auto& y = b.policy()->oracle.events;
  return std::equal(x.begin(), x.end(), y.begin(), y.end(),
                    [&](const auto& l, const auto& r) { return key(l) == key(r); });
}

std::vector<std::string> texts_of(const std::vector<config::Diagnostic>& diagnostics) {
  std::vector<std::string> out;
  out.reserve(diagnostics.size());
  for (const auto& d : diagnostics) out.push_back(d.text());
  return out;
}

std::string_view name_of(config::LogLevel level) {
  switch (level) {
    case config::LogLevel::debug: return "debug";
    case config::LogLevel::info: return "info";
    case config::LogLevel::warning: return "warn";
    case config::LogLevel::error: return "error";
  }
  return "info";
}

RpcFacts rpc_facts(const api::ApiStats& stats) {
  RpcFacts facts{.streams_open = stats.ingest_streams + stats.watch_streams + stats.subscribe_streams,
                 .executors = stats.subscribe_streams,
                 .slow_clients_cut = stats.slow_clients_cut,
                 .overloaded_replies = stats.overloaded,
                 .certificates_renewed = stats.certificates_renewed,
                 .certificates_held_back = stats.certificates_held_back};
  for (const auto& m : stats.methods) {
    for (std::size_t code = 0; code < api::kStatusCodeCount; ++code) {
      // OK is shown from the start, so that a rate can be drawn; other codes once they happened.
      if (code != 0 && m.calls[code] == 0) continue;
      facts.methods.push_back({std::string(m.name.method), std::string(api::status_code_name(code)), m.calls[code]});
    }
  }
  return facts;
}

void log_grpc(api::GrpcLogLevel level, std::string_view text) {
  switch (level) {
    case api::GrpcLogLevel::debug: return log_debug("grpc", text);
    case api::GrpcLogLevel::info: return log_info("grpc", text);
    // What gRPC calls an error is a client's broken connection as a rule: nothing of ours failed.
    case api::GrpcLogLevel::error: return log_warn("grpc", text);
  }
}

void log_published(const Published& published) {
  for (const auto& n : published.notices) {
    const bool good_news = n.text.rfind("connected", 0) == 0 || n.text.find("-> normal") != std::string::npos;
    const bool grave = !good_news && (n.kind == engine::NoticeKind::mode || n.kind == engine::NoticeKind::source);
    (grave ? log_warn : log_info)(engine::name_of(n.kind), n.subject.empty() ? n.text : n.subject + ": " + n.text);
  }
  for (const auto& a : published.adjustments) {
    log_info("adjustment", fmt::format("#{} {} {} -> {}: {}", a.id, a.parameter.view(), a.previous.to_string(),
                                       a.value.to_string(), a.why.view()));
  }
  for (const auto& d : published.decisions) {
    if (d.answer == engine::Answer::none || d.answer == engine::Answer::waiting) continue;
    const bool good = d.answer == engine::Answer::applied;
    (good ? log_info : log_warn)("answer",
                                 fmt::format("#{} {} {} {} {}", d.id, d.parameter.view(), engine::name_of(d.answer),
                                             good ? d.applied.to_string() : "", d.answer_detail));
  }
}

}  // namespace

tl::expected<std::unique_ptr<App>, std::vector<std::string>> App::start(const std::string& config_path) {
  std::unique_ptr<App> app(new App());
  app->started_ = wall_clock();
  auto problems = app->open(config_path);
  if (problems.empty()) problems = app->recover_and_run();
  if (!problems.empty()) return tl::make_unexpected(std::move(problems));
  return app;
}

App::~App() {
  drain();
}

std::vector<std::string> App::open(const std::string& config_path) {
  config_path_ = config_path;
  auto loaded = config::load_file(config_path);
  if (!loaded) return texts_of(loaded.error());
  config_ = std::make_shared<const config::ValidConfig>(std::move(*loaded));
  reload_succeeded_ = started_;
  const config::DaemonSettings& settings = config_->daemon();
  start_log(settings.log.format == config::LogFormat::json ? LogStyle::json : LogStyle::text,
            name_of(settings.log.level));
  api::set_grpc_log(log_grpc);
  const ProcessFacts build = process_facts();
  log_info("start", fmt::format("homeostatd {} ({}), configuration {} ({}), journal {}", build.version,
                                build.build_type, config_path, config_->digest(), settings.journal.directory));
  for (const auto& w : config_->warnings()) log_warn("config", w.text());

  // Listeners come first, so that a long recovery is visible: alive, and not ready yet.
  auto http = HttpListener::start(settings.listen.http, [this](std::string_view path) { return http_page(path); });
  if (!http) return {http.error().text()};
  http_ = std::move(*http);

  auto journal = journal::Journal::open({.directory = settings.journal.directory,
                                         .retention = settings.journal.retention,
                                         .decision_retention = settings.journal.retention,
                                         .queue_max_bytes = settings.journal.queue_bytes_max,
                                         .verify_tail_at_open = false},
                                        {.now = wall_clock});
  if (!journal) return {journal.error().text()};
  journal_ = std::move(*journal);
  for (const std::uint64_t seq : journal_->damaged_snapshots()) {
    log_warn("journal", fmt::format("the snapshot at input {} is damaged; recovery starts from an older one", seq));
  }
  return {};
}

std::vector<std::string> App::recover_and_run() {
  const config::DaemonSettings& settings = config_->daemon();
  auto recovered = recover(
      *journal_, config_->policy(), config_->text(), policy_loader(), wall_clock(),
      [this](std::uint64_t done, std::uint64_t total) {
        recovery_done_ = done;
        recovery_total_ = total;
        sd_notify(fmt::format("STATUS=recovering, {} of {} inputs\nEXTEND_TIMEOUT_USEC=30000000", done, total));
      },
      true);
  if (!recovered) {
    const std::string advice = "; nothing was changed: restore a backup, or run `homeostat journal salvage " +
                               settings.journal.directory + "`, which keeps what is whole";
    return {recovered.error().text() + (recovered.error().code == ErrorCode::corrupt ? advice : "")};
  }
  log_info("recovered", fmt::format("{} inputs replayed, {} decisions made again, at input {}", recovered->replayed,
                                    recovered->decisions, recovered->last_sequence));
  shadows_ = std::make_unique<Shadows>(
      std::filesystem::path(settings.journal.directory) / "shadows", policy_loader(),
      [](bool is_error, const std::string& text) { is_error ? log_error("shadow", text) : log_info("shadow", text); });
  shadows_->restore(*journal_, recovered->last_sequence, recovered->live);
  recovered->live.clear();
  const bool other_policy = recovered->engine.policy().digest != config_->digest();
  pipeline_ = std::make_unique<Pipeline>(std::move(*recovered), *journal_,
                                         PipelineSettings{.queue_bytes_max = settings.journal.queue_bytes_max,
                                                          .snapshot_period = settings.journal.snapshot_period},
                                         wall_clock);
  pipeline_->on_published = [this](const std::shared_ptr<const Published>& p) {
    log_published(*p);
    history_.add(*p->view, p->decisions);
    sources_->follow(*p->view);
  };
  pipeline_->is_wanted = [this] { return shadows_->is_wanted(); };
  pipeline_->on_applied = [this](std::uint64_t sequence, engine::Input&& input, const engine::Effects& effects) {
    shadows_->applied(sequence, std::move(input), engine::live_decisions(effects));
  };
  pipeline_->on_snapshot = [this] { shadows_->snapshot(); };
  sources_ = std::make_unique<SourceRunner>(*pipeline_, wall_clock);
  if (const auto period = watchdog_period()) {
    pipeline_->on_alive = [period = *period, last = std::chrono::steady_clock::time_point{}]() mutable {
      const auto now = std::chrono::steady_clock::now();
      if (now - last < period) return;
      last = now;
      sd_notify("WATCHDOG=1");
    };
  }
  api::ServerSettings serving{.address = settings.listen.grpc};
  if (const config::TlsSettings& tls = settings.listen.tls; tls.is_set()) {
    serving.tls = api::TlsSettings{tls.certificate, tls.key, tls.client_ca};
    serving.on_certificate = [](bool is_taken, const std::string& text) {
      if (is_taken) return log_info("tls", "new connections are served with the renewed " + text);
      log_error("tls", "the renewed certificate is held back, the last good one stays: " + text);
    };
  }
  auto server = api::Server::start(std::move(serving), *this);
  if (!server) return {server.error().text()};
  server_ = std::move(*server);
  shadows_->start();
  pipeline_->start();
  if (other_policy) {
    pipeline_->submit(
        engine::PolicyChange{
            .at = wall_clock(), .actor = "start-up", .text = config_->text(), .policy = config_->policy()},
        [](engine::Effects& e) {
          if (e.outcome.accepted) return log_info("policy", e.outcome.message);
          log_error("policy", e.outcome.message + "; the journal's policy stays in force");
        });
  }
  sources_->start(*config_);
  server_->set_serving(true);
  serving_since_ = wall_clock();
  ready_ = true;
  sd_notify("READY=1\nSTATUS=serving");
  log_info("ready",
           fmt::format("gRPC on port {}, console and metrics on http port {}", server_->port(), http_->port()));
  return {};
}

void App::drain() {
  if (!server_) return;
  ready_ = false;
  log_info("drain", "stopping: no new inputs, what was accepted is finished");
  server_->set_serving(false);
  if (sources_) sources_->stop();
  server_->drain(config_in_force()->daemon().drain_deadline);
  pipeline_->drain();
  shadows_->stop();
  http_.reset();
  server_.reset();
  sources_.reset();
  pipeline_.reset();  // before the shadows, which it feeds, and before the journal, which it still listens to
  journal_.reset();
  api::set_grpc_log(nullptr);  // its threads may outlive the log
  log_info("stop", "ended in order");
}

int App::grpc_port() const {
  return server_->port();
}
int App::http_port() const {
  return http_->port();
}

// --- Backend -------------------------------------------------------------------------------------

Result<> App::submit(oracle::SampleBatch batch, Done<oracle::BatchVerdict> done) {
  return pipeline_->offer(std::move(batch),
                          [done = std::move(done)](engine::Effects& e) { done(std::move(e.verdict)); });
}

namespace {
/// Submits an input whose outcome is a CommandOutcome; while draining the caller is told so.
void submit_for_outcome(Pipeline& pipeline, engine::Input input, Backend::Done<engine::CommandOutcome> done) {
  auto shared = std::make_shared<Backend::Done<engine::CommandOutcome>>(std::move(done));
  const bool taken =
      pipeline.submit(std::move(input), [shared](engine::Effects& e) { (*shared)(std::move(e.outcome)); });
  if (!taken) (*shared)(fail(ErrorCode::unavailable, "daemon", "it is shutting down; send again after its restart"));
}
}  // namespace

void App::command(engine::GuardianCommand command, Done<engine::CommandOutcome> done) {
  submit_for_outcome(*pipeline_, std::move(command), std::move(done));
}

void App::command(engine::SignedCommand command, Done<engine::CommandOutcome> done) {
  submit_for_outcome(*pipeline_, std::move(command), std::move(done));
}

void App::report(engine::ActuatorReport report, Done<engine::CommandOutcome> done) {
  submit_for_outcome(*pipeline_, std::move(report), std::move(done));
}

std::shared_ptr<const engine::View> App::view() const {
  return pipeline_->view();
}

RunStatus App::run_status() const {
  return {.started = started_,
          .epoch = journal_->epoch(),
          .durable_sequence = journal_->durable_seq(),
          .decisions_hash = pipeline_->decisions_hash(),
          .now = wall_clock(),
          .serving_since = serving_since_};
}

std::string App::source_kind(const std::string& source) const {
  for (const auto& s : config_in_force()->daemon().sources) {
    if (s.name == source) return std::string(config::kind_of(s.connection));
  }
  return "";
}

void App::decision(std::uint64_t id, Done<engine::DecisionRecord> done) {
  if (id == 0) {
    auto newest = journal_->list_decisions({.only_adjustments = true, .limit = 1});
    if (!newest) return done(tl::make_unexpected(newest.error()));
    if (newest->empty()) return done(fail(ErrorCode::unknown_name, "id", "no adjustment has been made yet"));
    return done(engine::decode_record(newest->front().bytes));
  }
  auto row = journal_->find_decision(id);
  if (!row) return done(tl::make_unexpected(row.error()));
  if (!*row) {
    return done(fail(ErrorCode::unknown_name, "id",
                     fmt::format("no decision {}: ids run up to {}, and old ones are pruned after journal.retention",
                                 id, view()->decisions)));
  }
  done(engine::decode_record((*row)->bytes));
}

void App::decisions(DecisionFilter filter, Done<std::vector<engine::DecisionRecord>> done) {
  auto rows = journal_->list_decisions({.parameter = filter.parameter,
                                        .only_adjustments = filter.adjustments_only,
                                        .before_id = filter.before_id,
                                        .limit = filter.limit});
  if (!rows) return done(tl::make_unexpected(rows.error()));
  std::vector<engine::DecisionRecord> records;
  records.reserve(rows->size());
  for (const auto& row : *rows) {
    auto record = engine::decode_record(row.bytes);
    if (!record) return done(tl::make_unexpected(record.error()));
    records.push_back(std::move(*record));
  }
  done(std::move(records));
}

void App::preview(Done<std::vector<engine::DecisionRecord>> done) {
  pipeline_->post([done = std::move(done)](engine::Engine& engine) {
    const std::uint64_t slot = engine.last_slot() + 1;
    const Instant at{static_cast<std::int64_t>(slot) * engine.policy().period.ns};
    done(engine.preview({.slot = slot, .at = at}).records);
  });
}

void App::attach(std::shared_ptr<Listener> listener) {
  pipeline_->attach(std::move(listener));
}
void App::detach(const std::shared_ptr<Listener>& listener) {
  pipeline_->detach(listener);
}

ReloadOutcome App::reload_now(const std::string& actor, bool promotion) {
  const std::lock_guard one_at_a_time(reload_mutex_);
  const auto current = config_in_force();
  auto loaded = config::load_file(config_path_);
  if (!loaded) return refuse_reload(texts_of(loaded.error()));
  if (auto fixed = fixed_differences(current->daemon(), loaded->daemon()); !fixed.empty())
    return refuse_reload(std::move(fixed));
  const auto next = std::make_shared<const config::ValidConfig>(std::move(*loaded));
  const bool changed = next->digest() != current->digest();
  std::uint64_t generation = pipeline_->view()->policy_generation;
  if (changed) {
    auto promise = std::make_shared<std::promise<engine::CommandOutcome>>();
    const bool taken = pipeline_->submit(
        engine::PolicyChange{
            .at = wall_clock(), .actor = actor, .text = next->text(), .policy = next->policy(), .promotion = promotion},
        [promise](engine::Effects& e) { promise->set_value(std::move(e.outcome)); });
    if (!taken) return refuse_reload({"the daemon is shutting down"});
    const engine::CommandOutcome outcome = promise->get_future().get();
    if (!outcome.accepted) return refuse_reload({outcome.message});
    generation = view_now().policy_generation;
    if (!(next->daemon().sources == current->daemon().sources) || !same_events(*next, *current)) sources_->start(*next);
  }
  {
    const std::lock_guard lock(config_mutex_);
    config_ = next;
    reload_failed_ = false;
    reload_errors_.clear();
    reload_succeeded_ = wall_clock();
  }
  (void)daemon::set_log_level(name_of(next->daemon().log.level));
  log_info("reload",
           changed ? "configuration " + next->digest() + " is in force from the next tick" : "nothing changed");
  return {.changed = changed, .generation = generation, .digest = next->digest()};
}

engine::View App::view_now() const {
  const auto promise = std::make_shared<std::promise<engine::View>>();
  pipeline_->post([promise](engine::Engine& engine) { promise->set_value(engine.view()); });
  auto known = promise->get_future();
  // A daemon that is ending may no longer answer.
  if (known.wait_for(std::chrono::seconds(5)) == std::future_status::ready) return known.get();
  return *pipeline_->view();
}

ReloadOutcome App::refuse_reload(std::vector<std::string> why) {
  for (const auto& line : why) log_error("reload", line);
  const auto view = pipeline_->view();
  const std::lock_guard lock(config_mutex_);
  reload_failed_ = true;
  reload_errors_ = why;
  return {.generation = view->policy_generation, .digest = view->policy_digest, .errors = std::move(why)};
}

void App::reload(std::string actor, Done<ReloadOutcome> done) {
  done(reload_now(actor));
}

std::shared_ptr<const config::ValidConfig> App::config_in_force() const {
  const std::lock_guard lock(config_mutex_);
  return config_;
}

ConfigStatus App::config() const {
  const auto view = pipeline_->view();
  const std::lock_guard lock(config_mutex_);
  return {.path = config_path_,
          .text = config_->text(),
          .digest = config_->digest(),
          .generation = view->policy_generation,
          .last_reload_failed = reload_failed_,
          .last_errors = reload_errors_};
}

void App::backup(std::string name, Done<BackupOutcome> done) {
  namespace fs = std::filesystem;
  if (name.empty()) name = fmt::format("backup-{}.db", wall_clock().ns / 1'000'000'000);
  if (name.find('/') != std::string::npos || name.front() == '.') {
    return done(
        fail(ErrorCode::invalid_argument, "name", "a plain file name is wanted: it goes into the backup directory"));
  }
  const fs::path directory = fs::path(config_in_force()->daemon().journal.directory) / "backup";
  std::error_code ec;
  fs::create_directories(directory, ec);
  if (ec) return done(fail(ErrorCode::io, directory.string(), "cannot be created: " + ec.message()));
  const fs::path path = directory / name;
  const std::uint64_t sequence = journal_->durable_seq();  // at least these are in the copy
  if (const auto copied = journal_->backup(path); !copied) return done(tl::make_unexpected(copied.error()));
  log_info("backup", path.string());
  done(BackupOutcome{.path = path.string(), .sequence = sequence, .bytes = fs::file_size(path, ec)});
}

Result<std::string> App::set_log_level(const std::string& level) {
  return daemon::set_log_level(level);
}
Instant App::now() const {
  return wall_clock();
}

// --- HTTP ----------------------------------------------------------------------------------------

HttpResponse App::http_page(std::string_view path) const {
  if (path == "/livez") return {.body = "ok\n"};
  if (path == "/healthz") {
    if (!ready_) return {.body = "ok: recovering\n"};
    const engine::Health health = engine::health_of(*pipeline_->view(), wall_clock(), serving_since_);
    return {.status = health.healthy ? 200u : 503u,
            .body = (health.healthy ? "ok: " : "not healthy: ") + health.text + "\n"};
  }
  if (path == "/readyz") {
    if (ready_) return {.body = "ready\n"};
    return {
        .status = 503,
        .body = fmt::format("not ready: {} of {} inputs replayed\n", recovery_done_.load(), recovery_total_.load())};
  }
  if (!ready_) return {.status = 503, .body = "not ready: recovering\n"};
  if (path == "/metrics")
    return {.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = exposition(facts())};
  if (path == "/") {
    return {.content_type = "text/html; charset=utf-8",
            .body = console_page(*pipeline_->view(), history_.copy(), wall_clock())};
  }
  return {.status = 404, .body = "there are /, /metrics, /healthz, /livez and /readyz\n"};
}

Facts App::facts() const {
  Facts f{.view = *pipeline_->view(),
          .pipeline = pipeline_->facts(),
          .rpc = rpc_facts(server_->stats()),
          .sources = sources_->facts()};
  const journal::Stats j = journal_->stats();
  f.journal = {.durable_sequence = j.durable_seq,
               .commits = j.commits_total,
               .bytes = j.database_bytes + j.wal_bytes,
               .queue_bytes = j.queued_bytes,
               .commit_seconds_p50 = j.commit_p50.in_seconds(),
               .commit_seconds_p99 = j.commit_p99.in_seconds(),
               .last_snapshot = pipeline_->last_snapshot()};
  for (const ShadowStatus& s : shadows_->list()) {
    ShadowFacts shadow{.name = s.name, .running = s.dropped.empty(), .ticks = s.ticks, .tick_seconds = s.tick_seconds};
    for (const engine::ShadowParameter& p : s.parameters) {
      if (!p.shadow.known || !p.live.known) continue;
      const double value = p.shadow.value.to_double();
      shadow.parameters.push_back(
          {p.name.str(), value, std::fabs(p.live.value.to_double() - value), p.differing, p.shadow.adjustments});
    }
    f.shadows.push_back(std::move(shadow));
  }
  f.shadows_dropped = shadows_->dropped_total();
  f.process = process_facts();
  f.process.started = started_;
  f.process.serving_since = serving_since_;
  f.process.epoch = j.epoch;
  f.process.ready = ready_;
  const std::lock_guard lock(config_mutex_);
  f.config = {.last_reload_ok = !reload_failed_, .last_reload_success = reload_succeeded_};
  return f;
}

}  // namespace homeostat::daemon
