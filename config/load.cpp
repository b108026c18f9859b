#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <utility>
#include <variant>

#include "config/config.hpp"
#include "config/readers.hpp"
#include "config/secrets.hpp"
#include "core/state_hash.hpp"
#include "core/text.hpp"

namespace homeostat::config {
namespace {

struct Parts {
  engine::Policy policy;
  DaemonSettings daemon;
  IncidentSettings incidents;
};

void read_head(Section& s, Context& context, Parts& out) {
  const Field version = s.required("homeostat", "the version of this format, which is 1");
  std::string v;
  if (version.text(v) && v != "1") version.error(fmt::format("'{}' is not a version this program reads", v), "1");
  s.required("name", "what this policy is called").name(out.policy.name);
  s.optional("day").duration(context.day, {.min = Duration::seconds(1), .max = Duration::days(366)});
  s.required("period", "how often decisions are made, e.g. 5s")
      .duration(out.policy.period, {.min = Duration::milliseconds(10), .max = Duration::days(1)});
  s.optional("records_kept").integer(out.policy.records_kept, {.min = 1, .max = 100'000});
  s.optional("stall_max")
      .duration(out.policy.oracle.stall_max, {.min = Duration::milliseconds(100), .max = Duration::days(30)});
  s.optional("drain_deadline")
      .duration(out.daemon.drain_deadline, {.min = Duration::milliseconds(100), .max = Duration::minutes(10)});
}

void warn_about_idle(const Section& s, Context& context, const Node& root, const engine::Policy& policy) {
  for (const auto& p : policy.guardian.parameters) {
    const bool is_moved = std::any_of(policy.loops.begin(), policy.loops.end(),
                                      [&](const auto& loop) { return loop.parameter == p.name; });
    const Node* place = root.find("parameters")->find(p.name);
    if (!is_moved && !p.restricted && place != nullptr) {  // what is restricted no loop could move
      context.report.warn(place->mark, s.path_of("parameters." + p.name), "no loop moves this parameter");
    }
  }
}

void read_root(const Node& root, Context& context, Parts& out) {
  Section s(root, "", context);
  read_head(s, context, out);
  read_listen(s.optional("listen"), context, out.daemon.listen);
  read_journal(s.optional("journal"), context, out.daemon.journal);
  read_log(s.optional("log"), context, out.daemon.log);

  engine::Policy& policy = out.policy;
  Sources sources = read_sources(s.required("sources", "where data comes from"), context);
  const Metrics metrics = read_metrics(s.required("metrics", "what is measured"), context, sources, policy.period);
  const auto parameters =
      read_parameters(s.required("parameters", "what may be moved, and how far"), context, policy.period);
  policy.loops = read_loops(s.required("loops", "which metric moves which parameter"), context, metrics, parameters,
                            policy.period);
  read_decoupling(s.optional("decoupling"), context, policy.decouplings);
  read_guardian(s.optional("guardian"), context, policy.guardian);
  read_bundles(s.optional("bundles"), context, policy.guardian);
  read_incidents(s.optional("incidents"), context, metrics, out.incidents);

  policy.oracle.sources = std::move(sources.settings);
  for (DeclaredEvent& e : sources.events) policy.oracle.events.push_back(std::move(e.settings));
  policy.oracle.metrics = metrics.settings;
  policy.guardian.parameters = parameters;
  out.daemon.sources = std::move(sources.connections);
  if (!context.report.has_errors()) warn_about_idle(s, context, root, policy);
}

/// The node at a dotted path, or its nearest existing ancestor.
Mark place_of(const Node& root, std::string_view path) {
  const Node* node = &root;
  while (!path.empty()) {
    const std::size_t dot = std::min(path.find('.'), path.size());
    const Node* child = node->find(path.substr(0, dot));
    if (child == nullptr) break;
    node = child;
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  return node->mark;
}

void warn_about_decoupling(Context& context, const Node& root, const engine::Policy& policy) {
  for (const controller::DecouplingSettings& settings : policy.decouplings) {
    const auto made = controller::decoupling_of(settings);
    if (!made) continue;  // refused already
    const std::string path = fmt::format("decoupling.{}.{}", settings.name, settings.is_gain ? "gain" : "decoupler");
    for (const std::string& doubt : controller::doubts(settings, *made)) {
      context.report.warn(place_of(root, path), path, doubt);
    }
  }
}

/// The addresses that sources are reached at, with the source's path.
std::vector<std::pair<std::string, std::string>> addresses_of(const DaemonSettings& settings) {
  std::vector<std::pair<std::string, std::string>> found;
  for (const SourceConnection& s : settings.sources) {
    const std::string path = "sources." + s.name;
    if (const auto* evm = std::get_if<EvmConnection>(&s.connection)) {
      for (const auto& p : evm->providers) {
        found.emplace_back(p.http, path + ".providers");
        if (!p.ws.empty()) found.emplace_back(p.ws, path + ".providers");
      }
    } else if (const auto* prometheus = std::get_if<PrometheusConnection>(&s.connection)) {
      found.emplace_back(prometheus->url, path + ".url");
    } else if (const auto* http = std::get_if<HttpConnection>(&s.connection)) {
      found.emplace_back(http->url, path + ".url");
    } else if (const auto* chainlink = std::get_if<ChainlinkConnection>(&s.connection)) {
      for (const auto& p : chainlink->providers) {
        found.emplace_back(p.http, path + ".providers");
        if (!p.ws.empty()) found.emplace_back(p.ws, path + ".providers");
      }
    }
  }
  return found;
}

/// The text that may be kept. An address whose secret part cannot be taken out of it is an error.
std::string kept_text(const std::string& text, const Node& root, const DaemonSettings& settings, Report& report) {
  const auto found = addresses_of(settings);
  std::vector<std::string> addresses;
  for (const auto& [address, path] : found) addresses.push_back(address);
  RedactedText kept = redacted_text(text, std::move(addresses));
  for (const auto& [address, path] : found) {
    if (std::find(kept.not_found.begin(), kept.not_found.end(), address) == kept.not_found.end()) continue;
    report.error(
        place_of(root, path), path,
        fmt::format("the address at {} must stand on one line and without escapes, so that its path, which may "
                    "be a secret, can be kept out of the journal",
                    shown_address(address)));
  }
  return std::move(kept.text);
}

}  // namespace

Loaded load_text(std::string_view text, const std::string& file_name, const Environment& environment) {
  if (text.size() > kTextMax) {  // before anything is made of it
    const std::string message =
        fmt::format("the file has {} bytes; a configuration may have at most {}", text.size(), kTextMax);
    return tl::make_unexpected(std::vector<Diagnostic>{{file_name, 0, 0, "", message, ""}});
  }
  Substituted substituted = substitute(text, environment);
  Report report(file_name, substituted);
  for (const YamlError& e : substituted.errors) report.error_in_file(e.mark, e.message);

  const auto document = parse_yaml(substituted.text);
  if (!document) {
    report.error(document.error().mark, "", document.error().message);
    return tl::make_unexpected(report.errors());
  }
  for (const YamlError& e : document->duplicates) report.error(e.mark, "", e.message);

  Context context{report};
  Parts parts;
  read_root(document->root, context, parts);
  const std::string kept = kept_text(substituted.text, document->root, parts.daemon, report);
  parts.policy.digest = state_hash(kept).hex();
  if (!report.has_errors()) {
    std::vector<Error> errors = engine::check(parts.policy);
    if (errors.empty()) engine::check_stability(parts.policy, errors);
    for (const Error& e : errors) {
      report.error(place_of(document->root, e.where), e.where, e.message);
    }
    if (errors.empty()) warn_about_decoupling(context, document->root, parts.policy);
  }
  if (report.has_errors()) return tl::make_unexpected(report.errors());

  if (kept != substituted.text) {
    // The policy in force is that of the text that is kept, so that a replay cannot find another one in it.
    auto again = load_text(kept, file_name, environment);
    if (again && again->text() == kept) {
      again->daemon_ = std::move(parts.daemon);
      again->warnings_ = report.warnings();
      return again;
    }
    report.error(Mark{}, "sources", "an address could not be taken out of the text; write each in quotes");
    return tl::make_unexpected(report.errors());
  }
  ValidConfig valid;
  valid.policy_ = std::make_shared<const engine::Policy>(std::move(parts.policy));
  valid.daemon_ = std::move(parts.daemon);
  valid.incidents_ = std::move(parts.incidents);
  valid.text_ = std::move(substituted.text);
  valid.warnings_ = report.warnings();
  return valid;
}

Loaded load_file(const std::string& path, const Environment& environment) {
  const auto failed = [&path](std::string message) {
    return tl::make_unexpected(std::vector<Diagnostic>{{path, 0, 0, "", std::move(message), ""}});
  };
  std::ifstream in(path, std::ios::binary);
  if (!in) return failed("cannot be opened; is the path right and the file readable?");
  std::string text(kTextMax + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) return failed("cannot be read to its end");
  text.resize(static_cast<std::size_t>(in.gcount()));
  return load_text(text, path, environment);
}

}  // namespace homeostat::config
