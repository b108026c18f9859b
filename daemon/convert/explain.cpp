// A decision in plain words: what was decided, from which readings, by which terms, held back by
// which limits, and what the executor answered.
#include <algorithm>
#include <cmath>
#include <iterator>

#include <fmt/format.h>

#include "core/format.hpp"
#include "daemon/convert/decision.hpp"
#include "daemon/convert/fields.hpp"

namespace homeostat::convert {
namespace {

using Out = std::back_insert_iterator<std::string>;

std::string with_unit(const std::string& value, std::string_view unit) {
  return unit.empty() ? value : fmt::format("{} {}", value, unit);
}

void write_head(Out out, const engine::DecisionRecord& record, std::string_view unit) {
  const std::string previous = with_unit(record.previous.to_string(), unit);
  const std::string value = with_unit(record.value.to_string(), unit);
  fmt::format_to(out, "Decision {} at {} (slot {}): ", record.id, text_of(record.at), record.slot);
  switch (record.outcome) {
    case engine::Outcome::no_change: fmt::format_to(out, "{} stays at {}.\n", record.parameter.view(), previous); break;
    case engine::Outcome::withheld:
      fmt::format_to(out, "{} was kept at {}.\n", record.parameter.view(), previous);
      break;
    case engine::Outcome::awaiting_veto:
      fmt::format_to(out, "{} is to move from {} to {} when its veto window has passed.\n", record.parameter.view(),
                     previous, value);
      break;
    case engine::Outcome::awaiting_approval:
      fmt::format_to(out, "{} is to move from {} to {} when a guardian has released it.\n", record.parameter.view(),
                     previous, value);
      break;
    case engine::Outcome::emitted:
      fmt::format_to(out, "{} was moved from {} to {}.\n", record.parameter.view(), previous, value);
      break;
    case engine::Outcome::vetoed:
      fmt::format_to(out, "{} was to move from {} to {}; {}.\n", record.parameter.view(), previous, value,
                     record.answer_detail.empty() ? "a guardian vetoed it" : record.answer_detail);
      break;
  }
  fmt::format_to(out, "  why      {}\n", record.why.view());
  fmt::format_to(out, "  mode     {}{}\n", guardian::name_of(record.mode),
                 record.mode_cause.empty() ? "" : fmt::format(", because {}", record.mode_cause.view()));
}

std::string counted(std::uint64_t n, std::string_view what) {
  return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
}

/// A number with its sign; a zero has none of its own.
std::string with_sign(double x) {
  return fmt::format("{:+.6g}", x == 0 ? 0.0 : x);
}

/// Whether the law's formula made its value in this step: otherwise it kept or took up one, for the reason it gives.
bool is_computed(controller::LawReason reason) {
  using controller::LawReason;
  switch (reason) {
    case LawReason::followed:
    case LawReason::bridging:
    case LawReason::at_bound:
    case LawReason::up_stabilized:
    case LawReason::down_stabilized:
    case LawReason::up_limit:
    case LawReason::down_limit: return true;
    case LawReason::none:
    case LawReason::aligned:
    case LawReason::waits:
    case LawReason::within_band:
    case LawReason::unusable:
    case LawReason::fault:
    case LawReason::refused: return false;
  }
  return false;
}

/// What the law made of its reading, in its own terms; empty where it has none of its own.
std::string law_words(const engine::LoopTerms& terms) {
  using controller::LawKind;
  const double reading = terms.reading.value;
  const double ratio = terms.setpoint != 0 ? reading / terms.setpoint : 0;
  switch (terms.law) {
    case LawKind::rai_pi:
      return fmt::format("a rate from a market price of {:.9g} against {:.9g}: P of the deviation, I of its past",
                         reading, terms.setpoint);
    case LawKind::direct_rate:
      return fmt::format("the rate goes {} in proportion to the distance of the market price {:.9g} from {:.9g}",
                         reading > terms.setpoint ? "down" : "up", reading, terms.setpoint);
    case LawKind::multiplicative:
      return fmt::format("{:.4g} of its target was used: its value goes {}", ratio,
                         ratio > 1   ? "up, by the share above it over the denominator"
                         : ratio < 1 ? "down, by the share below it over the denominator"
                                     : "nowhere");
    case LawKind::blob_fee:
      return fmt::format("{:.6g} used against a target of {:.6g}: the excess {}, and the fee is exponential in it",
                         reading, terms.setpoint,
                         ratio > 1   ? "grows"
                         : ratio < 1 ? "shrinks"
                                     : "stays");
    case LawKind::sigmoid:
      return fmt::format("{:.6g} of its target: its value {} by what the curve gives for that", ratio,
                         ratio < 1 ? "shrinks" : "grows");
    case LawKind::ratio: return fmt::format("what is applied, times {:.6g} (reading / set-point), rounded up", ratio);
    case LawKind::semilog:
      return fmt::format(
          "a rate between its least and its most, by the same factor for each step of the reading {:.6g}", reading);
    case LawKind::exponential:
      return fmt::format("a rate that is exponential in the distance to the peg, {}",
                         with_sign(terms.setpoint - reading));
    case LawKind::economy:  // its detail says it with its numbers
    case LawKind::pid: break;
  }
  return "";
}

void write_law(Out out, const engine::LoopTerms& terms, std::string_view unit) {
  const bool computed = is_computed(terms.reason);
  if (const std::string words = law_words(terms); computed && !words.empty()) {
    fmt::format_to(out, "\n           {}", words);
  }
  const std::string value = with_unit(fmt::format("{:.9g}", terms.raw), unit);
  fmt::format_to(out, "\n           law {}: ", name_of(terms.law));
  if (!computed) {
    fmt::format_to(out, "at {}", value);
  } else if (terms.p != 0 || terms.i != 0) {
    fmt::format_to(out, "P {}, I {}, together {}", with_sign(terms.p), with_sign(terms.i), value);
  } else {
    fmt::format_to(out, "gives {}", value);
  }
  fmt::format_to(out, "; {} ({})\n", words_of(terms.reason), name_of(terms.reason));
  if (!terms.detail.empty()) fmt::format_to(out, "           {}\n", terms.detail.view());
  fmt::format_to(out, "           moves its parameter by {} from its base{}\n",
                 with_unit(with_sign(terms.output), unit),
                 terms.output != terms.unlimited ? ", limited from " + with_sign(terms.unlimited) : "");
  if (terms.waiting) fmt::format_to(out, "           waits for the answer to what it asked for\n");
  if (terms.tracking != 0) {
    fmt::format_to(out, "           anti-windup moved what it goes on from by {}\n", with_sign(terms.tracking));
  }
}

void write_decoupling(Out out, const engine::LoopTerms& terms, std::string_view unit) {
  fmt::format_to(out, "           by decoupling {} it moves {} by {} (its output times {:.4g})",
                 terms.decoupling.view(), terms.moves.empty() ? "its parameter" : "this parameter too,",
                 with_unit(with_sign(terms.contribution), unit), terms.share);
  if (terms.moves.empty()) return void(fmt::format_to(out, "\n"));
  fmt::format_to(out, "; its own is {}", terms.moves.view());
  const double in_full = terms.share * terms.output;
  if (std::fabs(terms.contribution - in_full) > 1e-9 * std::max(1.0, std::fabs(in_full))) {
    fmt::format_to(out, ", which cannot follow: in full it would be {}", with_sign(in_full));
    if (terms.pin != engine::Pin::none) fmt::format_to(out, " (pinned by: {})", engine::name_of(terms.pin));
  }
  fmt::format_to(out, "\n");
}

void write_pid(Out out, const engine::LoopTerms& terms, std::string_view unit) {
  fmt::format_to(out, "\n           P {}, I {}{}, D {}, feed-forward {}: {}", with_sign(terms.p), with_sign(terms.i),
                 terms.frozen ? " (frozen)" : "", with_sign(terms.d), with_sign(terms.feed_forward),
                 with_sign(terms.unlimited));
  if (terms.output != terms.unlimited) fmt::format_to(out, ", limited to {}", with_sign(terms.output));
  fmt::format_to(out, "{}{}\n", unit.empty() ? "" : fmt::format(" {}", unit),
                 terms.emergency_gains ? ", with emergency gains" : "");
  if (terms.waiting) fmt::format_to(out, "           waits: these are the terms of the step that asked\n");
  if (terms.gain_factor != 1) {
    fmt::format_to(out, "           gains times {:.4g}, by the loop's schedule\n", terms.gain_factor);
  }
  if (!terms.drives.empty()) {
    fmt::format_to(out, "           its output is added to the set-point of loop {}\n", terms.drives.view());
  }
  if (terms.tracking != 0) {
    fmt::format_to(out, "           anti-windup moved the integral by {}\n", with_sign(terms.tracking));
  }
}

/// `unit` of the decision's parameter.
void write_loop(Out out, const engine::LoopTerms& terms, std::string_view unit) {
  const oracle::Reading& reading = terms.reading;
  const bool is_pid = terms.law == controller::LawKind::pid;
  fmt::format_to(out, "  loop     {}: {} reads {:.6g} against a set-point of {:.6g}, error {:.6g}{}\n",
                 terms.loop.view(), terms.metric.view(), reading.value, terms.setpoint, terms.error,
                 is_pid ? " after the deadband" : "");
  fmt::format_to(out, "           reading {}{}", oracle::name_of(reading.quality),
                 reading.reason.empty() ? "" : fmt::format(" ({})", reading.reason));
  if (!reading.time.is_never()) {
    fmt::format_to(out, ", {} old, {} from {}", text_of(reading.age), counted(reading.count, "contribution"),
                   counted(reading.sources, "source"));
  }
  if (!reading.watermark.is_never()) fmt::format_to(out, ", complete up to {}", text_of(reading.watermark));
  if (reading.provisional > 0) fmt::format_to(out, ", {} of blocks not final yet", reading.provisional);
  if (reading.authority < 1) fmt::format_to(out, ", authority {:.3g}", reading.authority);
  if (reading.confidence > 0) fmt::format_to(out, ", give or take {:.6g}", reading.confidence);
  if (reading.guard_suspect) fmt::format_to(out, ", the guard is the suspect");
  if (!reading.provenance.source.empty()) {
    const std::string block = hex_from_hash(reading.provenance.block);
    fmt::format_to(out, ", newest from {}{}", reading.provenance.source,
                   block.empty() ? fmt::format(" #{}", reading.provenance.sequence)
                                 : fmt::format(" block {} {} log {}", reading.provenance.sequence, block,
                                               reading.provenance.log_index));
  }
  const bool is_of_this = terms.drives.empty() && terms.moves.empty();
  const std::string_view own_unit = is_of_this ? unit : std::string_view{};
  is_pid ? write_pid(out, terms, own_unit) : write_law(out, terms, own_unit);
  if (terms.weight != 1) fmt::format_to(out, "           counts {:.4g} among the parameter's loops\n", terms.weight);
  if (!terms.decoupling.empty()) write_decoupling(out, terms, unit);
}

void write_answer(Out out, const engine::DecisionRecord& record, std::string_view unit) {
  const std::string detail = record.answer_detail.empty() ? "" : fmt::format(" ({})", record.answer_detail);
  switch (record.answer) {
    case engine::Answer::none: break;
    case engine::Answer::waiting: fmt::format_to(out, "  answer   none yet\n"); break;
    case engine::Answer::applied:
      fmt::format_to(out, "  answer   {} applied {} at {}{}\n", record.executor,
                     with_unit(record.applied.to_string(), unit), text_of(record.answered), detail);
      break;
    case engine::Answer::rejected:
      fmt::format_to(out, "  answer   {} rejected it at {}{}\n", record.executor, text_of(record.answered), detail);
      break;
    case engine::Answer::timed_out:
      fmt::format_to(out, "  answer   none in time; given up at {}\n", text_of(record.answered));
      break;
    case engine::Answer::expired:
      fmt::format_to(out, "  answer   expired unapplied at {}\n", text_of(record.answered));
      break;
  }
}

}  // namespace

std::string explain(const engine::DecisionRecord& record, std::string_view unit) {
  std::string text;
  Out out = std::back_inserter(text);
  write_head(out, record, unit);
  for (const engine::LoopTerms& terms : record.loops) {
    write_loop(out, terms, unit);
  }
  fmt::format_to(out, "  {} {} ({} before rounding)\n", record.overridden ? "override" : "wanted  ",
                 with_unit(record.wanted.to_string(), unit), fmt::format("{:.9g}", record.proposed));
  if (record.given_back != 0) {
    fmt::format_to(out,
                   "           of it {} for steps that were given back since it asked; settled at the last answer\n",
                   with_unit(with_sign(record.given_back), unit));
  }
  for (const guardian::Bite& bite : record.limits) {
    fmt::format_to(out, "  limit    {}: {} instead of {}{}\n", guardian::name_of(bite.limit), bite.with.to_string(),
                   with_unit(bite.without.to_string(), unit),
                   bite.detail.empty() ? "" : fmt::format(" ({})", bite.detail));
  }
  write_answer(out, record, unit);
  fmt::format_to(out, "  policy   {}\n", record.policy_digest.view());
  return valid_utf8(text);
}

}  // namespace homeostat::convert
