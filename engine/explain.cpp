#include "engine/explain.hpp"

#include "core/format.hpp"
#include "core/hex.hpp"
#include "engine/why.hpp"

namespace homeostat::engine {
namespace {

class Page {
 public:
  /// "  label      text"
  void line(std::string_view label, std::string_view text) {
    text_.append("  ").append(label);
    text_.append(label.size() < kLabelWidth ? kLabelWidth - label.size() : 1, ' ');
    text_.append(text).append("\n");
  }
  void heading(std::string_view text) { text_.append(text).append("\n"); }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  static constexpr std::size_t kLabelWidth = 12;
  std::string text_;
};

std::string signed_text(double x) {
  return (x < 0 ? "" : "+") + short_text(x);
}

bool is_chain(const oracle::Provenance& p) {
  return p.block != oracle::Hash32{};
}

std::string provenance_text(const oracle::Provenance& p) {
  if (p.source.empty()) return "computed, or nothing contributed yet";
  std::string text = p.source;
  if (is_chain(p)) {
    text += ", block " + std::to_string(p.sequence) + " " + hex0x_of(p.block) + ", log " + std::to_string(p.log_index);
  } else {
    text += ", sample " + std::to_string(p.sequence);
  }
  return text + ", " + text_of(p.time);
}

std::string reading_text(const LoopTerms& terms) {
  const oracle::Reading& reading = terms.reading;
  std::string text =
      terms.metric + " = " + short_text(reading.value) + ", quality " + std::string(oracle::name_of(reading.quality));
  if (!reading.reason.empty()) text += " (" + reading.reason + ")";
  if (!reading.time.is_never()) text += ", " + text_of(reading.age) + " old";
  text += ", from " + std::to_string(reading.sources) + (reading.sources == 1 ? " source, " : " sources, ") +
          std::to_string(reading.count) + (reading.count == 1 ? " contribution" : " contributions");
  if (reading.error_ratio > 0) text += ", within " + short_text(reading.error_ratio * 100) + " %";
  return text;
}

void add_loop(Page& page, const LoopTerms& terms) {
  page.heading("loop " + terms.loop + (terms.emergency_gains ? " (emergency gains)" : ""));
  page.line("saw", reading_text(terms));
  page.line("newest", provenance_text(terms.reading.provenance));
  page.line("wanted", terms.metric + " = " + short_text(terms.setpoint) + "; error after the deadband " +
                          signed_text(terms.error));
  if (terms.frozen) {
    page.line("law", "the reading cannot be acted on: integral frozen at " + signed_text(terms.i) +
                         ", contribution held at " + signed_text(terms.output));
    return;
  }
  page.line("law", "P " + signed_text(terms.p) + ", I " + signed_text(terms.i) + ", D " + signed_text(terms.d) +
                       ", feed-forward " + signed_text(terms.feed_forward) + " = " + signed_text(terms.unlimited));
  if (terms.output != terms.unlimited) {
    page.line("", "contributes " + signed_text(terms.output) + " after its output limits and the reading's quality");
  }
  if (terms.tracking != 0) {
    page.line("", "anti-windup moved the integral by " + signed_text(terms.tracking) +
                      ", because what was applied is not what was wanted");
  }
}

void add_limits(Page& page, const DecisionRecord& record) {
  page.heading("limits");
  if (record.limits.empty()) page.line("none", "nothing was held back");
  for (const guardian::Bite& bite : record.limits) {
    page.line(guardian::name_of(bite.limit), bite.without.to_string() + " became " + bite.with.to_string() +
                                                 (bite.detail.empty() ? "" : " (" + bite.detail + ")"));
  }
}

void add_answer(Page& page, const DecisionRecord& record) {
  const std::string by = record.executor.empty() ? "" : " by " + record.executor;
  const std::string detail = record.answer_detail.empty() ? "" : ": " + record.answer_detail;
  const std::string when = record.answered.is_never() ? "" : " at " + text_of(record.answered);
  switch (record.answer) {
    case Answer::none:
      if (record.outcome == Outcome::vetoed) page.line("veto", record.answer_detail + when);
      return;
    case Answer::waiting: return page.line("answer", "none yet");
    case Answer::applied:
      return page.line("answer",
                       "applied " + record.applied.to_string() + by + when + detail +
                           (record.applied == record.value ? "" : "; it asked for " + record.value.to_string()));
    case Answer::rejected: return page.line("answer", "rejected" + by + when + detail);
    case Answer::timed_out: return page.line("answer", "none in time" + when + "; it may still come");
    case Answer::expired:
      return page.line("answer", "none before it expired" + when + "; cooldown and budget given back");
  }
}

}  // namespace

std::string explain(const DecisionRecord& record) {
  Page page;
  page.heading("decision " + std::to_string(record.id) + ": " + record.parameter + ", " + text_of(record.at) +
               " (slot " + std::to_string(record.slot) + ")");
  page.line("what", record.why);
  page.line("outcome", std::string(name_of(record.outcome)));
  page.line("mode", std::string(guardian::name_of(record.mode)) +
                        (record.mode_cause.empty() ? "" : " (" + record.mode_cause + ")"));
  for (const LoopTerms& terms : record.loops) add_loop(page, terms);
  page.heading("value");
  page.line("before", record.previous.to_string());
  page.line("wanted", record.wanted.to_string() +
                          (record.overridden ? ", by a guardian's override; the loops would have it at " : ", of ") +
                          short_text(record.proposed));
  page.line("decided", record.value.to_string());
  add_limits(page, record);
  page.heading("afterwards");
  add_answer(page, record);
  page.line("policy", record.policy_digest.empty() ? "without a digest" : record.policy_digest);
  return page.take();
}

}  // namespace homeostat::engine
