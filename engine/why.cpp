#include "engine/why.hpp"

#include <cmath>

#include "core/format.hpp"

namespace homeostat::engine {
namespace {

void append(Buffer& text, Decimal value, const std::string& unit) {
  value.append_to(text);
  if (!unit.empty()) text.append(" ").append(unit);
}

/// The loop that weighs most, which is the one the sentence names.
const LoopTerms* foremost(const DecisionRecord& record) {
  const LoopTerms* most = nullptr;
  for (const LoopTerms& terms : record.loops) {
    if (!terms.drives.empty() || !terms.moves.empty()) continue;  // in another unit, by way of another loop
    if (most == nullptr || std::fabs(terms.output) > std::fabs(most->output)) most = &terms;
  }
  return most;
}

/// What the loops of other parameters made of this one.
void append_decoupling(Buffer& text, const DecisionRecord& record) {
  double sum = 0;
  const LoopTerms* any = nullptr;
  for (const LoopTerms& terms : record.loops) {
    if (terms.moves.empty()) continue;
    sum += terms.contribution;
    any = &terms;
  }
  if (any == nullptr) return;
  text.append("; decoupling ").append(any->decoupling).append(" adds ");
  append_short(text, sum);
  if (record.given_back == 0) return;
  append_short(text.append(", and "), record.given_back);
  text.append(" for steps that were given back since it asked");
}

void append_reason(Buffer& text, const DecisionRecord& record, std::string_view override_by) {
  if (record.overridden) {
    text.append("override by ").append(override_by);
    return;
  }
  const LoopTerms* terms = foremost(record);
  if (terms == nullptr) return;
  text.append(terms->metric).append(" ");
  append_short(text, terms->reading.value);
  if (terms->frozen && is_usable(terms->reading.quality) && terms->law != controller::LawKind::pid) {
    text.append(" moves nothing: of the law ").append(name_of(terms->law)).append(", ").append(words_of(terms->reason));
  } else if (terms->frozen) {
    text.append(" cannot be acted on (").append(name_of(terms->reading.quality));
    if (!terms->reading.reason.empty()) text.append(": ").append(terms->reading.reason);
    text.append(")");
  } else if (terms->law != controller::LawKind::pid) {
    text.append(" (quality ").append(name_of(terms->reading.quality)).append("): the law ");
    append_short(text.append(name_of(terms->law)).append(" gives "), terms->raw);
    text.append(", ").append(words_of(terms->reason));
  } else {
    if (terms->error == 0) {
      text.append(" is at its set-point ");
    } else {
      text.append(terms->reading.value > terms->setpoint ? " is above its set-point " : " is below its set-point ");
    }
    append_short(text, terms->setpoint);
    text.append(" (quality ").append(name_of(terms->reading.quality)).append(")");
  }
  std::size_t others = record.loops.size() - 1;
  for (const LoopTerms& other : record.loops) others -= other.moves.empty() ? 0 : 1;
  if (others > 0) text.append(" and ").append(std::to_string(others)).append(others > 1 ? " more loops" : " more loop");
  append_decoupling(text, record);
}

/// A value may fall although its reading is still low: the response it drew is being taken back.
void append_easing(Buffer& text, const DecisionRecord& record) {
  const LoopTerms* terms = foremost(record);
  if (terms == nullptr || record.overridden || terms->frozen) return;
  if (terms->law != controller::LawKind::pid || !terms->decoupling.empty()) return;
  const double pull = terms->error != 0 ? terms->error : terms->output;  // up or down: what it asks for, or has drawn
  if (pull != 0 && (pull > 0) != (record.value > record.previous)) text.append(", which asks for less than before");
}

void append_last_limit(Buffer& text, const DecisionRecord& record) {
  const guardian::Bite& bite = record.limits.back();
  text.append(name_of(bite.limit));
  if (!bite.detail.empty()) text.append(": ").append(bite.detail);
}

}  // namespace

std::string_view why(const DecisionRecord& record, const guardian::ParameterSettings& settings,
                     std::string_view override_by, Buffer& text) {
  text.clear();
  switch (record.outcome) {
    case Outcome::no_change:
      append(text.append("stays at "), record.previous, settings.unit);
      append_reason(text.append(": "), record, override_by);
      break;
    case Outcome::withheld:
      append(text.append("held at "), record.previous, settings.unit);
      append(text.append(" instead of "), record.limits.empty() ? record.wanted : record.limits.back().without,
             settings.unit);
      text.append(" by ");
      if (!record.limits.empty()) append_last_limit(text, record);
      append_reason(text.append("; "), record, override_by);
      break;
    case Outcome::vetoed:
    case Outcome::awaiting_veto:
    case Outcome::awaiting_approval:
    case Outcome::emitted:
      text.append(record.outcome == Outcome::awaiting_veto       ? "waits for its veto window, "
                  : record.outcome == Outcome::awaiting_approval ? "waits for a guardian to release it, "
                                                                 : "");
      if (is_amount(settings.action.kind)) {
        append(text.append(name_of(settings.action.kind)).append(" "), record.value - record.previous, settings.unit);
        append(text.append(", "), record.value, settings.unit);
        text.append(" in all");
      } else {
        text.append(record.value > record.previous ? "raised " : "lowered ");
        append(text, record.previous, settings.unit);
        append(text.append(" -> "), record.value, settings.unit);
      }
      append_reason(text.append(": "), record, override_by);
      append_easing(text, record);
      if (!record.limits.empty()) append_last_limit(text.append("; limited by "), record);
      break;
  }
  return text.view();
}

}  // namespace homeostat::engine
