// incidents: recorded market incidents through the oracle of a configuration, offline, each judged.
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "cli/commands/context.hpp"
#include "cli/json.hpp"
#include "config/config.hpp"
#include "core/format.hpp"
#include "simulator/incident_run.hpp"

namespace homeostat::cli {
namespace {

using simulator::IncidentPoint;
using simulator::IncidentReport;
using simulator::IncidentSeries;

struct Arguments {
  std::string file;
  std::string config = "config/prices.yaml";
  std::string only;
  std::string period;
  std::string plot_directory;
  bool sparkline = false;
  bool reasons = false;
};

Outcome<std::string> text_of_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return stop(ExitCode::error, path + ": cannot be opened; is the path right and the file readable?");
  std::string text(simulator::kIncidentFileMax + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

std::string percent(double ratio) {
  return ratio < 10 ? fmt::format("{:.2f}%", ratio * 100) : fmt::format("x{:.3g}", 1 + ratio);
}

std::string seconds(double s) {
  return text_of(Duration{std::llround(s) * 1'000'000'000});
}

/// The reading over time in `width` characters: its height between the lowest and the highest truth or trusted value
/// on a logarithmic scale, `x` where it was halted and `-` where it was held.
std::string sparkline(const std::vector<IncidentPoint>& points, std::size_t width) {
  static constexpr std::array<const char*, 8> kBars = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  double low = HUGE_VAL, high = 0;
  for (const IncidentPoint& p : points) {
    for (const double v : {p.truth, p.value}) {
      if (v > 0) low = std::min(low, v), high = std::max(high, v);
    }
  }
  std::string line;
  for (std::size_t i = 0; i < width && !points.empty(); ++i) {
    const std::size_t begin = i * points.size() / width;
    const std::size_t end = std::max(begin + 1, (i + 1) * points.size() / width);
    oracle::Quality worst = oracle::Quality::ok;
    for (std::size_t k = begin; k < std::min(end, points.size()); ++k) worst = std::max(worst, points[k].quality);
    if (worst == oracle::Quality::halted) {
      line += "x";
    } else if (!is_usable(worst)) {
      line += "-";
    } else {
      const double share = high > low ? std::log(points[begin].value / low) / std::log(high / low) : 0;
      line += kBars[static_cast<std::size_t>(std::clamp(share * 8, 0.0, 7.0))];
    }
  }
  return line;
}

Outcome<> write_plot(const std::string& directory, const IncidentReport& report) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  std::string name = report.id;
  for (char& c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '_') c = '_';
  }
  const std::string path = (std::filesystem::path(directory) / (name + ".csv")).string();
  std::ofstream out(path);
  out << "t_s,true,reading,quality\n";
  for (const IncidentPoint& p : report.points) {
    out << text_of(p.t_s) << ',' << text_of(p.truth) << ',' << text_of(p.value) << ',' << name_of(p.quality) << '\n';
  }
  out.close();
  if (!out) return stop(ExitCode::error, path + ": cannot be written");
  return {};
}

std::string json_of(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : ", ") + quoted(text);
  return "[" + out + "]";
}

std::string json_of(const std::optional<double>& x) {
  return x ? text_of(*x) : "null";
}

std::string json_of(const IncidentReport& r) {
  return fmt::format(
      "    {{\"id\": {}, \"asset\": {}, \"metric\": {}, \"sources\": {}, \"evaluations\": {}, \"accepted\": {},\n"
      "     \"worst_error\": {}, \"worst_error_at_s\": {}, \"worst_acting_error\": {}, \"above_5_percent_s\": {},\n"
      "     \"acting_above_5_percent_s\": {}, \"halted_s\": {}, \"held_s\": {}, \"usable_s\": {}, \"has_cause\": {},\n"
      "     \"cause_begin_s\": {}, \"cause_end_s\": {}, \"recovery_s\": {}, \"halted_after_cause_s\": {},\n"
      "     \"halted_in_calm_s\": {}, \"error_after_lag\": {}, \"failures\": {},\n     \"reasons\": {}}}",
      quoted(r.id), quoted(r.asset), quoted(r.metric), r.sources, r.evaluations, r.is_accepted(),
      text_of(r.worst_error), text_of(r.worst_error_at_s), text_of(r.worst_acting_error), text_of(r.above_s),
      text_of(r.acting_above_s), text_of(r.halted_s), text_of(r.held_s), text_of(r.usable_s), r.has_cause,
      text_of(r.cause_begin_s), text_of(r.cause_end_s), json_of(r.recovery_s), text_of(r.halted_after_cause_s),
      text_of(r.halted_in_calm_s), json_of(r.error_after_lag), json_of(r.failures), json_of(r.reasons));
}

void print_table(Context& context, const Arguments& arguments, const std::vector<IncidentReport>& reports) {
  Table table({{"INCIDENT"},
               {"METRIC"},
               {"WORST", Align::right},
               {"ACTING", Align::right},
               {"ABOVE 5%", Align::right},
               {"HALTED", Align::right},
               {"HELD", Align::right},
               {"RECOVERY", Align::right},
               {"VERDICT"}});
  for (const IncidentReport& r : reports) {
    table.add({{r.id},
               {r.metric},
               {percent(r.worst_error)},
               {percent(r.worst_acting_error)},
               {seconds(r.above_s)},
               {seconds(r.halted_s)},
               {seconds(r.held_s)},
               {r.recovery_s ? seconds(*r.recovery_s) : "-"},
               {r.is_accepted() ? "pass" : "FAIL", r.is_accepted() ? Tone::good : Tone::bad}});
  }
  context.print(table.render(context.console.table_style()));
  for (const IncidentReport& r : reports) {
    for (const std::string& why : r.failures) context.print_line(printable(r.id + ": " + why));
  }
  for (const IncidentReport& r : reports) {
    if (arguments.sparkline) context.print_line(fmt::format("\n{}\n  {}", printable(r.id), sparkline(r.points, 96)));
    if (!arguments.reasons) continue;
    context.print_line("\n" + printable(r.id));
    for (const std::string& reason : r.reasons) context.print_line("  " + printable(reason));
  }
}

Outcome<std::vector<IncidentReport>> run_all(const Arguments& arguments) {
  const auto loaded = config::load_file(arguments.config);
  if (!loaded) {
    return stop(ExitCode::refused, fmt::format("{}: {}; see homeostat check {}", arguments.config,
                                               loaded.error().front().text(), arguments.config));
  }
  if (loaded->incidents().rules.empty()) {
    return stop(ExitCode::refused,
                arguments.config + ": has no section 'incidents' that says which metric judges what");
  }
  const auto text = text_of_file(arguments.file);
  if (!text) return tl::make_unexpected(text.error());
  const auto all = simulator::parse_incidents(*text);
  if (!all) return stop(ExitCode::refused, arguments.file + ": " + all.error().text());
  simulator::IncidentOptions options{.period = loaded->incidents().period,
                                     .keep_points = arguments.sparkline || !arguments.plot_directory.empty()};
  if (!arguments.period.empty()) {
    const auto period = parse_duration(arguments.period);
    if (!period || *period < Duration::milliseconds(100)) {
      return stop(ExitCode::usage, "--period: must be a duration of at least 100ms, e.g. 10s");
    }
    options.period = *period;
  }
  std::vector<IncidentReport> reports;
  for (const IncidentSeries& series : *all) {
    if (!arguments.only.empty() && !simulator::matches(arguments.only, series.id)) continue;
    const auto settings = simulator::incident_settings(loaded->policy()->oracle, loaded->incidents(), series);
    if (!settings) return stop(ExitCode::refused, arguments.config + ": " + settings.error().text());
    auto report = simulator::run_incident(*settings, series, options);
    if (!report) return stop(ExitCode::refused, report.error().text());
    if (!arguments.plot_directory.empty()) {
      if (auto written = write_plot(arguments.plot_directory, *report); !written) {
        return tl::make_unexpected(written.error());
      }
    }
    reports.push_back(std::move(*report));
  }
  return reports;
}

Outcome<> incidents(Context& context, const Arguments& arguments) {
  const auto reports = run_all(arguments);
  if (!reports) return tl::make_unexpected(reports.error());
  const auto failed = static_cast<std::size_t>(
      std::count_if(reports->begin(), reports->end(), [](const auto& r) { return !r.is_accepted(); }));
  if (context.options.json) {
    std::string list;
    for (const IncidentReport& r : *reports) list += (list.empty() ? "\n" : ",\n") + json_of(r);
    context.print_line(fmt::format("{{\n  \"accepted\": {},\n  \"incidents\": [{}\n  ]\n}}", failed == 0, list));
  } else {
    print_table(context, arguments, *reports);
  }
  if (failed == 0) return {};
  return stop(ExitCode::divergence, fmt::format("{} of {} incidents failed", failed, reports->size()));
}

}  // namespace

void add_incidents_command(CLI::App& root, Context& context) {
  const auto arguments = std::make_shared<Arguments>();
  CLI::App* app = add_command(root, context, "incidents",
                              "Run recorded market incidents through the oracle of a configuration, and judge each",
                              {"homeostat incidents tests/golden/incidents.json",
                               "homeostat incidents mine.json --config mine.yaml --json | jq '.incidents[].failures'"},
                              [&context, arguments] { return incidents(context, *arguments); });
  app->add_option("FILE", arguments->file, "series of the schema oracle-incidents/1, JSON (docs/oracle.md)")
      ->required();
  app->add_option("--config", arguments->config, "the configuration; default config/prices.yaml")->type_name("FILE");
  app->add_option("--only", arguments->only, "only the incidents whose id matches, e.g. 'control_*'")
      ->type_name("PATTERN");
  app->add_option("--period", arguments->period, "between evaluations; default as the configuration says")
      ->type_name("DURATION");
  app->add_option("--plot", arguments->plot_directory, "write one CSV per incident: time, truth, reading, quality")
      ->type_name("DIRECTORY");
  app->add_flag("--sparkline", arguments->sparkline, "draw each reading in a line: x halted, - held");
  app->add_flag("--reasons", arguments->reasons, "say why each reading was what it was, whenever that changed");
}

}  // namespace homeostat::cli
