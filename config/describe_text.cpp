// The description as tables and as JSON.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "config/describe.hpp"
#include "core/format.hpp"

namespace homeostat::config {
namespace {

/// At most five significant digits, for people.
std::string short_number(double x) {
  return fmt::format("{:.5g}", x);
}
std::string percent(double ratio) {
  return fmt::format("{:.3g}%", ratio * 100);
}
std::string optional_text(const std::optional<Duration>& d, std::string_view none) {
  return d ? text_of(*d) : std::string(none);
}

using Row = std::vector<std::string>;

/// Columns as wide as their widest cell; the last one ends where it ends.
std::string table(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths(rows.front().size(), 0);
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const Row& row : rows) {
    std::string line = " ";
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += i + 1 == row.size() ? " " + row[i] : fmt::format(" {:<{}} ", row[i], widths[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string answer_text(const LoopDescription& l) {
  if (!l.plausibility) return "-";
  return fmt::format("to {} in {}", percent(l.plausibility->moved_ratio), text_of(l.plausibility->within));
}

std::string emergency_text(const LoopDescription& l) {
  std::string text;
  if (l.emergency_below) text += fmt::format("below {}", short_number(*l.emergency_below));
  if (l.emergency_above) text += fmt::format("{}above {}", text.empty() ? "" : ", ", short_number(*l.emergency_above));
  return text.empty() ? "never" : text;
}

std::string quoted(std::string_view s) {
  std::string out = "\"";
  for (const char c : s) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + "\"";
}
std::string json(double x) {
  return text_of(x);
}
std::string json(const Decimal& x) {
  return quoted(x.to_string());
}
std::string json(const std::optional<Duration>& d) {
  return d ? json(d->in_seconds()) : "null";
}
std::string json(const std::optional<double>& x) {
  return x ? json(*x) : "null";
}

std::string json(const std::optional<controller::Plausibility>& x) {
  if (!x) return "null";
  return fmt::format(R"({{"moved":{},"within_s":{},"response":{}}})", json(x->moved_ratio),
                     json(x->within.in_seconds()), json(x->response_ratio));
}

template <class T, class F>
std::string json_list(const std::vector<T>& list, F object) {
  std::vector<std::string> items;
  for (const T& x : list) items.push_back(object(x));
  return fmt::format("[{}]", fmt::join(items, ","));
}

}  // namespace

namespace {

std::string factor_text(double factor) {
  if (factor <= 0) return "none";
  return factor >= controller::kGainMarginMax ? "any" : "x" + short_number(factor);
}

/// Whole seconds beyond a minute: a margin is no measurement.
std::string delay_text(double seconds) {
  const auto ms = static_cast<std::int64_t>(seconds * 1e3);
  return text_of(ms < 60'000 ? Duration::milliseconds(ms) : Duration::seconds(ms / 1000));
}

/// Margins and stable region of the loops whose plant is declared.
std::string stability_text(const Description& d) {
  std::vector<Row> loops = {
      {"STABILITY", "GAIN MARGIN", "PHASE MARGIN", "MORE DELAY", "WORST AT GAIN", "LAG", "DELAY"}};
  std::vector<Row> region = {{"STABLE WHILE ki", "PERIOD", "kp x0.5", "kp x1", "kp x2", "kp x1, NO LEAK"}};
  for (const LoopDescription& l : d.loops) {
    if (!l.margins) continue;
    const controller::Margins& m = *l.margins;
    const bool is_bounded = m.delay_s < Duration::max().in_seconds();
    loops.push_back({l.name, factor_text(m.gain), fmt::format("{} deg", short_number(m.phase_deg)),
                     is_bounded ? delay_text(m.delay_s) : "any", short_number(m.worst.gain), text_of(m.worst.lag),
                     text_of(m.worst.delay)});
    for (std::size_t i = 0; i + 2 < l.region.size(); i += 3) {
      const auto period = static_cast<std::int64_t>(l.region[i].period_factor);
      region.push_back({l.name, text_of(d.period * period), "below " + factor_text(l.region[i].ki_factor_max),
                        factor_text(l.region[i + 1].ki_factor_max), factor_text(l.region[i + 2].ki_factor_max),
                        factor_text(l.region[i + 1].ki_factor_max_without_leak)});
    }
  }
  if (loops.size() == 1) return "";
  std::string text = "\n" + table(loops);
  if (region.size() > 1) text += "\n" + table(region);
  return text;
}

/// A matrix of a decoupling, with a row for each of `rows` and a column for each of its loops.
void add_matrix(std::vector<Row>& table, const DecouplingDescription& d, const std::string& title,
                const std::vector<std::string>& rows, const std::vector<double>& matrix) {
  Row head = {title};
  head.insert(head.end(), d.loops.begin(), d.loops.end());
  table.push_back(std::move(head));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Row row = {rows[i]};
    for (std::size_t j = 0; j < d.loops.size(); ++j) row.push_back(short_number(matrix[i * d.loops.size() + j]));
    table.push_back(std::move(row));
  }
}

std::string decoupling_text(const Description& all) {
  std::string text;
  for (const DecouplingDescription& d : all.decouplings) {
    std::vector<Row> rows;
    add_matrix(rows, d, "DECOUPLING " + d.name, d.parameters, d.decoupler);
    text += "\n" + table(rows);
    if (d.rga.empty()) continue;
    rows.clear();
    add_matrix(rows, d, "RELATIVE GAIN", d.loops, d.rga);
    text += "\n" + table(rows);
  }
  if (text.empty()) return text;
  return text +
         "\nDECOUPLING: what one unit of each loop's output (column) adds to each parameter (row).\n"
         "RELATIVE GAIN (Bristol): near 1 in the diagonal = good pairs; below 0 = bad ones; large = the gains must be "
         "known well.\n";
}

std::string json_decoupling(const DecouplingDescription& d) {
  const auto numbers = [](const std::vector<double>& all) { return json_list(all, [](double x) { return json(x); }); };
  const auto names = [](const std::vector<std::string>& all) {
    return json_list(all, [](const std::string& x) { return quoted(x); });
  };
  return fmt::format(R"({{"name":{},"loops":{},"parameters":{},"decoupler":{},"relative_gain":{}}})", quoted(d.name),
                     names(d.loops), names(d.parameters), numbers(d.decoupler), numbers(d.rga));
}

std::string json_stability(const LoopDescription& l) {
  if (!l.margins) return "null";
  const std::string region = json_list(l.region, [](const controller::RegionRow& row) {
    return fmt::format(R"({{"kp_factor":{},"period_factor":{},"ki_factor_max":{},"ki_factor_max_without_leak":{}}})",
                       json(row.kp_factor), json(row.period_factor), json(row.ki_factor_max),
                       json(row.ki_factor_max_without_leak));
  });
  const bool is_bounded = l.margins->delay_s < Duration::max().in_seconds();
  return fmt::format(R"({{"gain_margin":{},"phase_margin_deg":{},"delay_margin_s":{},"region":{}}})",
                     json(l.margins->gain), json(l.margins->phase_deg), is_bounded ? json(l.margins->delay_s) : "null",
                     region);
}

/// Parameters that are more than a value that loops move: what they do, how much at once, what they wait for.
std::string actions_text(const Description& d) {
  std::vector<Row> rows = {{"ACTION OF", "DOES", "AT ONCE", "WAITS FOR A GUARDIAN"}};
  for (const auto& p : d.parameters) {
    if (p.action.empty() && !p.approve_above && !p.restricted) continue;
    rows.push_back({p.name, p.action.empty() ? "set" : p.action, p.action_most ? p.action_most->to_string() : "-",
                    p.restricted                   ? "always: only an override moves it"
                    : !p.approve_above             ? "never"
                    : p.approve_above->units() > 0 ? "above " + p.approve_above->to_string()
                                                   : "always"});
  }
  return rows.size() > 1 ? "\n" + table(rows) : "";
}

}  // namespace

std::string to_text(const Description& d) {
  std::string text = fmt::format("policy {}, a decision every {}, digest {}\n", d.name, text_of(d.period), d.digest);

  std::vector<Row> rows = {{"SOURCE", "KIND", "METRICS", "MAY BE LATE", "CLOCK WITHIN", "WHERE"}};
  for (const auto& s : d.sources) {
    rows.push_back({s.name, s.kind, std::to_string(s.metrics), optional_text(s.allowed_lateness, "-"),
                    optional_text(s.skew_max, "-"), s.where});
  }
  text += "\n" + table(rows);

  rows = {{"METRIC", "UNIT", "HOW", "FROM"}};
  for (const auto& m : d.metrics) rows.push_back({m.name, m.unit, m.how, m.origin});
  text += "\n" + table(rows);

  rows = {{"PARAMETER", "UNIT", "INITIAL", "MIN", "MAX", "RISE/24h", "FALL/24h", "TO MAX", "TO MIN"}};
  for (const auto& p : d.parameters) {
    rows.push_back({p.name, p.unit, p.initial.to_string(), p.min.to_string(), p.max.to_string(),
                    p.rise_per_day.to_string(), p.fall_per_day.to_string(), optional_text(p.to_max, "very long"),
                    optional_text(p.to_min, "very long")});
  }
  text += "\n" + table(rows);
  text += actions_text(d);

  rows = {{"LOOP", "LAW", "METRIC", "MOVES", "SET-POINT", "DEADBAND", "FIRST STEP AT", "INTEGRAL", "LEAK",
           "LEAK LEAVES", "EMERGENCY", "MUST ANSWER"}};
  for (const auto& l : d.loops) {
    rows.push_back(
        {l.name, l.law, l.metric, l.drives.empty() ? l.parameter : "set-point of " + l.drives,
         l.law == "economy" ? "-" : fmt::format("{} {}", short_number(l.setpoint), l.pv_unit),
         l.law == "economy" ? "-" : fmt::format("{} ({})", short_number(l.deadband), percent(l.deadband_ratio)),
         l.first_step > 0 ? short_number(l.first_step) : "-", optional_text(l.integral_time, "-"),
         optional_text(l.leak_half_life, "none"), l.steady_error ? "up to " + short_number(*l.steady_error) : "-",
         emergency_text(l), answer_text(l)});
  }
  text += "\n" + table(rows);
  text += stability_text(d);
  text += decoupling_text(d);
  text +=
      "\nRISE, FALL, TO MAX, TO MIN: from the initial value, as fast as the parameter's limits allow.\n"
      "DEADBAND, FIRST STEP AT: the error, in the metric's unit, up to which nothing happens, and from which the\n"
      "proportional part alone moves the parameter by one quantum.\n"
      "LEAK LEAVES: the error that stays because the integral forgets, at the far end of the loop's output; less "
      "before.\n"
      "MUST ANSWER: within this time to a move of the parameter by this share of its range, or the sensor is "
      "doubted.\n";
  return text;
}

std::string to_json(const Description& d) {
  const std::string sources = json_list(d.sources, [](const SourceDescription& s) {
    return fmt::format(R"({{"name":{},"kind":{},"where":{},"metrics":{},"allowed_lateness_s":{},"skew_max_s":{}}})",
                       quoted(s.name), quoted(s.kind), quoted(s.where), s.metrics, json(s.allowed_lateness),
                       json(s.skew_max));
  });
  const std::string metrics = json_list(d.metrics, [](const MetricDescription& m) {
    return fmt::format(R"({{"name":{},"unit":{},"how":{},"from":{}}})", quoted(m.name), quoted(m.unit), quoted(m.how),
                       quoted(m.origin));
  });
  const std::string parameters = json_list(d.parameters, [](const ParameterDescription& p) {
    return fmt::format(
        R"({{"name":{},"unit":{},"initial":{},"min":{},"max":{},"quantum":{},"rise_per_day":{},"fall_per_day":{},)"
        R"("to_max_s":{},"to_min_s":{},"action":{},"action_most":{},"approve_above":{},"restricted":{}}})",
        quoted(p.name), quoted(p.unit), json(p.initial), json(p.min), json(p.max), json(p.quantum),
        json(p.rise_per_day), json(p.fall_per_day), json(p.to_max), json(p.to_min), quoted(p.action),
        p.action_most ? json(*p.action_most) : "null", p.approve_above ? json(*p.approve_above) : "null", p.restricted);
  });
  const std::string loops = json_list(d.loops, [](const LoopDescription& l) {
    return fmt::format(
        R"({{"name":{},"metric":{},"parameter":{},"response":{},"metric_unit":{},"parameter_unit":{},"setpoint":{},)"
        R"("deadband":{},"deadband_ratio":{},"first_step":{},"integral_time_s":{},"leak_half_life_s":{},"steady_error":{},)"
        R"("emergency_below":{},"emergency_above":{},"plausibility":{},"law":{},"drives":{},"stability":{}}})",
        quoted(l.name), quoted(l.metric), quoted(l.parameter), quoted(l.response), quoted(l.pv_unit), quoted(l.u_unit),
        json(l.setpoint), json(l.deadband), json(l.deadband_ratio), json(l.first_step), json(l.integral_time),
        json(l.leak_half_life), json(l.steady_error), json(l.emergency_below), json(l.emergency_above),
        json(l.plausibility), quoted(l.law), quoted(l.drives), json_stability(l));
  });
  return fmt::format(
      R"({{"name":{},"digest":{},"period_s":{},"sources":{},"metrics":{},"parameters":{},"loops":{},"decouplings":{}}})",
      quoted(d.name), quoted(d.digest), json(d.period.in_seconds()), sources, metrics, parameters, loops,
      json_list(d.decouplings, json_decoupling));
}

}  // namespace homeostat::config
