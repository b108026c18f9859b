#include "cli/present.hpp"

#include <map>

#include <fmt/format.h>

#include "cli/format.hpp"
#include "core/format.hpp"

namespace homeostat::cli {
namespace {

constexpr std::size_t kDigestShown = 12;

/// "4.2 s", or "never" without a time.
template <class Message>
std::string since(const Message& t, bool present, Instant now) {
  return present ? human(now - instant_of(t)) : "never";
}

std::string at(const google::protobuf::Timestamp& t) {
  return text_of(instant_of(t));
}

std::string provenance_text(const v1::Provenance& p) {
  if (p.source().empty()) return "";
  if (p.block_hash().empty()) return p.source();
  return fmt::format("{} block {} log {}", p.source(), grouped(p.sequence()), p.log_index());
}

Tone tone_of_condition(const std::string& condition) {
  if (condition == "connected") return Tone::good;
  return condition == "failing" || condition == "disputed" ? Tone::warn : Tone::bad;
}

/// How far a time is away, in words: "in 5m", "2h ago".
std::string when(const google::protobuf::Timestamp& t, Instant now) {
  const Duration away = instant_of(t) - now;
  return away < Duration::zero() ? human(-away) + " ago" : "in " + human(away);
}

std::string decided_text(const v1::Decision& d) {
  if (d.value() == d.previous()) return with_unit(d.value(), d.unit());
  return with_unit(d.previous() + " \u2192 " + d.value(), d.unit());
}

}  // namespace

std::string word_of(v1::Quality quality) {
  switch (quality) {
    case v1::QUALITY_OK: return "ok";
    case v1::QUALITY_DEGRADED: return "degraded";
    case v1::QUALITY_RATE_LIMITED: return "rate_limited";
    case v1::QUALITY_HELD: return "held";
    case v1::QUALITY_STALE: return "stale";
    case v1::QUALITY_HALTED: return "halted";
    default: return "unknown";
  }
}

std::string word_of(v1::OperatingMode mode) {
  switch (mode) {
    case v1::OPERATING_MODE_NORMAL: return "normal";
    case v1::OPERATING_MODE_DEGRADED: return "degraded";
    case v1::OPERATING_MODE_EMERGENCY: return "emergency";
    case v1::OPERATING_MODE_HALTED: return "halted";
    default: return "unknown";
  }
}

Tone tone_of(v1::Quality quality) {
  if (quality == v1::QUALITY_OK) return Tone::good;
  return quality <= v1::QUALITY_HELD ? Tone::warn : Tone::bad;
}

Tone tone_of(v1::OperatingMode mode) {
  if (mode == v1::OPERATING_MODE_NORMAL) return Tone::good;
  return mode == v1::OPERATING_MODE_DEGRADED ? Tone::warn : Tone::bad;
}

Cell outcome_cell(const v1::Decision& decision) {
  const std::string& answer = decision.answer();
  const bool answered = !answer.empty() && answer != "none";
  const std::string text = answered ? decision.outcome() + ", " + answer : decision.outcome();
  if (answer == "rejected" || answer == "timed_out" || answer == "expired") return {text, Tone::bad};
  if (decision.outcome() == "emitted") return {text, Tone::good};
  return {text, decision.outcome() == "no_change" ? Tone::dim : Tone::warn};
}

std::string status_text(const v1::Status& s, const Look& look) {
  Table table({{""}, {""}});
  const auto row = [&](const char* name, std::string text, Tone tone = Tone::plain) {
    table.add({{name, Tone::dim}, {std::move(text), tone}});
  };
  row("mode", word_of(s.mode()), tone_of(s.mode()));
  for (const v1::ModeCause& cause : s.causes()) {
    const std::string until = cause.has_until() ? fmt::format(", until {}", at(cause.until())) : "";
    row("",
        fmt::format("{}: {} {}: {} (since {}{})", word_of(cause.mode()), cause.kind(), cause.subject(), cause.reason(),
                    at(cause.since()), until),
        tone_of(cause.mode()));
  }
  row(s.healthy() ? "health" : "UNHEALTHY", s.health(), s.healthy() ? Tone::plain : Tone::bad);
  row("policy", fmt::format("{}, generation {}, digest {}", s.policy(), s.policy_generation(),
                            s.policy_digest().substr(0, kDigestShown)));
  row("last tick", s.has_at() ? fmt::format("{} ({} ago), slot {}", at(s.at()), since(s.at(), true, look.now), s.slot())
                              : "none yet");
  row("ticks",
      fmt::format("{}, one every {}, {} missed", grouped(s.ticks()), human(duration_of(s.period())),
                  counted(s.missed_slots(), "slot")),
      s.missed_slots() > 0 ? Tone::warn : Tone::plain);
  row("decisions", fmt::format("{}, hash {}", grouped(s.decisions()), s.decisions_hash().substr(0, kDigestShown)));
  row("journal", fmt::format("durable up to {}", grouped(s.durable_sequence())));
  row("sources", fmt::format("{} of {} connected", s.sources_connected(), s.sources()),
      s.sources_connected() < s.sources() ? Tone::warn : Tone::plain);
  row("executors", fmt::format("{} connected", s.executors()), s.executors() == 0 ? Tone::warn : Tone::plain);
  row("daemon", fmt::format("{}, started {} ({} ago), epoch {}", s.version(), at(s.started()),
                            since(s.started(), s.has_started(), look.now), s.epoch()));
  return table.render(look.style);
}

std::string metrics_table(const v1::ListMetricsResponse& metrics, const Look& look) {
  Table table({{"METRIC"},
               {"VALUE", Align::right},
               {"UNIT"},
               {"QUALITY"},
               {"AGE", Align::right},
               {"SOURCES", Align::right},
               {"NEWEST FROM"},
               {"REASON"}});
  for (const v1::Metric& m : metrics.metrics()) {
    const v1::Reading& r = m.reading();
    std::string value = r.has_time() ? number(r.value()) : "-";
    std::string from = provenance_text(r.provenance());
    if (r.provisional() > 0) from += fmt::format(", {} not final", grouped(r.provisional()));
    if (r.error_ratio() > 0) value += fmt::format(" \u00b1{}%", number(r.error_ratio() * 100));
    if (r.confidence() > 0) value += fmt::format(" \u00b1 {}", number(r.confidence()));
    table.add({{m.name()},
               {std::move(value)},
               {m.unit()},
               {word_of(r.quality()), tone_of(r.quality())},
               {r.has_age() && r.has_time() ? human(duration_of(r.age())) : "-"},
               {std::to_string(r.sources())},
               {std::move(from)},
               {r.reason()}});
  }
  return table.render(look.style);
}

std::string loops_table(const v1::ListLoopsResponse& loops, const v1::ListMetricsResponse& metrics,
                        const v1::ListParametersResponse& parameters, const Look& look) {
  std::map<std::string, std::string> units;
  for (const v1::Metric& m : metrics.metrics()) units["metric " + m.name()] = m.unit();
  for (const v1::Parameter& p : parameters.parameters()) units["parameter " + p.name()] = p.unit();
  Table table({{"LOOP"},
               {"METRIC"},
               {"SET-POINT", Align::right},
               {"VALUE", Align::right},
               {"UNIT"},
               {"ERROR", Align::right},
               {"P", Align::right},
               {"I", Align::right},
               {"D", Align::right},
               {"OUTPUT", Align::right},
               {"UNIT"},
               {"PARAMETER"},
               {"QUALITY"},
               {"STATE"}});
  for (const v1::Loop& l : loops.loops()) {
    const std::string& pv = units["metric " + l.metric()];
    std::string state = l.emergency() ? "emergency band" : "";
    const auto add = [&](const std::string& text) { state += (state.empty() ? "" : ", ") + text; };
    if (l.frozen()) add("integral frozen");
    if (l.setpoint_shift() != 0) {
      add(fmt::format("set-point shifted by {} until {}", with_unit(number(l.setpoint_shift()), pv),
                      at(l.shift_until())));
    }
    table.add({{l.name()},
               {l.metric()},
               {number(l.setpoint())},
               {number(l.value())},
               {pv},
               {number(l.error())},
               {number(l.p())},
               {number(l.i())},
               {number(l.d())},
               {number(l.output())},
               {units["parameter " + l.parameter()]},
               {l.parameter()},
               {word_of(l.quality()), tone_of(l.quality())},
               {state, l.emergency() ? Tone::bad : Tone::warn}});
  }
  return table.render(look.style);
}

std::string state_of(const v1::Parameter& p) {
  std::string text;
  if (p.overridden()) {
    text = fmt::format("held at {} until {} by {}", with_unit(p.override_value(), p.unit()), at(p.override_until()),
                       p.override_by());
  }
  if (p.paused()) {
    if (!text.empty()) text += ", ";
    text += fmt::format("paused {}", p.has_paused_until() ? "until " + at(p.paused_until()) : "until resumed");
    if (!p.paused_by().empty()) text += " by " + p.paused_by();
  }
  return text.empty() ? "automatic" : text;
}

std::string parameters_table(const v1::ListParametersResponse& parameters, const Look& look) {
  Table table({{"PARAMETER"},
               {"VALUE", Align::right},
               {"WANTED", Align::right},
               {"MIN", Align::right},
               {"MAX", Align::right},
               {"UNIT"},
               {"DRIFT USED"},
               {"STATE"},
               {"SENT", Align::right},
               {"APPLIED", Align::right},
               {"LAST"},
               {"WHY"}});
  for (const v1::Parameter& p : parameters.parameters()) {
    const bool manual = p.paused() || p.overridden();
    std::string state = state_of(p);
    if (p.in_flight() != 0) state += fmt::format(", #{} in flight", p.in_flight());
    table.add({{p.name()},
               {p.value(), Tone::strong},
               {p.wanted()},
               {p.min()},
               {p.max()},
               {p.unit()},
               {p.drift_budget().empty() ? "" : p.drift_used() + " of " + p.drift_budget()},
               {state, manual ? Tone::warn : Tone::plain},
               {std::to_string(p.emitted())},
               {std::to_string(p.applied())},
               {p.last_decision() == 0 ? "" : fmt::format("#{}", p.last_decision())},
               {p.why()}});
  }
  return table.render(look.style);
}

/// A source's clock against the daemon's.
static std::string skew_text(const v1::Source& s) {
  const Duration skew = duration_of(s.skew());
  if (skew == Duration::zero()) return "-";
  return human(skew < Duration::zero() ? -skew : skew) + (skew < Duration::zero() ? " behind" : " ahead");
}

std::string sources_table(const v1::ListSourcesResponse& sources, const Look& look) {
  Table table({{"SOURCE"},
               {"KIND"},
               {"CONDITION"},
               {"FOR", Align::right},
               {"ACCEPTED", Align::right},
               {"REFUSED", Align::right},
               {"NEWEST", Align::right},
               {"WATERMARK", Align::right},
               {"CLOCK", Align::right},
               {"BLOCK", Align::right},
               {"FINALIZED", Align::right},
               {"REORGS", Align::right},
               {"DETAIL"}});
  for (const v1::Source& s : sources.sources()) {
    std::uint64_t refused = 0;
    for (const auto& [reason, count] : s.refused()) refused += count;
    const bool chain = s.block() != 0;
    std::string detail = s.detail();
    if (detail.empty() && !s.last_refused().empty()) detail = "last refused: " + s.last_refused();
    table.add({{s.name()},
               {s.kind()},
               {s.condition() + (s.idle() ? ", idle" : ""), s.idle() ? Tone::warn : tone_of_condition(s.condition())},
               {s.has_since() ? human(look.now - instant_of(s.since())) : "-"},
               {grouped(s.accepted())},
               {grouped(refused), refused > 0 ? Tone::warn : Tone::plain},
               {s.has_newest() ? when(s.newest(), look.now) : "never", s.idle() ? Tone::warn : Tone::plain},
               {s.has_watermark() ? when(s.watermark(), look.now) : "never", s.idle() ? Tone::warn : Tone::plain},
               {skew_text(s), s.skewed() ? Tone::bad : Tone::plain},
               {chain ? grouped(s.block()) : ""},
               {chain ? grouped(s.finalized()) : ""},
               {chain ? grouped(s.reorgs()) : ""},
               {detail}});
  }
  return table.render(look.style);
}

std::string decisions_table(const google::protobuf::RepeatedPtrField<v1::Decision>& decisions, const Look& look) {
  Table table({{"ID", Align::right}, {"AT"}, {"PARAMETER"}, {"DECIDED"}, {"OUTCOME"}, {"WHY"}});
  for (const v1::Decision& d : decisions) {
    table.add({{d.id() == 0 ? "-" : std::to_string(d.id())},
               {at(d.at())},
               {d.parameter()},
               {decided_text(d)},
               outcome_cell(d),
               {d.why()}});
  }
  return table.render(look.style);
}

std::string event_line(const v1::WatchEvent& event, const Look& look) {
  switch (event.event_case()) {
    case v1::WatchEvent::kStatus: {
      const v1::Status& s = event.status();
      return fmt::format("{}  {}  slot {}, {}, {} of {} sources, {}", at(s.at()),
                         toned(fmt::format("{:<17}", word_of(s.mode())), tone_of(s.mode()), look.style.colour),
                         s.slot(), counted(s.decisions(), "decision"), s.sources_connected(), s.sources(),
                         counted(s.executors(), "executor"));
    }
    case v1::WatchEvent::kDecision: {
      const v1::Decision& d = event.decision();
      const Cell outcome = outcome_cell(d);
      return fmt::format("{}  {}  #{} {} {}: {}", at(d.at()),
                         toned(fmt::format("{:<17}", outcome.text), outcome.tone, look.style.colour), d.id(),
                         printable(d.parameter()), decided_text(d), printable(d.why()));
    }
    case v1::WatchEvent::kNotice: {
      const v1::Notice& n = event.notice();
      return fmt::format("{}  {}  {}: {}", at(n.at()),
                         toned(fmt::format("{:<17}", printable(n.kind())), Tone::warn, look.style.colour),
                         printable(n.subject()), printable(n.text()));
    }
    case v1::WatchEvent::EVENT_NOT_SET: return "";
  }
  return "";
}

}  // namespace homeostat::cli
