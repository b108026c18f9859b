#include "economy/behaviour/nudge.hpp"

#include <algorithm>
#include <cmath>

#include "core/format.hpp"
#include "economy/argument.hpp"
#include "economy/behaviour/nudge_text.hpp"

namespace homeostat::economy::behaviour {

namespace {

constexpr std::size_t kNameMax = 128;

Result<> require_duration(std::string_view name, Duration value, Duration min, Duration max) {
  if (value >= min && value <= max) return {};
  return fail(ErrorCode::out_of_range, std::string(name),
              "must be from " + text_of(min) + " to " + text_of(max) + ", is " + text_of(value));
}

Result<> require_name(std::string_view where, const std::string& name) {
  if (name.empty()) return fail(ErrorCode::missing, std::string(where), "must not be empty");
  if (name.size() <= kNameMax) return {};
  return fail(ErrorCode::out_of_range, std::string(where),
              "must be at most " + std::to_string(kNameMax) + " bytes long, is " + std::to_string(name.size()));
}

Result<LiveValue> live_value(const LiveValues& values, const std::string& metric, Instant now, Duration age_max) {
  const auto at = values.find(metric);
  if (at == values.end()) return fail(ErrorCode::unavailable, metric, "has no value");
  const LiveValue& v = at->second;
  if (is_live(v, now, age_max)) return v;
  if (v.trust != Trust::ok) return fail(ErrorCode::unavailable, metric, "cannot be trusted now");
  if (v.as_of > now) return fail(ErrorCode::unavailable, metric, "is of a time that has not come");
  return fail(ErrorCode::unavailable, metric,
              "is stale, " + text_of(now - v.as_of) + " old, at most " + text_of(age_max));
}

/// How many of `sent` still count at `now`; those of the future do too.
std::uint32_t counted(const std::vector<Instant>& sent, Instant now, Duration window) {
  return static_cast<std::uint32_t>(
      std::count_if(sent.begin(), sent.end(), [&](Instant t) { return now - t < window; }));
}

/// When the count is below `max` again; the count is at least that now.
Instant free_at(const std::vector<Instant>& sent, std::uint32_t max, Duration window) {
  return sent[sent.size() - max] + window;
}

Result<> within_limits(const Ledger& ledger, const FrequencyLimits& limits, const Audience& audience, Instant now) {
  const auto person = ledger.persons.find(audience.person);
  if (person != ledger.persons.end() && !person->second.empty()) {
    const auto& sent = person->second;
    if (now - sent.back() < limits.gap_min) {
      return fail(ErrorCode::conflict, "person",
                  "had one less than " + text_of(limits.gap_min) + " ago; the next not before " +
                      text_of(sent.back() + limits.gap_min));
    }
    if (counted(sent, now, limits.window) >= limits.per_person_max) {
      return fail(ErrorCode::conflict, "person",
                  "had " + std::to_string(limits.per_person_max) + " in " + text_of(limits.window) +
                      "; the next not before " + text_of(free_at(sent, limits.per_person_max, limits.window)));
    }
  }
  const auto segment = ledger.segments.find(audience.segment);
  if (segment != ledger.segments.end() && counted(segment->second, now, limits.window) >= limits.per_segment_max) {
    return fail(ErrorCode::conflict, "segment",
                "had " + std::to_string(limits.per_segment_max) + " in " + text_of(limits.window) +
                    "; the next not before " +
                    text_of(free_at(segment->second, limits.per_segment_max, limits.window)));
  }
  return {};
}

Effect effect_of(const Ledger& ledger, const std::string& template_name) {
  const auto at = ledger.effects.find(template_name);
  return at == ledger.effects.end() ? Effect{} : at->second;
}

/// Forgets what no longer counts for any limit.
template <class Sent>
void forget(Sent& sent, Instant now, Duration window) {
  for (auto at = sent.begin(); at != sent.end();) {
    auto& times = at->second;
    times.erase(std::remove_if(times.begin(), times.end(), [&](Instant t) { return now - t >= window; }), times.end());
    at = times.empty() ? sent.erase(at) : std::next(at);
  }
}

template <class Sent>
bool has_room(const Sent& sent, const std::string& key, std::size_t max, Instant now, Duration window) {
  if (sent.size() < max || sent.contains(key)) return true;
  return std::any_of(sent.begin(), sent.end(), [&](const auto& x) { return counted(x.second, now, window) == 0; });
}

}  // namespace

bool is_live(const LiveValue& v, Instant now, Duration age_max) {
  return v.trust == Trust::ok && std::isfinite(v.value) && v.as_of <= now && now - v.as_of <= age_max;
}

Inputs inputs_of(const LiveValues& values, Instant now, Duration age_max) {
  Inputs out;
  for (const auto& [name, v] : values) {
    if (is_live(v, now, age_max)) out.emplace(name, v.value);
  }
  return out;
}

std::string_view name_of(Framing framing) {
  switch (framing) {
    case Framing::reminder: return "reminder";
    case Framing::gain: return "gain";
    case Framing::commitment: return "commitment";
    case Framing::social_proof: return "social_proof";
    case Framing::loss: return "loss";
    case Framing::urgency: return "urgency";
  }
  return "?";
}

std::uint32_t approvals_for(Framing framing) {
  return framing == Framing::loss || framing == Framing::urgency ? 2 : 1;
}

Result<> check(const Template& t) {
  if (auto ok = first_error(require_name("name", t.name),
                            require_duration("age_max", t.age_max, Duration::seconds(1), Duration::days(30)));
      !ok) {
    return ok;
  }
  if (t.text.size() > kTextMax) {
    return fail(ErrorCode::out_of_range, "text", "must be at most " + std::to_string(kTextMax) + " bytes long");
  }
  const auto pieces = pieces_of(t.text);
  if (!pieces) return tl::make_unexpected(pieces.error());
  const std::size_t numbers = pieces->size() - 1;
  if (numbers == 0 && t.when.empty()) {
    return fail(ErrorCode::missing, "text", "must have a metric, as {name}, or a condition: nothing makes it true");
  }
  if (numbers > kNumbersMax || t.when.size() > kNumbersMax) {
    return fail(ErrorCode::out_of_range, "text",
                "must have at most " + std::to_string(kNumbersMax) + " metrics and as many conditions");
  }
  for (std::size_t i = 0; i < t.when.size(); ++i) {
    const std::string at = "when[" + std::to_string(i) + "]";
    auto ok = first_error(require_name(at + ".metric", t.when[i].metric),
                          require_order(at + ".min", t.when[i].min, at + ".max", t.when[i].max));
    if (!ok) return ok;
  }
  return {};
}

Result<> check(const FrequencyLimits& l) {
  return first_error(require_duration("window", l.window, Duration::minutes(1), Duration::days(365)),
                     require_duration("gap_min", l.gap_min, Duration::zero(), l.window),
                     require("per_person_max", l.per_person_max, {1, 100}),
                     require("per_segment_max", l.per_segment_max, {1, 10'000}));
}

Result<NudgeProposal> propose(const Template& t, const LiveValues& values, const Ledger& ledger,
                              const FrequencyLimits& limits, const Audience& audience, Instant now) {
  auto ok = first_error(require_name("person", audience.person), require_name("segment", audience.segment),
                        within_limits(ledger, limits, audience, now));
  if (!ok) return tl::make_unexpected(ok.error());
  const auto pieces = pieces_of(t.text);
  if (!pieces) return tl::make_unexpected(pieces.error());
  NudgeProposal out{t.name, t.behaviour, t.framing, audience};
  out.effect = effect_of(ledger, t.name);
  out.approvals_needed = approvals_for(t.framing);
  out.made = now;
  out.valid_until = now + t.age_max;
  for (const Condition& c : t.when) {
    const auto value = live_value(values, c.metric, now, t.age_max);
    if (!value) return tl::make_unexpected(value.error());
    if (!is_in(value->value, {c.min, c.max})) {
      return fail(ErrorCode::unsupported, c.metric, "is " + text_of(value->value) + ", so the words would not be true");
    }
    out.valid_until = std::min(out.valid_until, value->as_of + t.age_max);
  }
  for (const Piece& piece : *pieces) {
    out.text += piece.words;
    if (piece.metric.empty()) continue;
    const auto value = live_value(values, std::string(piece.metric), now, t.age_max);
    if (!value) return tl::make_unexpected(value.error());
    const auto number = number_text(piece, value->value);
    if (!number) return fail(ErrorCode::unavailable, std::string(piece.metric), number.error().message);
    out.text += *number;
    out.numbers.push_back({std::string(piece.metric), value->value, value->as_of, *number});
    out.valid_until = std::min(out.valid_until, value->as_of + t.age_max);
  }
  return out;
}

std::vector<Candidate> candidates(std::span<const Template> templates, Behaviour behaviour, const LiveValues& values,
                                  const Ledger& ledger, const FrequencyLimits& limits, const Audience& audience,
                                  Instant now) {
  std::vector<Candidate> out;
  for (const Template& t : templates) {
    if (t.behaviour != behaviour) continue;
    out.push_back({t.name, effect_of(ledger, t.name), propose(t, values, ledger, limits, audience, now)});
  }
  std::stable_sort(out.begin(), out.end(), [](const Candidate& a, const Candidate& b) {
    if (a.proposal.has_value() != b.proposal.has_value()) return a.proposal.has_value();
    const double x = a.effect.mean - a.effect.deviation, y = b.effect.mean - b.effect.deviation;
    return x != y ? x > y : a.template_name < b.template_name;
  });
  return out;
}

Result<> record_sent(Ledger& ledger, const FrequencyLimits& limits, const NudgeProposal& proposal,
                     std::uint32_t approvals, Instant now) {
  const std::uint32_t needed = std::max(proposal.approvals_needed, approvals_for(proposal.framing));
  if (approvals < needed) {
    return fail(ErrorCode::permission_denied, "approvals",
                "must be at least " + std::to_string(needed) + ", are " + std::to_string(approvals));
  }
  if (now > proposal.valid_until || now < proposal.made) {
    return fail(ErrorCode::unavailable, "valid_until",
                "its numbers may be shown from " + text_of(proposal.made) + " to " + text_of(proposal.valid_until));
  }
  auto ok = first_error(check(limits), require_name("person", proposal.audience.person),
                        require_name("segment", proposal.audience.segment),
                        within_limits(ledger, limits, proposal.audience, now));
  if (!ok) return ok;
  if (!has_room(ledger.persons, proposal.audience.person, kPersonsMax, now, limits.window) ||
      !has_room(ledger.segments, proposal.audience.segment, kSegmentsMax, now, limits.window)) {
    return fail(ErrorCode::resource_exhausted, "ledger",
                "remembers " + std::to_string(kPersonsMax) + " persons and " + std::to_string(kSegmentsMax) +
                    " segments within a window, no more");
  }
  if (ledger.persons.size() >= kPersonsMax) forget(ledger.persons, now, limits.window);
  if (ledger.segments.size() >= kSegmentsMax) forget(ledger.segments, now, limits.window);
  const auto add = [&](std::vector<Instant>& sent) {
    sent.erase(std::remove_if(sent.begin(), sent.end(), [&](Instant t) { return now - t >= limits.window; }),
               sent.end());
    sent.insert(std::upper_bound(sent.begin(), sent.end(), now), now);
  };
  add(ledger.persons[proposal.audience.person]);
  add(ledger.segments[proposal.audience.segment]);
  return {};
}

Result<> learn(Ledger& ledger, const std::string& template_name, const Trial& trial) {
  constexpr Range kGroup{1, 1e9};
  const auto count = [](std::uint64_t n) { return static_cast<double>(n); };
  auto ok = first_error(require_name("template_name", template_name), require("treated", count(trial.treated), kGroup),
                        require("control", count(trial.control), kGroup),
                        require("treated_acted", count(trial.treated_acted), {0, count(trial.treated)}),
                        require("control_acted", count(trial.control_acted), {0, count(trial.control)}));
  if (!ok) return ok;
  if (ledger.effects.size() >= kEffectsMax && !ledger.effects.contains(template_name)) {
    return fail(ErrorCode::resource_exhausted, "template_name",
                "at most " + std::to_string(kEffectsMax) + " templates can be learned of");
  }
  const auto variance = [&](std::uint64_t acted, std::uint64_t all) {
    const double q = (count(acted) + 1) / (count(all) + 2);
    return q * (1 - q) / count(all);
  };
  const Effect before = effect_of(ledger, template_name);
  const double seen =
      count(trial.treated_acted) / count(trial.treated) - count(trial.control_acted) / count(trial.control);
  const double v = variance(trial.treated_acted, trial.treated) + variance(trial.control_acted, trial.control);
  const double prior = 1 / (before.deviation * before.deviation), precision = prior + 1 / v;
  ledger.effects[template_name] = {(before.mean * prior + seen / v) / precision, std::sqrt(1 / precision)};
  return {};
}

}  // namespace homeostat::economy::behaviour
