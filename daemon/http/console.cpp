#include "daemon/http/console.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>

#include <fmt/format.h>

namespace homeostat::daemon {
namespace {

std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '&': out += "&amp;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string age_text(Instant now, Instant t) {
  if (t.is_never()) return "never";
  const double s = std::max(0.0, (now - t).in_seconds());
  if (s < 120) return fmt::format("{:.0f} s", s);
  if (s < 7200) return fmt::format("{:.0f} min", s / 60);
  return fmt::format("{:.1f} h", s / 3600);
}

std::string number(double x) {
  return fmt::format("{:.5g}", x);
}

/// A curve, with a reference line (set-point, or initial value) where there is one.
std::string curve(const std::vector<double>& points, std::optional<double> reference) {
  constexpr double kWidth = 240;
  constexpr double kHeight = 44;
  if (points.size() < 2) return "<span class=dim>collecting</span>";
  const auto [low_it, high_it] = std::minmax_element(points.begin(), points.end());
  const double low = std::min(*low_it, reference.value_or(*low_it));
  const double high = std::max(*high_it, reference.value_or(*high_it));
  const double span = high > low ? high - low : 1;
  const auto y = [&](double v) { return 2 + (kHeight - 4) * (1 - (v - low) / span); };
  std::string path;
  for (std::size_t i = 0; i < points.size(); ++i) {
    fmt::format_to(std::back_inserter(path), "{}{:.1f},{:.1f} ", i == 0 ? 'M' : 'L',
                   kWidth * static_cast<double>(i) / static_cast<double>(points.size() - 1), y(points[i]));
  }
  const std::string line =
      reference ? fmt::format("<path d='M0,{0:.1f} L{1},{0:.1f}' class=ref />", y(*reference), kWidth) : std::string();
  return fmt::format("<svg width={0} height={1} viewBox='0 0 {0} {1}'>{2}<path d='{3}' class=line /></svg>", kWidth,
                     kHeight, line, path);
}

constexpr std::string_view kStyle = R"(
:root{--ok:#1a7f5a;--warn:#b26a00;--bad:#b3261e;--ink:#1d2329;--dim:#68727d;--line:#2f6fb0;--rule:#e3e7eb;--bg:#f7f8f9}
@media(prefers-color-scheme:dark){:root{--ok:#4cc38a;--warn:#f0b354;--bad:#ff7b72;--ink:#e6e9ec;--dim:#97a1ab;--line:#6cb0f5;--rule:#2d343b;--bg:#14181c}}
body{font:14px/1.45 system-ui,sans-serif;color:var(--ink);background:var(--bg);margin:0 auto;max-width:1180px;padding:20px}
h1{font-size:19px;margin:0 12px 0 0;display:inline}h2{font-size:14px;margin:26px 0 6px;color:var(--dim);font-weight:600}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:5px 12px 5px 0;border-bottom:1px solid var(--rule);vertical-align:middle}
th{font-weight:600;color:var(--dim);font-size:12px}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
.tag{display:inline-block;padding:1px 8px;border-radius:9px;color:#fff;font-size:12px}.ok{background:var(--ok)}.warn{background:var(--warn)}.bad{background:var(--bad)}
.dim{color:var(--dim)}.line{fill:none;stroke:var(--line);stroke-width:1.6}.ref{stroke:var(--dim);stroke-dasharray:3 3;fill:none}
)";

std::string_view tag_class(oracle::Quality q) {
  return q == oracle::Quality::ok ? "ok" : oracle::is_usable(q) ? "warn" : "bad";
}
std::string_view tag_class(guardian::OperatingMode m) {
  return m == guardian::OperatingMode::normal ? "ok" : m == guardian::OperatingMode::degraded ? "warn" : "bad";
}

const std::vector<double>& points_of(const std::map<std::string, std::vector<double>>& all, const std::string& name) {
  static const std::vector<double> none;
  const auto it = all.find(name);
  return it == all.end() ? none : it->second;
}

using Out = std::back_insert_iterator<std::string>;

void head(Out out, const engine::View& v, Instant now) {
  fmt::format_to(out,
                 "<!doctype html><html lang=en><meta charset=utf-8><meta http-equiv=refresh content=2>"
                 "<title>Homeostat: {0}</title><style>{1}</style><h1>{0}</h1><span class='tag {2}'>{3}</span> "
                 "<span class=dim>tick {4}, {5} ago, every {6:g} s; {7} decisions; configuration {8:.12}</span>",
                 escaped(v.policy_name), kStyle, tag_class(v.mode), guardian::name_of(v.mode), v.slot,
                 age_text(now, v.at), v.period.in_seconds(), v.decisions, escaped(v.policy_digest));
  for (const guardian::Cause& c : v.causes) {
    fmt::format_to(out, "<p><span class='tag {}'>{}</span> {} <span class=dim>since {}</span></p>",
                   tag_class(guardian::mode_of(c.kind)), guardian::name_of(guardian::mode_of(c.kind)),
                   escaped(c.reason), age_text(now, c.since));
  }
}

void parameters(Out out, const engine::View& v, const History::Copy& h) {
  fmt::format_to(out,
                 "<h2>Parameters</h2><table><tr><th>parameter<th class=n>applied<th class=n>wanted<th>bounds"
                 "<th>last minutes<th>why");
  for (const engine::ParameterView& p : v.parameters) {
    const std::string state = p.paused       ? " <span class='tag bad'>paused</span>"
                              : p.overridden ? " <span class='tag warn'>overridden</span>"
                                             : "";
    fmt::format_to(
        out, "<tr><td>{}{}<br><span class=dim>{}</span><td class=n>{}<td class=n>{}<td class=dim>{} to {}<td>{}<td>{}",
        escaped(p.name), state, escaped(p.unit), p.value.to_string(), p.wanted.to_string(), p.min.to_string(),
        p.max.to_string(), curve(points_of(h.parameters, p.name), p.initial.to_double()), escaped(p.why));
  }
  fmt::format_to(out, "</table>");
}

void metrics(Out out, const engine::View& v, const History::Copy& h) {
  fmt::format_to(out,
                 "<h2>Metrics</h2><table><tr><th>metric<th class=n>reading<th class=n>set-point<th>quality"
                 "<th>last minutes<th>loop");
  for (const engine::MetricView& m : v.metrics) {
    const auto loop =
        std::find_if(v.loops.begin(), v.loops.end(), [&](const engine::LoopView& l) { return l.metric == m.name; });
    const bool has_loop = loop != v.loops.end();
    std::string responses;
    for (const engine::LoopView& l : v.loops) {
      if (l.metric == m.name) responses += (responses.empty() ? "" : "<br>") + escaped(l.response);
    }
    const bool has_value = !m.reading.time.is_never();
    fmt::format_to(out,
                   "<tr><td title=\"{}\">{}<br><span class=dim>{}</span><td class=n>{}<td class=n>{}<td><span "
                   "class='tag {}'>{}</span> <span class=dim>{}</span><td>{}<td>{}",
                   escaped(m.help), escaped(m.name), escaped(m.unit), has_value ? number(m.reading.value) : "none yet",
                   has_loop ? number(loop->setpoint) : "", tag_class(m.reading.quality),
                   oracle::name_of(m.reading.quality), escaped(m.reading.reason),
                   curve(points_of(h.metrics, m.name), has_loop ? std::optional(loop->setpoint) : std::nullopt),
                   responses);
  }
  fmt::format_to(out, "</table>");
}

void sources(Out out, const engine::View& v, Instant now) {
  fmt::format_to(out,
                 "<h2>Sources</h2><table><tr><th>source<th>condition<th class=n>accepted<th class=n>refused"
                 "<th>newest<th class=n>block<th>last refused");
  for (const engine::SourceView& s : v.sources) {
    std::uint64_t refused = 0;
    for (const std::uint64_t n : s.refused) refused += n;
    const bool good = s.condition == oracle::SourceCondition::connected;
    constexpr std::array<std::string_view, 5> names = {"connected", "failing", "wrong chain", "violated", "disputed"};
    fmt::format_to(out,
                   "<tr><td>{}<td><span class='tag {}'>{}</span> <span class=dim>{}</span><td class=n>{}<td "
                   "class=n>{}<td>{}<td class=n>{}<td class=dim>{}",
                   escaped(s.name), good ? "ok" : "bad", names[static_cast<std::size_t>(s.condition)],
                   escaped(s.detail), s.accepted, refused, age_text(now, s.newest),
                   s.block == 0 ? std::string() : std::to_string(s.block), escaped(s.last_refused));
  }
  fmt::format_to(out, "</table>");
}

void adjustments(Out out, const engine::View& v, const History::Copy& h, Instant now) {
  fmt::format_to(out,
                 "<h2>Last adjustments</h2><table><tr><th class=n>id<th>when<th>parameter<th class=n>from"
                 "<th class=n>to<th>answer<th>why");
  for (const engine::DecisionRecord& d : h.decisions) {
    const bool good = d.answer == engine::Answer::applied || d.answer == engine::Answer::waiting;
    fmt::format_to(
        out, "<tr><td class=n>{}<td>{} ago<td>{}<td class=n>{}<td class=n>{}<td><span class='tag {}'>{}</span><td>{}",
        d.id, age_text(now, d.at), escaped(d.parameter), d.previous.to_string(), d.value.to_string(),
        good ? "ok" : "bad", engine::name_of(d.answer), escaped(d.why));
  }
  fmt::format_to(out, "</table>");
  if (v.decisions == 0) fmt::format_to(out, "<p class=dim>No decision yet.</p>");
}

template <class Points>
void push(Points& points, double value) {
  if (!std::isfinite(value)) return;
  points.push_back(value);
  if (points.size() > History::kHistoryPoints) points.pop_front();
}

}  // namespace

void History::add(const engine::View& view, const std::vector<engine::DecisionRecord>& decisions) {
  const std::lock_guard lock(mutex_);
  for (const auto& m : view.metrics) {
    if (!m.reading.time.is_never()) push(metrics_[m.name], m.reading.value);
  }
  for (const auto& p : view.parameters) push(parameters_[p.name], p.value.to_double());
  for (const auto& d : decisions) {
    if (d.outcome != engine::Outcome::emitted) continue;
    const auto known = std::find_if(decisions_.begin(), decisions_.end(), [&](const auto& x) { return x.id == d.id; });
    if (known != decisions_.end()) {
      *known = d;
    } else {
      decisions_.push_front(d);
      if (decisions_.size() > kDecisionsKept) decisions_.pop_back();
    }
  }
}

History::Copy History::copy() const {
  const std::lock_guard lock(mutex_);
  Copy out;
  for (const auto& [name, points] : metrics_) out.metrics[name].assign(points.begin(), points.end());
  for (const auto& [name, points] : parameters_) out.parameters[name].assign(points.begin(), points.end());
  out.decisions.assign(decisions_.begin(), decisions_.end());
  return out;
}

std::string console_page(const engine::View& view, const History::Copy& history, Instant now) {
  std::string page;
  const auto out = std::back_inserter(page);
  head(out, view, now);
  parameters(out, view, history);
  metrics(out, view, history);
  adjustments(out, view, history, now);
  sources(out, view, now);
  fmt::format_to(
      out, "<p class=dim>Ask why: <code>homeostat explain ID</code>. Hold: <code>homeostat guardian pause</code>.</p>");
  return page;
}

}  // namespace homeostat::daemon
