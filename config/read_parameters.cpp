// parameters, guardian.
#include <fmt/format.h>

#include <charconv>

#include "config/readers.hpp"
#include "core/format.hpp"
#include "core/hex.hpp"
#include "guardian/limits.hpp"

namespace homeostat::config {
namespace {

using guardian::ParameterSettings;

void read_cooldown(const Field& field, Context& context, Duration& up, Duration& down) {
  if (field.is_given() && field.node()->kind == Node::Kind::map) {
    Section s(field, context);
    s.required("up", "the least time between two raises").duration(up);
    s.required("down", "the least time between two cuts").duration(down);
  } else if (field.duration(up)) {
    down = up;
  }
}

void read_change(const Field& field, const ParameterSettings& p, guardian::ChangeLimit& out) {
  const auto parse = [&p](std::string_view text) { return parse_change(text, p.unit, p.decimals); };
  if (!field.parsed(out, parse)) return;
  if (out.relative && !(*out.relative > 0 && *out.relative <= 1)) {
    field.error(
        fmt::format("{}% of value is not allowed; it must be above 0% and at most 100%", text_of(*out.relative * 100)));
  }
  if (out.absolute && p.quantum.units() > 0 && *out.absolute < p.quantum) {
    field.error(fmt::format("{} is less than the quantum of {}: the parameter could never move",
                            out.absolute->to_string(), p.quantum.to_string()),
                p.quantum.to_string());
  }
}

void read_drift(const Field& field, Context& context, const ParameterSettings& p,
                std::optional<guardian::DriftBudget>& out) {
  Per per;
  if (!field.parsed(per, [&](std::string_view text) { return parse_per(text, context.day); })) return;
  guardian::DriftBudget drift{.budget = {}, .window = per.per};
  const auto budget = parse_decimal(per.amount, p.unit, p.decimals);
  if (!budget) return field.error(budget.error().message, budget.error().nearest);
  drift.budget = *budget;
  if (drift.window <= Duration::zero()) return field.error("the window of a drift budget must be longer than 0s");
  if (drift.budget < p.quantum) {
    return field.error(fmt::format("a budget of {} is less than the quantum of {}: the parameter could never move",
                                   drift.budget.to_string(), p.quantum.to_string()));
  }
  out = drift;
}

void read_flaps(const Field& field, Context& context, std::optional<guardian::FlapBudget>& out) {
  Per per;
  if (!field.parsed(per, [&](std::string_view text) { return parse_per(text, context.day); })) return;
  guardian::FlapBudget flaps{.count = 0, .window = per.per};
  const char* const end = per.amount.data() + per.amount.size();
  const auto [stop, error] = std::from_chars(per.amount.data(), end, flaps.count);
  if (error != std::errc{} || stop != end || flaps.count < 1 || flaps.count > guardian::kFlapsMax) {
    return field.error(
        fmt::format("'{}' is not a number of changes of direction from 1 to {}", per.amount, guardian::kFlapsMax),
        "4 per day");
  }
  if (flaps.window <= Duration::zero()) return field.error("the window of a flap budget must be longer than 0s");
  out = flaps;
}

Parsed<guardian::ValueRange> parse_range(std::string_view text, const ParameterSettings& p) {
  constexpr std::string_view kTo = " to ";
  const std::size_t at = text.find(kTo);
  const auto from = parse_decimal(text.substr(0, at), p.unit, p.decimals);
  if (!from) return tl::make_unexpected(from.error());
  if (at == std::string_view::npos) return guardian::ValueRange{*from, *from};
  const auto to = parse_decimal(text.substr(at + kTo.size()), p.unit, p.decimals);
  if (!to) return tl::make_unexpected(to.error());
  return guardian::ValueRange{*from, *to};
}

/// `true`, or a list of values and ranges.
void read_restricted(const Field& field, Context& context, ParameterSettings& p) {
  if (!field.is_given()) return;
  if (field.node()->kind != Node::Kind::sequence) return void(field.flag(p.restricted));
  for (std::size_t i = 0; i < field.node()->sequence.size(); ++i) {
    const Field item(&field.node()->sequence[i], field.path(), &context);
    guardian::ValueRange range;
    if (item.parsed(range, [&p](std::string_view text) { return parse_range(text, p); })) {
      p.restricted_values.push_back(range);
    }
  }
}

/// Values the parameter can take are multiples of its quantum.
void on_grid(Decimal value, Decimal quantum, const Field& place) {
  const Decimal nearest = value.rounded_to(quantum);
  if (nearest == value) return;
  place.error(fmt::format("{} is not a multiple of the quantum {}", value.to_string(), quantum.to_string()),
              nearest.to_string());
}

/// min, max, quantum and initial against each other.
void check_range(const ParameterSettings& p, const Field& min, const Field& max, const Field& quantum,
                 const Field& initial) {
  if (p.quantum.units() <= 0) {
    return quantum.error(fmt::format("must be above 0; the smallest step of {} decimals is {}", p.decimals,
                                     Decimal(1, p.decimals).to_string()),
                         Decimal(1, p.decimals).to_string());
  }
  if (p.min >= p.max) {
    return min.error(fmt::format("min {} is not below max {}", p.min.to_string(), p.max.to_string()));
  }
  if (p.initial < p.min || p.initial > p.max) {
    initial.error(
        fmt::format("{} is outside min {} and max {}", p.initial.to_string(), p.min.to_string(), p.max.to_string()),
        (p.initial < p.min ? p.min : p.max).to_string());
  }
  if (p.quantum > p.max - p.min) {
    return quantum.error(fmt::format("{} is wider than the whole range from min {} to max {}", p.quantum.to_string(),
                                     p.min.to_string(), p.max.to_string()));
  }
  on_grid(p.min, p.quantum, min);
  on_grid(p.max, p.quantum, max);
  on_grid(p.initial, p.quantum, initial);
}

void read_range(Section& s, ParameterSettings& p) {
  const Field min = s.required("min", "the lowest value the parameter may ever have");
  const Field max = s.required("max", "the highest value the parameter may ever have");
  const Field quantum = s.required("quantum", "the step in which the parameter moves");
  const Field initial = s.required("initial", "the value at the start, which the loops move away from");
  const bool all = min.decimal(p.min, p.unit, p.decimals) & max.decimal(p.max, p.unit, p.decimals) &
                   quantum.decimal(p.quantum, p.unit, p.decimals) & initial.decimal(p.initial, p.unit, p.decimals);
  if (all) check_range(p, min, max, quantum, initial);
}

void read_emergency(const Field& field, Context& context, ParameterSettings& p) {
  if (!field.is_given()) return;
  Section s(field, context);
  guardian::EmergencyLimits limits{p.change, p.cooldown_up, p.cooldown_down};
  read_change(s.optional("change"), p, limits.change);
  read_cooldown(s.optional("cooldown"), context, limits.cooldown_up, limits.cooldown_down);
  p.emergency = limits;
}

void read_times(Section& s, Context& context, ParameterSettings& p, Duration period) {
  const Field cooldown = s.required("cooldown", "the least time between two changes in one direction");
  read_cooldown(cooldown, context, p.cooldown_up, p.cooldown_down);
  for (const Duration d : {p.cooldown_up, p.cooldown_down}) {
    if (d > Duration::zero() && d < period) {
      cooldown.warn(fmt::format("{} is shorter than the period of {} in which decisions are made, and so has no effect",
                                text_of(d), text_of(period)));
      break;
    }
  }
  const Field expiry = s.optional("expiry");
  expiry.duration(p.expiry, {.min = Duration::seconds(1)});
  const Field ack_timeout = s.optional("ack_timeout");
  ack_timeout.duration(p.ack_timeout, {.min = Duration::seconds(1)});
  if (p.ack_timeout > p.expiry) {
    (ack_timeout.is_given() ? ack_timeout : expiry)
        .error(fmt::format(
            "ack_timeout {} is longer than expiry {}: an adjustment would be void before its silence counts",
            text_of(p.ack_timeout), text_of(p.expiry)));
  }
  s.optional("veto_window").duration(p.veto_window, {.max = Duration::days(7)});
}

void read_recipients(const Field& field, Context& context, guardian::Action& action) {
  if (!field.is_given()) return;
  Section::each(field, context, [&](const std::string& name, const Field& entry) {
    Decimal share;
    if (!entry.decimal(share, "ratio", 9)) return;
    if (share.units() <= 0 || share.units() > guardian::kPartsWhole) {
      return entry.error("a share is above 0% and at most 100%");
    }
    action.recipients.push_back({name, static_cast<std::uint32_t>(share.units())});
  });
}

/// A kind alone, or a map with what it needs.
void read_action(const Field& field, Context& context, guardian::Action& action) {
  if (!field.is_given()) return;
  std::vector<std::string_view> kinds;
  for (std::size_t i = 0; i < guardian::kActionKindCount; ++i) {
    kinds.push_back(name_of(static_cast<guardian::ActionKind>(i)));
  }
  std::size_t kind = 0;
  if (field.node()->kind == Node::Kind::scalar) {
    if (field.one_of(kind, kinds)) action.kind = static_cast<guardian::ActionKind>(kind);
    return;
  }
  Section s(field, context);
  if (s.required("kind", "what its adjustments do, e.g. mint").one_of(kind, kinds)) {
    action.kind = static_cast<guardian::ActionKind>(kind);
  }
  s.optional("asset").text(action.asset);
  s.optional("from").text(action.from);
  s.optional("to").text(action.to);
  read_recipients(s.optional("recipients"), context, action);
}

ParameterSettings read_parameter(const std::string& name, const Field& field, Context& context, Duration period) {
  ParameterSettings p;
  p.name = name;
  Section s(field, context);
  s.required("unit", "what the number counts, e.g. ratio, %, STREAM").text(p.unit);
  s.optional("help").text(p.help);
  std::uint32_t decimals = 0;
  s.required("decimals", "how many decimals the contract stores").integer(decimals, {.max = Decimal::kDecimalsMax});
  p.decimals = static_cast<int>(decimals);
  p.min = p.max = p.quantum = p.initial = Decimal(0, p.decimals);
  read_range(s, p);

  const Field change = s.required("change", "the largest change of one adjustment: 0.25, or 5% of value");
  const Field drift = s.optional("drift");
  read_change(change, p, p.change);
  read_drift(drift, context, p, p.drift);
  read_times(s, context, p, period);
  read_emergency(s.optional("emergency"), context, p);
  read_flaps(s.optional("flaps"), context, p.flaps);
  read_restricted(s.optional("restricted"), context, p);
  read_action(s.optional("action"), context, p.action);
  const Field approve = s.optional("approve_above");
  Decimal above = Decimal(0, p.decimals);
  if (approve.decimal(above, p.unit, p.decimals)) p.approve_above = above;
  const Field approval_max = s.optional("approval_max");
  approval_max.duration(p.approval_max, {.min = Duration::seconds(1), .max = Duration::days(90)});
  if (approval_max.is_given() && !approve.is_given()) approval_max.error("has a meaning only with approve_above");
  std::size_t i = 0;
  if (s.optional("derisking").one_of(i, {"up", "down"})) p.derisking = static_cast<guardian::Direction>(i);
  if (s.optional("arbitration").one_of(i, {"sum", "min", "max", "first", "weighted"})) {
    p.arbitration = static_cast<guardian::Arbitration>(i);
  }
  return p;
}

}  // namespace

std::vector<ParameterSettings> read_parameters(const Field& field, Context& context, Duration period) {
  std::vector<ParameterSettings> parameters;
  Section::each(field, context, [&](const std::string& name, const Field& entry) {
    parameters.push_back(read_parameter(name, entry, context, period));
  });
  return parameters;
}

namespace {

guardian::Key read_key(const std::string& name, const Field& field, Context& context) {
  guardian::Key key{.name = name};
  Section s(field, context);
  s.required("public_key", "64 hexadecimal digits (homeostat guardian key new)")
      .parsed(key.public_key, [](std::string_view text) -> Parsed<guardian::PublicKey> {
        auto bytes = bytes_from_hex<std::tuple_size_v<guardian::PublicKey>>(text);
        if (!bytes) return tl::make_unexpected(Complaint{bytes.error().message, ""});
        return *bytes;
      });
  std::size_t role = 0;
  if (s.required("role", "what it may order").one_of(role, {"observer", "operator", "guardian", "admin"})) {
    key.role = static_cast<guardian::Role>(role);
  }
  s.optional("expires").parsed(key.expires, [](std::string_view text) -> Parsed<Instant> {
    auto instant = parse_instant(text);
    if (!instant) return tl::make_unexpected(Complaint{instant.error().message, "2027-01-31T12:00:00Z"});
    return *instant;
  });
  return key;
}

void read_approvals(const Field& field, Context& context, guardian::Settings& out) {
  if (!field.is_given()) return;
  Section s(field, context);
  for (std::size_t i = 0; i < guardian::kCommandKindCount; ++i) {
    const auto kind = static_cast<guardian::CommandKind>(i);
    if (does_less(kind)) continue;
    const Field entry = s.optional(word_of(kind));
    if (!entry.is_given()) continue;
    guardian::ApprovalRule rule{.kind = kind};
    Section of_rule(entry, context);
    of_rule.required("of", "how many different keys must sign").integer(rule.of, {.min = 2, .max = 100});
    if (has_size(kind)) of_rule.optional("above").ratio(rule.above, {.min = 0});
    out.approvals.push_back(rule);
  }
}

}  // namespace

void read_guardian(const Field& field, Context& context, guardian::Settings& out) {
  if (!field.is_given()) return;
  Section s(field, context);
  s.optional("override_max").duration(out.override_max, {.min = Duration::seconds(1), .max = Duration::days(30)});
  s.optional("setpoint_shift_max").ratio(out.setpoint_shift_max, {.min = 0, .max = 1});
  s.optional("order_valid_max").duration(out.order_valid_max, {.min = Duration::seconds(1), .max = Duration::days(30)});
  if (const Field keys = s.optional("keys"); keys.is_given()) {
    Section::each(keys, context, [&](const std::string& name, const Field& entry) {
      out.keys.push_back(read_key(name, entry, context));
    });
  }
  read_approvals(s.optional("approvals"), context, out);
}

}  // namespace homeostat::config
