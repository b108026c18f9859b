// conformance: other projects' controllers recomputed here, offline, and compared to the last digit. Files of vectors
// give a count per kind and the first differences; records on standard input give the values computed for them.
#include <algorithm>
#include <fstream>
#include <istream>
#include <iterator>
#include <map>

#include "cli/commands/context.hpp"
#include "cli/conformance/judge.hpp"
#include "cli/json.hpp"

namespace homeostat::cli {
namespace {

using conformance::Computed;
using conformance::Difference;
using conformance::Tally;
using conformance::Verdict;

/// One record of a file on a line of its own; longer lines are refused.
constexpr std::size_t kLineMax = 16 << 20;
constexpr int kDifferencesDefault = 10;

struct Arguments {
  std::vector<std::string> files;
  int differences = kDifferencesDefault;
};

struct Located {
  std::string file;
  std::size_t record = 0;  ///< counted from 0, as jq does
  std::string id;
  std::string kind;
  Difference difference;
};

struct Unreadable {
  std::string file;
  std::string record;  ///< "record 3 'name'", "line 7" or ""
  std::string field;
  std::string message;

  [[nodiscard]] std::string text() const {
    std::string out = file;
    for (const std::string& part : {record, field}) out += part.empty() ? "" : ": " + part;
    return out + ": " + message;
  }
};

struct Report {
  std::map<std::string, Tally> kinds;
  std::size_t differences_max = kDifferencesDefault;
  std::vector<Located> differences;  ///< the first, at most differences_max
  std::size_t different = 0;
  std::vector<Unreadable> unreadable;
};

Outcome<std::string> text_of_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return stop(ExitCode::error, path + ": cannot be opened; is the path right and the file readable?");
  std::string text(conformance::kFileMax + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

std::string id_of(const boost::json::object& record) {
  const auto* id = record.if_contains("id");
  return id != nullptr && id->is_string() ? std::string(id->get_string().data(), id->get_string().size()) : "";
}

void add_record(const std::string& file, std::size_t index, const boost::json::object& record, Report& report) {
  const std::string id = id_of(record);
  const auto refuse = [&](const Error& error) {
    const std::string name = fmt::format("record {}{}", index, id.empty() ? "" : fmt::format(" '{}'", id));
    report.unreadable.push_back({file, name, error.where, error.message});
  };
  const auto computed = conformance::compute(record);
  if (!computed) return refuse(computed.error());
  const auto verdict = conformance::judge(*computed);
  if (!verdict) return refuse(verdict.error());
  if (verdict->rows == 0) return refuse({ErrorCode::missing, "expect", "is missing: nothing to compare with"});
  report.kinds[computed->kind].add(*verdict);
  report.different += verdict->differences.size();
  for (const Difference& d : verdict->differences) {
    if (report.differences.size() >= report.differences_max) break;
    report.differences.push_back({file, index, computed->id, computed->kind, d});
  }
}

void add_lines(const std::string& file, const std::string& text, Report& report) {
  std::size_t index = 0;
  for (std::size_t begin = 0; begin < text.size(); ++index) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const auto record = conformance::parse_record(line);
    if (record) {
      add_record(file, index, *record, report);
    } else {
      report.unreadable.push_back({file, fmt::format("line {}", index + 1), "", record.error().message});
    }
  }
}

Outcome<> add_file(const std::string& file, Report& report) {
  const auto text = text_of_file(file);
  if (!text) return tl::make_unexpected(text.error());
  if (conformance::has_lines(file)) {
    add_lines(file, *text, report);
    return {};
  }
  const auto records = conformance::parse_document(*text);
  if (!records) {
    report.unreadable.push_back({file, "", records.error().where, records.error().message});
    return {};
  }
  for (std::size_t i = 0; i < records->size(); ++i) add_record(file, i, (*records)[i], report);
  return {};
}

Tally total_of(const Report& report) {
  Tally total;
  for (const auto& [kind, tally] : report.kinds) total.add(tally);
  return total;
}

std::string json_of(const Tally& t) {
  const std::string reals =
      t.reals == 0 ? "" : fmt::format(", \"reals\": {}, \"worst_share_of_tolerance\": {:.3g}", t.reals, t.worst);
  return fmt::format("\"records\": {}, \"passed\": {}, \"failed\": {}, \"rows\": {}, \"rows_passed\": {}{}", t.records,
                     t.passed, t.failed, t.rows, t.rows_passed, reals);
}

void print_json(const Context& context, const Report& report) {
  std::string kinds, differences, unreadable;
  for (const auto& [kind, tally] : report.kinds) {
    kinds += fmt::format("{}\n    {{\"kind\": {}, {}}}", kinds.empty() ? "" : ",", quoted(kind), json_of(tally));
  }
  for (const Located& l : report.differences) {
    differences += fmt::format(
        "{}\n    {{\"file\": {}, \"record\": {}, \"id\": {}, \"kind\": {}, \"path\": {}, \"name\": {}, \"expected\": "
        "{}, "
        "\"computed\": {}{}}}",
        differences.empty() ? "" : ",", quoted(l.file), l.record, quoted(l.id), quoted(l.kind),
        quoted(l.difference.path), quoted(l.difference.name), quoted(l.difference.expected),
        quoted(l.difference.computed), l.difference.note.empty() ? "" : ", \"note\": " + quoted(l.difference.note));
  }
  for (const Unreadable& u : report.unreadable) {
    unreadable += fmt::format("{}\n    {{\"file\": {}, \"record\": {}, \"field\": {}, \"message\": {}}}",
                              unreadable.empty() ? "" : ",", quoted(u.file), quoted(u.record), quoted(u.field),
                              quoted(u.message));
  }
  context.print_line(fmt::format(
      "{{\n  {},\n  \"kinds\": [{}{}],\n  \"different\": {},\n  \"differences\": [{}{}],\n  \"unreadable\": "
      "[{}{}]\n}}",
      json_of(total_of(report)), kinds, kinds.empty() ? "" : "\n  ", report.different, differences,
      differences.empty() ? "" : "\n  ", unreadable, unreadable.empty() ? "" : "\n  "));
}

void print_table(const Context& context, const Report& report) {
  Table table({{"KIND"},
               {"RECORDS", Align::right},
               {"PASSED", Align::right},
               {"FAILED", Align::right},
               {"ROWS", Align::right},
               {"VERDICT"}});
  const auto add = [&](const std::string& name, const Tally& t) {
    table.add({{name},
               {std::to_string(t.records)},
               {std::to_string(t.passed)},
               {std::to_string(t.failed)},
               {std::to_string(t.rows)},
               {t.failed > 0  ? "DIFFERS"
                : t.reals > 0 ? "agrees"
                              : "exact",
                t.failed == 0 ? Tone::good : Tone::bad}});
  };
  for (const auto& [kind, tally] : report.kinds) add(kind, tally);
  if (report.kinds.size() > 1) add("total", total_of(report));
  if (!table.is_empty()) context.print(table.render(context.console.table_style()));
  for (const Located& l : report.differences) {
    const Difference& d = l.difference;
    context.print_line(printable(
        fmt::format("\n{}: record {}{} ({}): {}{}\n  expected  {}\n  computed  {}{}", l.file, l.record,
                    l.id.empty() ? "" : fmt::format(" '{}'", l.id), l.kind, d.path.empty() ? "" : d.path + ".", d.name,
                    d.expected, d.computed, d.note.empty() ? "" : "\n  " + d.note),
        Keep::lines));
  }
  if (report.different > report.differences.size()) {
    context.print_line(fmt::format("\n{} more values differ", report.different - report.differences.size()));
  }
}

Outcome<> verdict_of(const Report& report) {
  if (!report.unreadable.empty()) {
    const std::size_t count = report.unreadable.size();
    return stop(ExitCode::refused, fmt::format("{} record{} could not be read", count, count == 1 ? "" : "s"));
  }
  const Tally total = total_of(report);
  if (total.failed == 0) return {};
  return stop(ExitCode::divergence, fmt::format("{} of {} records differ", total.failed, total.records));
}

/// The next line of at most kLineMax bytes; of a longer one the rest is read past. False at the end.
bool read_line(std::istream& in, std::string& line, bool& is_too_long) {
  line.clear();
  is_too_long = false;
  bool has_any = false;
  std::streambuf& bytes = *in.rdbuf();
  for (int c = bytes.sbumpc(); c != std::char_traits<char>::eof(); c = bytes.sbumpc()) {
    has_any = true;
    if (c == '\n') return true;
    is_too_long = is_too_long || line.size() == kLineMax;
    if (!is_too_long) line += static_cast<char>(c);
  }
  return has_any;
}

/// One line in, one line out: the values of a record, or what is wrong with it.
Outcome<> answer_lines(Context& context) {
  std::size_t number = 0, wrong = 0, different = 0;
  bool is_too_long = false;
  for (std::string line; read_line(context.console.in, line, is_too_long);) {
    ++number;
    const auto refuse = [&](const Error& error) {
      ++wrong;
      context.print_line(fmt::format("{{\"line\": {}, \"field\": {}, \"error\": {}}}", number, quoted(error.where),
                                     quoted(error.message)));
    };
    if (is_too_long) {
      refuse({ErrorCode::resource_exhausted, "", "is longer than 16 MiB"});
      continue;
    }
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const auto record = conformance::parse_record(line);
    if (!record) {
      refuse(record.error());
      continue;
    }
    const auto computed = conformance::compute(*record);
    const auto verdict = computed ? conformance::judge(*computed) : tl::make_unexpected(computed.error());
    if (!verdict) {
      refuse(verdict.error());
      continue;
    }
    if (!verdict->has_passed()) ++different;
    context.print_line(conformance::line_of(*computed, *verdict));
  }
  if (wrong > 0) return stop(ExitCode::refused, fmt::format("{} of {} lines could not be read", wrong, number));
  if (different > 0) return stop(ExitCode::divergence, fmt::format("{} records differ", different));
  return {};
}

Outcome<> conform(Context& context, const Arguments& arguments) {
  const auto& files = arguments.files;
  if (files.empty() || files == std::vector<std::string>{"-"}) return answer_lines(context);
  if (std::find(files.begin(), files.end(), "-") != files.end()) {
    return stop(ExitCode::usage, "- is stdin, whose records are answered one by one: it cannot stand beside files");
  }
  Report report{.differences_max = static_cast<std::size_t>(std::max(arguments.differences, 0))};
  for (const std::string& file : files) {
    if (auto added = add_file(file, report); !added) return added;
  }
  if (context.options.json) {
    print_json(context, report);
  } else {
    print_table(context, report);
    for (const Unreadable& u : report.unreadable) context.say(u.text());
  }
  return verdict_of(report);
}

}  // namespace

void add_conformance_command(CLI::App& root, Context& context) {
  const auto arguments = std::make_shared<Arguments>();
  CLI::App* app = add_command(root, context, "conformance",
                              "Recompute other projects' controllers from vector files, or from records on stdin",
                              {"homeostat conformance tests/golden/vectors/*.json",
                               "homeostat conformance mine.json --json | jq '.kinds[] | select(.failed > 0)'",
                               "jq -c '.vectors[] | del(.expect)' mine.json | homeostat conformance | jq .computed"},
                              [&context, arguments] { return conform(context, *arguments); });
  app->add_option("FILE", arguments->files,
                  "vectors, JSON or JSON lines (docs/conformance.md); none, or -: one record per line on stdin");
  app->add_option("--differences", arguments->differences, "how many differences to show in full; default 10")
      ->type_name("COUNT");
}

}  // namespace homeostat::cli
