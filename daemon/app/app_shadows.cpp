// Candidates beside the live configuration, and the one of them that takes its place.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "daemon/app/app.hpp"
#include "daemon/app/logging.hpp"
#include "daemon/app/process.hpp"
#include "guardian/authority.hpp"

namespace homeostat::daemon {

void App::add_shadow(std::string name, std::string text, Done<ShadowStatus> done) {
  auto candidate = shadows_->candidate_of(name, text);
  if (!candidate) return done(tl::make_unexpected(candidate.error()));
  pipeline_->post([this, name = std::move(name), text = std::move(text), candidate = std::move(*candidate),
                   done = std::move(done)](engine::Engine& engine) {
    shadows_->add(name, text, candidate, engine, pipeline_->applied_sequence(), wall_clock(),
                  [this, name, done](Result<> added) {
                    if (!added) return done(tl::make_unexpected(added.error()));
                    const auto now = shadows_->list(name);
                    if (now.empty()) return done(fail(ErrorCode::conflict, "name", "it was removed meanwhile"));
                    log_info("shadow", fmt::format("{} runs from input {} on", name, now.front().forked_after));
                    done(now.front());
                  });
  });
}

Result<> App::remove_shadow(const std::string& name) {
  auto removed = shadows_->remove(name);
  if (removed) log_info("shadow", name + " was removed");
  return removed;
}

Result<std::vector<ShadowStatus>> App::shadows(const std::string& name) const {
  const auto live = config_in_force();
  const auto view = pipeline_->view();
  const guardian::Settings& settings = live->policy()->guardian;
  auto all = shadows_->list(name, live->policy().get());
  if (all.empty() && !name.empty()) {
    return fail(ErrorCode::unknown_name, "name", fmt::format("no shadow is called '{}'", name));
  }
  for (ShadowStatus& shadow : all) {
    if (shadow.text.empty()) continue;
    PromotionTerms& terms = shadow.promotion;
    terms.fingerprint = guardian::fingerprint(shadow.text);
    if (!view->keys.empty()) {
      terms.signatures = guardian::signatures_needed(settings, guardian::CommandKind::allow_policy, 0);
    }
    const auto allowed = view->allowed_policies.find(terms.fingerprint);
    if (allowed != view->allowed_policies.end()) terms.allowed_until = allowed->second;
  }
  return all;
}

void App::promote_shadow(std::string name, std::string actor, Done<ReloadOutcome> done) {
  namespace fs = std::filesystem;
  const auto text = shadows_->text(name);
  if (!text) return done(tl::make_unexpected(text.error()));
  // Judged before the file is touched: after a crash between the two, a restart would load what nobody signed for. The
  // engine judges again, so that a replay proves it.
  const std::string fingerprint = guardian::fingerprint(*text);
  if (const engine::View now = view_now(); !now.keys.empty() && !now.allowed_policies.contains(fingerprint)) {
    return done(fail(ErrorCode::permission_denied, "name",
                     fmt::format("a promotion is signed under a policy with keys, and {} ({}) is not signed for: "
                                 "homeostat shadow promote {} --sign KEYFILE",
                                 name, fingerprint.substr(0, 12), name)));
  }
  std::ifstream in(config_path_, std::ios::binary);
  const std::string before(std::istreambuf_iterator<char>(in), {});
  if (before != config_in_force()->text()) {
    return done(fail(ErrorCode::conflict, config_path_,
                     "is not what is in force: reload it, or undo its changes, before they would be lost"));
  }
  const auto put = [this](const std::string& content) {
    const fs::path partial = config_path_ + ".partial";
    std::ofstream out(partial, std::ios::binary | std::ios::trunc);
    out << content;
    out.close();
    std::error_code failed;
    if (out) fs::permissions(partial, fs::status(config_path_, failed).permissions(), failed);
    if (out && !failed) fs::rename(partial, config_path_, failed);
    return static_cast<bool>(out) && !failed;
  };
  if (!put(*text)) {
    return done(fail(ErrorCode::permission_denied, config_path_,
                     "cannot be written by the daemon; put the candidate there yourself, then: homeostat reload"));
  }
  ReloadOutcome outcome = reload_now(actor + " promoting shadow " + name, true);
  // What is in the file is what is in force: refused, it is as it was.
  if (!outcome.errors.empty() && !put(before)) outcome.errors.push_back(config_path_ + " still holds the candidate");
  done(std::move(outcome));
}

}  // namespace homeostat::daemon
