#include "cli/why.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "cli/format.hpp"
#include "cli/json.hpp"
#include "cli/present.hpp"
#include "core/format.hpp"

namespace homeostat::cli {
namespace {

constexpr int kLateTicks = 3;  // without a tick for so many periods the daemon is said to stand still

std::optional<Instant> time_of(bool present, const google::protobuf::Timestamp& t) {
  return present ? std::optional(instant_of(t)) : std::nullopt;
}

/// A duration in the words of a limit: "next increase in 4m12s" ends 4m12s after the decision.
std::optional<Instant> ends(const v1::LimitBite& bite, Instant decided) {
  const std::size_t at = bite.detail().rfind(" in ");
  if (at == std::string::npos || bite.limit() == "drift") return std::nullopt;
  const auto wait = parse_duration(bite.detail().substr(at + 4));
  return wait ? std::optional(decided + *wait) : std::nullopt;
}

std::string about_limit(const v1::LimitBite& bite, const std::string& parameter) {
  const std::string& limit = bite.limit();
  if (limit == "cooldown") return "it passes by itself";
  if (limit == "drift")
    return "it frees itself as earlier changes leave the window; homeostat adjustments --parameter " + parameter;
  if (limit == "change") return "nothing: the rest follows at the next ticks";
  if (limit == "hard_min" || limit == "hard_max") {
    return "a bound of the configuration: widen it there (homeostat check, homeostat guardian allow-policy), or leave "
           "it";
  }
  if (limit == "in_flight") return "look at its executor: homeostat explain last; it is given up after its ack_timeout";
  if (limit == "paused") return "homeostat guardian resume " + parameter + " --reason ...";
  if (limit == "halted")
    return "homeostat status says what halted it; homeostat guardian clear-halt NAME --reason ... accepts it";
  if (limit == "unusable")
    return "look at its sources: homeostat sources; homeostat guardian override holds a value meanwhile";
  if (limit == "backoff") return "see why the executor refused: homeostat adjustments --parameter " + parameter;
  if (limit == "bundle")
    return "the whole bundle was refused: homeostat explain " + parameter + "'s last decision says which invariant";
  if (limit == "flap") {
    return "it turned back and forth too often: it may turn again as earlier turns leave the window, and at once in "
           "its "
           "derisking direction; homeostat adjustments --parameter " +
           parameter;
  }
  if (limit == "restricted") {
    return "the configuration keeps automation from it: homeostat guardian override " + parameter +
           " VALUE --reason ..., or change `restricted` there";
  }
  if (limit == "model") {
    return "by its loop's plant the metric would leave the corridor: check both against what was observed (homeostat "
           "check); an override is not asked";
  }
  return "";
}

class Answering {
 public:
  explicit Answering(const Situation& s) : s_(s), unit_(s.parameter.unit()) {}

  WhyAnswer run() {
    answer_.parameter = s_.parameter.name();
    clock();
    orders();
    if (s_.last) {
      limits(*s_.last);
      nothing_wanted(*s_.last);
      decoupling(*s_.last);
      readings(*s_.last);
    }
    under_way();
    mode();
    executor();
    headline();
    std::stable_partition(answer_.reasons.begin(), answer_.reasons.end(), [](const WhyReason& r) { return r.holds; });
    return std::move(answer_);
  }

 private:
  void add(WhyReason reason) {
    const auto same = [&](const WhyReason& r) { return r.kind == reason.kind && r.text == reason.text; };
    if (std::none_of(answer_.reasons.begin(), answer_.reasons.end(), same))
      answer_.reasons.push_back(std::move(reason));
  }

  [[nodiscard]] bool has(std::string_view kind) const {
    return std::any_of(answer_.reasons.begin(), answer_.reasons.end(), [&](const auto& r) { return r.kind == kind; });
  }

  [[nodiscard]] std::string unit(const std::string& value) const { return with_unit(value, unit_); }

  void clock() {
    if (!s_.status.has_at()) {
      return add({.kind = "clock",
                  .text = "no tick has come yet: decisions are made in ticks",
                  .holds = true,
                  .advice = "wait one period; homeostat status"});
    }
    const Duration late = s_.now - instant_of(s_.status.at());
    if (late > duration_of(s_.status.period()) * kLateTicks) {
      add({.kind = "clock",
           .text = fmt::format("the last tick was {} ago, and one is due every {}", human(late),
                               human(duration_of(s_.status.period()))),
           .holds = true,
           .advice = "the daemon stands still: look at its log and its disk"});
    }
  }

  void orders() {
    const v1::Parameter& p = s_.parameter;
    if (p.paused()) {
      add({.kind = "paused",
           .text = fmt::format("a guardian paused it{}", p.paused_by().empty() ? "" : " (" + p.paused_by() + ")"),
           .holds = true,
           .until = time_of(p.has_paused_until(), p.paused_until()),
           .advice = fmt::format("homeostat guardian resume {} --reason ...", p.name())});
    }
    if (p.overridden()) {
      add({.kind = "override",
           .text = fmt::format("{} holds it at {}; its loops are not asked", p.override_by(), unit(p.override_value())),
           .holds = true,
           .until = time_of(p.has_override_until(), p.override_until()),
           .advice = fmt::format("homeostat guardian clear-override {} --reason ...", p.name())});
    }
  }

  void limits(const v1::Decision& d) {
    const bool held = d.outcome() == "withheld";
    for (const v1::LimitBite& bite : d.limits()) {
      if (bite.limit() == "paused" && s_.parameter.paused()) {
        answer_.reasons.front().without = bite.without();
        continue;
      }
      // What left the value where it was holds it; one that only shortened the way does not.
      add({.kind = bite.limit(),
           .text = bite.detail().empty() ? bite.limit() : bite.detail(),
           .holds = held && bite.with() == d.previous(),
           .until = ends(bite, instant_of(d.at())),
           .without = bite.without(),
           .advice = about_limit(bite, s_.parameter.name())});
    }
  }

  /// No limit bit: what the loops ask for is what is there.
  void nothing_wanted(const v1::Decision& d) {
    if (d.outcome() != "no_change" || d.overridden()) return;
    const auto in_band = [](const v1::LoopTerms& l) { return !l.frozen() && l.error() == 0; };
    if (d.loops_size() > 0 && std::all_of(d.loops().begin(), d.loops().end(), in_band)) {
      return add({.kind = "deadband",
                  .text = "every reading is at its set-point, or nearer to it than the deadband",
                  .holds = true,
                  .advice = "nothing: this is where it should be"});
    }
    const double quantum = std::strtod(s_.parameter.quantum().c_str(), nullptr);
    const double away = std::fabs(d.proposed() - std::strtod(d.previous().c_str(), nullptr));
    if (away > 0 && away < quantum) {
      add({.kind = "quantum",
           .text = fmt::format("the loops ask for {:.9g}, which rounds to what is applied (quantum {})", d.proposed(),
                               unit(s_.parameter.quantum())),
           .holds = true,
           .advice = "nothing: it moves when what is asked for is the next quantum"});
    } else if (!std::all_of(d.loops().begin(), d.loops().end(), [](const auto& l) { return l.frozen(); })) {
      add({.kind = "satisfied",
           .text = fmt::format("the loops ask for {}, which is what is applied", unit(d.wanted())),
           .holds = true,
           .advice = "nothing; homeostat loops shows the terms"});
    }
  }

  /// What the loops of other parameters made of this one.
  void decoupling(const v1::Decision& d) {
    for (const v1::LoopTerms& l : d.loops()) {
      if (l.moves().empty()) continue;
      add({.kind = "decoupling",
           .text = fmt::format("{} adds {:+.6g} for {}, which moves {}{}{}", l.decoupling(), l.contribution(), l.loop(),
                               l.moves(), l.pin().empty() ? "" : ", pinned by: " + l.pin(),
                               l.waiting() ? ", and its loops wait together for an answer" : ""),
           .advice = fmt::format("homeostat explain {}; homeostat why {}", d.id(), l.moves())});
    }
  }

  void readings(const v1::Decision& d) {
    for (const v1::LoopTerms& l : d.loops()) {
      const v1::Reading& r = l.reading();
      const bool has_age = r.has_age() && r.has_time();
      answer_.readings.push_back(fmt::format(
          "{}: {} {} against a set-point of {}, {}{}{}, {} from {}", l.loop(), l.metric(), number(r.value()),
          number(l.setpoint()), l.error() == 0 ? "no error" : "error " + number(l.error()), ", " + word_of(r.quality()),
          has_age ? ", " + human(duration_of(r.age())) + " old" : "", counted(r.count(), "contribution"),
          counted(r.sources(), "source")));
      if (l.frozen()) {
        add({.kind = "reading",
             .text = fmt::format("{} cannot be acted on: {}{}", l.metric(), word_of(r.quality()),
                                 r.reason().empty() ? "" : " (" + r.reason() + ")"),
             .holds = l.moves().empty() && d.outcome() != "emitted" && d.outcome() != "awaiting_veto" &&
                      d.outcome() != "awaiting_approval",
             .advice = fmt::format(
                 "homeostat metrics {0}; homeostat sources; a halted one: homeostat guardian clear-halt {0} "
                 "--reason ...",
                 l.metric())});
      } else if (r.authority() < 1) {
        add({.kind = "authority",
             .text = fmt::format("{} is {}{}: the law makes {:.0f} % of its step", l.metric(), word_of(r.quality()),
                                 r.reason().empty() ? "" : " (" + r.reason() + ")", r.authority() * 100),
             .advice = fmt::format("homeostat metrics {}", l.metric())});
      }
    }
  }

  void under_way() {
    if (s_.parameter.in_flight() == 0 || has("in_flight")) return;
    add({.kind = "in_flight",
         .text = fmt::format("adjustment #{} is under way: sent, or in its veto window", s_.parameter.in_flight()),
         .holds = s_.last && s_.last->id() != s_.parameter.in_flight(),
         .advice = fmt::format("homeostat explain {}", s_.parameter.in_flight())});
  }

  void mode() {
    const bool is_halted = s_.status.mode() == v1::OPERATING_MODE_HALTED;
    for (const v1::ModeCause& c : s_.status.causes()) {
      const bool halts = c.mode() == v1::OPERATING_MODE_HALTED;
      add({.kind = "mode",
           .text = fmt::format("{} because of {} {}: {}", word_of(c.mode()), c.kind(), c.subject(), c.reason()),
           .holds = is_halted && halts,
           .until = time_of(c.has_until(), c.until()),
           .advice = halts ? fmt::format("homeostat guardian clear-halt {} --reason ...", c.subject())
                           : "it ends by itself when its cause does"});
    }
  }

  void executor() {
    if (s_.status.executors() > 0) return;
    add({.kind = "executor",
         .text = "no executor is connected: what is sent reaches nobody",
         .advice = "start it, or look at its log"});
  }

  void headline() {
    const v1::Parameter& p = s_.parameter;
    std::string last;
    if (s_.last_sent) {
      const v1::Decision& d = *s_.last_sent;
      last = fmt::format("; it last moved {} ago, {} -> {} (#{}, {})", human(s_.now - instant_of(d.at())), d.previous(),
                         unit(d.value()), d.id(), d.answer());
    }
    if (!s_.last) {
      answer_.headline =
          fmt::format("{} is at {}: no decision about it has been made yet{}", p.name(), unit(p.value()), last);
      return;
    }
    const v1::Decision& d = *s_.last;
    answer_.moved = d.outcome() == "emitted";
    const std::string when = human(s_.now - instant_of(d.at())) + " ago";
    if (answer_.moved) {
      answer_.headline = fmt::format("{} moved {}, {} -> {} (#{}, {}): {}", p.name(), when, d.previous(),
                                     unit(d.value()), d.id(), d.answer(), d.why());
    } else if (d.outcome() == "awaiting_veto") {
      answer_.headline = fmt::format("{} waits: {} -> {} is in its veto window (#{}): {}", p.name(), d.previous(),
                                     unit(d.value()), d.id(), d.why());
    } else if (d.outcome() == "awaiting_approval") {
      answer_.headline =
          fmt::format("{} waits: {} -> {} is sent when a guardian has released it (homeostat guardian release {}): {}",
                      p.name(), d.previous(), unit(d.value()), d.id(), d.why());
    } else if (d.wanted() != d.previous()) {
      answer_.headline = fmt::format("{} stays at {} although {} is wanted (#{}, {}){}", p.name(), unit(d.previous()),
                                     unit(d.wanted()), d.id(), when, last);
    } else {
      answer_.headline = fmt::format("{} stays at {}, which is what is wanted (#{}, {}){}", p.name(),
                                     unit(d.previous()), d.id(), when, last);
    }
  }

  const Situation& s_;
  const std::string unit_;
  WhyAnswer answer_;
};

}  // namespace

WhyAnswer why_of(const Situation& situation) {
  return Answering(situation).run();
}

std::string why_text(const WhyAnswer& answer, Instant now) {
  std::string text = answer.headline + "\n";
  bool first_holder = true;
  for (const WhyReason& r : answer.reasons) {
    const char* word = r.holds ? (first_holder ? "because " : "and     ") : "also    ";
    first_holder = first_holder && !r.holds;
    text += fmt::format("  {} {}: {}", word, r.kind, r.text);
    if (r.until)
      text += fmt::format(" (until {}, {} left)", text_of(*r.until), human(std::max(*r.until - now, Duration::zero())));
    if (r.without) text += fmt::format("; {} without it", *r.without);
    text += "\n";
    if (!r.advice.empty()) text += fmt::format("             do: {}\n", r.advice);
  }
  for (const std::string& reading : answer.readings) text += fmt::format("  reading  {}\n", reading);
  return text;
}

std::string why_json(const WhyAnswer& answer) {
  std::string reasons;
  for (const WhyReason& r : answer.reasons) {
    reasons += reasons.empty() ? "\n    " : ",\n    ";
    reasons +=
        fmt::format("{{\"kind\": {}, \"text\": {}, \"holds\": {}, \"until\": {}, \"without\": {}, \"advice\": {}}}",
                    quoted(r.kind), quoted(r.text), r.holds, r.until ? quoted(text_of(*r.until)) : "null",
                    r.without ? quoted(*r.without) : "null", r.advice.empty() ? "null" : quoted(r.advice));
  }
  std::string readings;
  for (const std::string& reading : answer.readings) readings += (readings.empty() ? "" : ", ") + quoted(reading);
  return fmt::format(
      "{{\n  \"parameter\": {},\n  \"headline\": {},\n  \"moved\": {},\n  \"reasons\": [{}{}],\n  \"readings\": "
      "[{}]\n}}",
      quoted(answer.parameter), quoted(answer.headline), answer.moved, reasons, reasons.empty() ? "" : "\n  ",
      readings);
}

}  // namespace homeostat::cli
