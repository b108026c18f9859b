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

/// What the law made of its reading, in its own terms; empty where it has none of its own.
std::string law_words(const engine::LoopTerms& terms) {
  using controller::LawKind;
  const double reading = terms.reading.value;
  const double ratio = terms.setpoint != 0 ? reading / terms.setpoint : 0;
  switch (terms.law) {
    case LawKind::rai_pi:
      return fmt::format("a market price of {:.9g}; a rate in fixed point, by P of the deviation and I of its past",
                         reading);
    case LawKind::multiplicative:
      return fmt::format("{:.4g} of its target was used: its value goes {} by the same share over the denominator",
                         ratio,
                         ratio > 1   ? "up"
                         : ratio < 1 ? "down"
                                     : "nowhere");
    case LawKind::blob_fee:
      return fmt::format("{:.6g} used against a target of {:.6g}: the excess {}, and the fee is exponential in it",
                         reading, terms.setpoint,
                         ratio > 1   ? "grows"
                         : ratio < 1 ? "shrinks"
                                     : "stays");
    case LawKind::sigmoid:
      return fmt::format("{:.6g} of its target: its value grows by the curve's percentage for that", ratio);
    case LawKind::ratio: return fmt::format("what is applied, times {:.6g} (reading / set-point), rounded up", ratio);
    case LawKind::semilog:
      return fmt::format("a rate between its least and its most, geometrically, at {:.6g}", reading);
    case LawKind::exponential:
      return fmt::format("a rate that is exponential in the distance {:+.6g} to the peg", terms.setpoint - reading);
    case LawKind::economy:  // its detail says it with its numbers
    case LawKind::pid: break;
  }
  return "";
}

void write_law(Out out, const engine::LoopTerms& terms, std::string_view unit) {
  if (const std::string words = law_words(terms); !words.empty()) fmt::format_to(out, "\n           {}", words);
  fmt::format_to(out, "\n           law {}: ", name_of(terms.law));
  if (terms.p != 0 || terms.i != 0) fmt::format_to(out, "P {:+.6g}, I {:+.6g}: ", terms.p, terms.i);
  fmt::format_to(out, "{} by itself; {} ({})\n", with_unit(fmt::format("{:.9g}", terms.raw), unit),
                 words_of(terms.reason), name_of(terms.reason));
  if (!terms.detail.empty()) fmt::format_to(out, "           {}\n", terms.detail.view());
  fmt::format_to(out, "           contributes {:+.6g}{}\n", terms.output,
                 terms.output != terms.unlimited ? fmt::format(", limited from {:+.6g}", terms.unlimited) : "");
  if (terms.waiting) fmt::format_to(out, "           waits for the answer to what it asked for\n");
  if (terms.tracking != 0) {
    fmt::format_to(out, "           anti-windup moved what it goes on from by {:+.6g}\n", terms.tracking);
  }
}

void write_decoupling(Out out, const engine::LoopTerms& terms) {
  fmt::format_to(out, "           decoupling {}: times {:.4g} it {} {:+.6g} here", terms.decoupling.view(), terms.share,
                 terms.moves.empty() ? "makes" : "adds", terms.contribution);
  if (terms.moves.empty()) return void(fmt::format_to(out, "\n"));
  fmt::format_to(out, "; its own parameter is {}", terms.moves.view());
  const double in_full = terms.share * terms.output;
  if (std::fabs(terms.contribution - in_full) > 1e-9 * std::max(1.0, std::fabs(in_full))) {
    fmt::format_to(out, ", which cannot follow: in full it would add {:+.6g}", in_full);
  }
  fmt::format_to(out, "\n");
}

void write_loop(Out out, const engine::LoopTerms& terms, std::string_view unit) {
  const oracle::Reading& reading = terms.reading;
  fmt::format_to(out, "  loop     {}: {} reads {:.6g} against a set-point of {:.6g}, error {:.6g} after the deadband\n",
                 terms.loop.view(), terms.metric.view(), reading.value, terms.setpoint, terms.error);
  fmt::format_to(out, "           reading {}{}", oracle::name_of(reading.quality),
                 reading.reason.empty() ? "" : fmt::format(" ({})", reading.reason));
  if (!reading.time.is_never()) {
    fmt::format_to(out, ", {} old, {} contribution(s) from {} source(s)", text_of(reading.age), reading.count,
                   reading.sources);
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
  if (terms.law != controller::LawKind::pid) {
    return write_law(out, terms, unit);
  }
  fmt::format_to(out, "\n           P {:+.6g}, I {:+.6g}{}, D {:+.6g}, feed-forward {:+.6g}: {:+.6g}", terms.p, terms.i,
                 terms.frozen ? " (frozen)" : "", terms.d, terms.feed_forward, terms.unlimited);
  if (terms.output != terms.unlimited) {
    fmt::format_to(out, ", limited to {:+.6g}", terms.output);
  }
  fmt::format_to(out, "{}{}\n", unit.empty() ? "" : fmt::format(" {}", unit),
                 terms.emergency_gains ? ", with emergency gains" : "");
  if (terms.gain_factor != 1) {
    fmt::format_to(out, "           gains times {:.4g}, by the loop's schedule\n", terms.gain_factor);
  }
  if (terms.weight != 1) fmt::format_to(out, "           counts {:.4g} among the parameter's loops\n", terms.weight);
  if (!terms.drives.empty()) {
    fmt::format_to(out, "           its output is added to the set-point of loop {}\n", terms.drives.view());
  }
  if (!terms.decoupling.empty()) write_decoupling(out, terms);
  if (terms.tracking != 0) {
    fmt::format_to(out, "           anti-windup moved the integral by {:+.6g}\n", terms.tracking);
  }
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
    write_loop(out, terms, terms.drives.empty() && terms.moves.empty() ? unit : std::string_view{});
  }
  fmt::format_to(out, "  {} {} ({} before rounding)\n", record.overridden ? "override" : "wanted  ",
                 with_unit(record.wanted.to_string(), unit), fmt::format("{:.9g}", record.proposed));
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
