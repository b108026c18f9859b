// metrics: where each comes from, how it is aggregated, and in which order they are computed.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "config/readers.hpp"
#include "core/expression.hpp"
#include "core/format.hpp"
#include "core/hex.hpp"

namespace homeostat::config {

const oracle::MetricSettings* Metrics::find(std::string_view name) const {
  const auto it = std::find_if(settings.begin(), settings.end(), [&](const auto& m) { return m.name == name; });
  return it == settings.end() ? nullptr : &*it;
}

namespace {

using oracle::Aggregate;
using oracle::MetricSettings;

/// A metric whose names are not resolved yet.
struct Draft {
  MetricSettings settings;
  Field place;
  Field expression;                   ///< absent unless an expression
  std::vector<std::string> operands;  ///< of an expression
};

bool has_window(Aggregate a) {
  switch (a) {
    case Aggregate::sum:
    case Aggregate::rate:
    case Aggregate::count:
    case Aggregate::distinct:
    case Aggregate::twap: return true;
    case Aggregate::last:
    case Aggregate::median:
    case Aggregate::quartiles:
    case Aggregate::ewma: return false;
  }
  return false;
}

/// A key that means something for some aggregates only.
bool only_for(const Field& field, bool is_meant, std::string_view aggregates) {
  if (field.is_given() && !is_meant) field.error(fmt::format("has a meaning only with aggregate {}", aggregates));
  return is_meant;
}

void read_window(Section& s, Duration period, MetricSettings& m) {
  const bool is_windowed = has_window(m.aggregate);
  const Field window =
      is_windowed ? s.required("window", "the time over which the aggregate is taken") : s.optional("window");
  if (only_for(window, is_windowed, "sum, rate, count, distinct or twap") && window.duration(m.window) &&
      m.window < period) {
    window.error(fmt::format("{} is shorter than the period of {} in which decisions are made", text_of(m.window),
                             text_of(period)));
  }
  const Field buckets = s.optional("buckets");
  if (only_for(buckets, is_windowed, "sum, rate, count, distinct or twap")) {
    buckets.integer(m.buckets, {.min = 1, .max = 3600});
  }
  const Field half_life = m.aggregate == Aggregate::ewma
                              ? s.required("half_life", "the time in which an old value loses half its weight")
                              : s.optional("half_life");
  if (only_for(half_life, m.aggregate == Aggregate::ewma, "ewma")) {
    half_life.duration(m.half_life, {.min = Duration::milliseconds(1)});
  }
  const Field coverage = s.optional("coverage_min");
  if (only_for(coverage, is_windowed, "sum, rate, count, distinct or twap")) {
    coverage.ratio(m.coverage_min, {.min = 0, .max = 1, .above_min = m.aggregate == Aggregate::twap});
  }
  const Field exact = s.optional("exact_max");
  if (only_for(exact, m.aggregate == Aggregate::distinct, "distinct"))
    exact.integer(m.exact_max, {.min = 1, .max = 1'000'000});
  const Field key = s.optional("hash_key");
  if (std::string text; only_for(key, m.aggregate == Aggregate::distinct, "distinct") && key.text(text)) {
    auto bytes = bytes_from_hex<16>(text);
    if (!bytes)
      return key.error("must be 32 hex digits, such as `openssl rand -hex 16` makes: " + bytes.error().message);
    m.hash_key = *bytes;
  }
}

void read_rate_of_change(const Field& field, Context& context, MetricSettings& m) {
  if (!field.is_given()) return;
  Section s(field, context);
  oracle::RateOfChange change;
  const Field max = s.required("max", "the largest believable change, e.g. 20% per 1h");
  const Field halt = s.required("halt_after", "how long a breach may last before the metric halts");
  halt.duration(change.halt_after, {.min = Duration::milliseconds(1)});
  Per per;
  if (!max.parsed(per, [&](std::string_view text) { return parse_per(text, context.day); })) return;
  const auto ratio = parse_ratio(per.amount);
  if (!ratio) return max.error(ratio.error().message, ratio.error().nearest);
  if (*ratio <= 0 || per.per <= Duration::zero()) return max.error("must be above 0% per more than 0s");
  change.ratio_max = *ratio;
  change.per = per.per;
  m.rate_of_change = change;
}

void read_staleness(Section& s, Duration period, MetricSettings& m) {
  const Field staleness = s.optional("staleness_max");
  staleness.duration(m.staleness_max, {.min = Duration::milliseconds(1)});
  if (staleness.is_given() && m.staleness_max < period) {
    staleness.error(fmt::format("{} is shorter than the period of {}: the metric would be stale at every decision",
                                text_of(m.staleness_max), text_of(period)));
  }
}

// --- samples -----------------------------------------------------------------------------------------

void read_samples(Section& s, const Field& samples, const Sources& sources, MetricSettings& m) {
  oracle::SampleOrigin origin;
  if (samples.names(origin.sources)) {
    std::vector<std::string> known;
    for (const auto& c : sources.connections) {
      if (!std::holds_alternative<EvmConnection>(c.connection)) known.push_back(c.name);
    }
    std::set<std::string> seen;
    for (const std::string& name : origin.sources) {
      const SourceConnection* source = sources.find(name);
      if (source == nullptr) {
        report_unknown(samples, "source", name, known);
      } else if (std::holds_alternative<EvmConnection>(source->connection)) {
        samples.error(fmt::format("'{}' is a chain, which gives events and no samples; write 'event: ...'", name));
      }
      if (!seen.insert(name).second) samples.error(fmt::format("the source '{}' is listed twice", name));
    }
  }
  const Field quorum = s.optional("quorum");
  quorum.integer(origin.quorum, {.min = 1});
  if (!origin.sources.empty() && origin.quorum > origin.sources.size()) {
    quorum.error(fmt::format("a quorum of {} can never be met by {} source{}", origin.quorum, origin.sources.size(),
                             origin.sources.size() == 1 ? "" : "s"),
                 std::to_string(origin.sources.size()));
  }
  m.origin = std::move(origin);
}

// --- events ------------------------------------------------------------------------------------------

/// The event of that name: "contract.Event", or "Event" if only one contract has it.
const DeclaredEvent* find_event(const Field& field, const std::string& name, const Sources& sources) {
  std::vector<std::string> known, same;
  const DeclaredEvent* found = nullptr;
  for (const DeclaredEvent& e : sources.events) {
    if (e.settings.name == name) return &e;
    known.push_back(e.settings.name);
    known.push_back(e.signature.name);
    if (e.signature.name != name) continue;
    same.push_back(e.settings.name);
    found = &e;
  }
  if (same.size() > 1) {
    field.error(fmt::format("'{}' is declared by several contracts; write {}", name, fmt::join(same, " or ")));
    return nullptr;
  }
  if (found == nullptr) report_unknown(field, "event", name, known);
  return found;
}

std::optional<std::uint32_t> argument(const Field& field, const DeclaredEvent& event) {
  std::string name;
  if (!field.text(name)) return std::nullopt;
  const auto index = event.signature.find(name);
  if (!index) report_unknown(field, fmt::format("argument of {}", event.settings.name), name, event.signature.names());
  return index;
}

void read_value(Section& s, const DeclaredEvent& event, const MetricSettings& m, oracle::EventOrigin& origin) {
  const bool counts = m.aggregate == Aggregate::count || m.aggregate == Aggregate::distinct;
  const bool needs_one = !counts && m.aggregate != Aggregate::sum && m.aggregate != Aggregate::rate;
  const Field value = needs_one ? s.required("value", "the argument that is the metric's value") : s.optional("value");
  if (counts) return value.error("has no meaning with aggregate count or distinct");
  const auto index = argument(value, event);
  if (!index) return;
  const oracle::EventParameter& p = event.signature.parameters[*index];
  const bool is_number = p.is_integer() || p.kind == oracle::AbiKind::boolean;
  if (!is_number || p.hashed_topic) {
    return value.error(
        fmt::format("'{}' is of type {}, which has no value; a value is a uint, int or bool", p.name, p.type));
  }
  origin.value = *index;
  origin.value_signed = p.is_signed();
}

void read_key(Section& s, const DeclaredEvent& event, const MetricSettings& m, oracle::EventOrigin& origin) {
  const bool is_distinct = m.aggregate == Aggregate::distinct;
  const Field key =
      is_distinct ? s.required("key", "the argument whose distinct values are counted") : s.optional("key");
  if (only_for(key, is_distinct, "distinct")) origin.key = argument(key, event);
}

void read_event_origin(Section& s, const Field& field, const Sources& sources, MetricSettings& m) {
  oracle::EventOrigin origin;
  const Field finality_field = s.optional("finality");
  const Field scale = s.optional("scale");
  scale.number(origin.scale);
  if (origin.scale == 0) scale.error("0 makes every value 0");
  const DeclaredEvent* event = field.text(origin.event) ? find_event(field, origin.event, sources) : nullptr;
  if (event == nullptr) {
    s.ignore_rest();
    return;
  }
  origin.event = event->settings.name;
  read_value(s, *event, m, origin);
  read_key(s, *event, m, origin);
  const auto& chain = std::get<EvmConnection>(sources.find(event->settings.source)->connection);
  FinalityValue finality{chain.finality, chain.confirmations};
  finality_field.parsed(finality, parse_finality);
  origin.finality = finality.finality;
  origin.confirmations = finality.confirmations;
  m.origin = origin;
}

// --- expressions -------------------------------------------------------------------------------------

void read_expression(Draft& draft) {
  oracle::ExpressionOrigin origin;
  if (!draft.expression.text(origin.text)) return;
  const auto expression = Expression::parse(origin.text);
  if (!expression) return draft.expression.error(expression.error().text());
  draft.operands = expression->variables();
  if (draft.operands.empty()) draft.expression.error("names no other metric, so it could never change");
  draft.settings.origin = std::move(origin);
}

// --- one metric --------------------------------------------------------------------------------------

bool is_identifier(std::string_view name) {
  return name.find_first_of(".-") == std::string_view::npos && !(name.front() >= '0' && name.front() <= '9');
}

Draft read_metric(const std::string& name, const Field& entry, Context& context, const Sources& sources,
                  Duration period) {
  Section s(entry, context);
  Draft draft{.settings = {.name = name}, .place = entry, .expression = s.optional("expression")};
  MetricSettings& m = draft.settings;
  if (!is_identifier(name)) {
    entry.error(
        fmt::format("'{}' is not a metric's name; expressions need letters, digits and '_', not beginning with a "
                    "digit",
                    name));
  }
  const Field samples = s.optional("samples");
  const Field event = s.optional("event");
  s.required("unit", "what the number counts, e.g. ratio, users, STREAM/day").text(m.unit);
  s.optional("help").text(m.help);
  const Field min = s.required("min", "the lowest value that can be true");
  const Field max = s.required("max", "the highest value that can be true");
  if ((min.quantity(m.min, m.unit) & max.quantity(m.max, m.unit)) && m.min >= m.max) {
    min.error(fmt::format("min {} is not below max {}", text_of(m.min), text_of(m.max)));
  }
  if (samples.is_given() + event.is_given() + draft.expression.is_given() != 1) {
    s.error("a metric comes from exactly one of: samples (sources), event (of a contract), expression (over metrics)");
    s.ignore_rest();
    return draft;
  }
  if (draft.expression.is_given()) {
    read_expression(draft);
    return draft;
  }
  std::size_t aggregate = 0;
  if (s.optional("aggregate")
          .one_of(aggregate, {"last", "median", "sum", "rate", "count", "distinct", "ewma", "twap", "quartiles"})) {
    m.aggregate = static_cast<Aggregate>(aggregate);
  }
  if (samples.is_given()) {
    if (m.aggregate == Aggregate::distinct) samples.error("distinct counts an event's argument; samples have none");
    read_samples(s, samples, sources, m);
    read_trust(s, context, m);
  } else {
    read_event_origin(s, event, sources, m);
  }
  read_window(s, period, m);
  read_staleness(s, period, m);
  s.optional("future_max").duration(m.future_max, {.max = Duration::hours(1)});
  read_rate_of_change(s.optional("rate_of_change"), context, m);
  return draft;
}

// --- order -------------------------------------------------------------------------------------------

/// Depth-first: operands before the expressions that use them, otherwise in the order of the file.
class Order {
 public:
  explicit Order(std::vector<Draft>& drafts) : drafts_(drafts), state_(drafts.size(), State::fresh) {
    for (const Draft& d : drafts) names_.push_back(d.settings.name);
  }

  std::vector<MetricSettings> sorted() {
    for (std::size_t i = 0; i < drafts_.size(); ++i) visit(i);
    return std::move(sorted_);
  }

 private:
  enum class State { fresh, open, done };

  // Recursion is as deep as the longest chain of expressions, which kNodesMax bounds; kChainMax keeps
  // it far from the end of the stack.
  static constexpr std::size_t kChainMax = 256;

  void visit(std::size_t i) {
    if (state_[i] == State::done) return;
    if (state_[i] == State::open) return report_cycle(i);
    if (path_.size() >= kChainMax) return drafts_[i].expression.error("a chain of more than 256 expressions");
    state_[i] = State::open;
    path_.push_back(i);
    for (const std::string& operand : drafts_[i].operands) {
      const auto it = std::find(names_.begin(), names_.end(), operand);
      if (it == names_.end()) {
        report_unknown(drafts_[i].expression, "metric", operand, names_);
      } else {
        visit(static_cast<std::size_t>(it - names_.begin()));
      }
    }
    path_.pop_back();
    state_[i] = State::done;
    sorted_.push_back(drafts_[i].settings);
  }

  void report_cycle(std::size_t i) {
    std::string cycle;
    for (auto it = std::find(path_.begin(), path_.end(), i); it != path_.end(); ++it) cycle += names_[*it] + " -> ";
    drafts_[i].expression.error(fmt::format("is computed from itself: {}{}", cycle, names_[i]));
  }

  std::vector<Draft>& drafts_;
  std::vector<std::string> names_;
  std::vector<State> state_;
  std::vector<std::size_t> path_;
  std::vector<MetricSettings> sorted_;
};

/// The key of a source under which it says what it delivers.
std::string_view place_of_feeds(const Connection& connection) {
  if (std::holds_alternative<HttpConnection>(connection)) return "values";
  return std::holds_alternative<ChainlinkConnection>(connection) ? "feeds" : "queries";
}

/// A reading must neither outlive what its feed promises nor go stale between two heartbeats.
void check_chainlink(const Sources& sources, const Metrics& metrics) {
  for (const SourceConnection& source : sources.connections) {
    const auto* chainlink = std::get_if<ChainlinkConnection>(&source.connection);
    if (chainlink == nullptr) continue;
    for (const ChainlinkFeedSettings& feed : chainlink->feeds) {
      const MetricSettings* metric = metrics.find(feed.metric);
      if (metric == nullptr) continue;  // reported by check_feeds
      const Duration promised = feed.heartbeat + feed.slack;
      const Field& place = metrics.places.at(feed.metric);
      if (metric->staleness_max < feed.heartbeat) {
        place.warn(fmt::format("staleness_max {} is shorter than the heartbeat {} of the feed '{}': the reading goes "
                               "stale between two of its rounds",
                               text_of(metric->staleness_max), text_of(feed.heartbeat), feed.name),
                   fmt::format("staleness_max: {}", text_of(promised)));
      } else if (metric->staleness_max > promised) {
        place.warn(fmt::format("staleness_max {} is longer than heartbeat + slack {} of the feed '{}': an answer that "
                               "is refused as stale would still be acted on",
                               text_of(metric->staleness_max), text_of(promised), feed.name),
                   fmt::format("staleness_max: {}", text_of(promised)));
      }
    }
  }
}

/// Lateness that the metric itself does not take.
void check_lateness(const Sources& sources, const Metrics& metrics) {
  for (const MetricSettings& metric : metrics.settings) {
    const auto* origin = std::get_if<oracle::SampleOrigin>(&metric.origin);
    if (origin == nullptr) continue;
    for (const oracle::SourceSettings& source : sources.settings) {
      const bool feeds = std::count(origin->sources.begin(), origin->sources.end(), source.name) > 0;
      if (!feeds || source.allowed_lateness <= metric.staleness_max) continue;
      metrics.places.at(metric.name)
          .warn(fmt::format("staleness_max {} is shorter than the allowed_lateness {} of '{}': what is later than "
                            "that is refused as too old",
                            text_of(metric.staleness_max), text_of(source.allowed_lateness), source.name),
                fmt::format("staleness_max: {}", text_of(source.allowed_lateness)));
    }
  }
}

/// Scraped sources: what they deliver and what metrics expect of them must be the same.
void check_feeds(const Sources& sources, const Metrics& metrics) {
  std::vector<std::string> names;
  for (const auto& m : metrics.settings) names.push_back(m.name);
  for (const Feed& feed : sources.feeds) {
    const MetricSettings* metric = metrics.find(feed.metric);
    if (metric == nullptr) {
      report_unknown(feed.place, "metric", feed.metric, names);
      continue;
    }
    const auto* origin = std::get_if<oracle::SampleOrigin>(&metric->origin);
    const bool is_used =
        origin != nullptr && std::count(origin->sources.begin(), origin->sources.end(), feed.source) > 0;
    if (!is_used)
      feed.place.error(fmt::format("the metric '{}' does not take samples of '{}'", feed.metric, feed.source));
  }
  for (const MetricSettings& metric : metrics.settings) {
    const auto* origin = std::get_if<oracle::SampleOrigin>(&metric.origin);
    if (origin == nullptr) continue;
    for (const std::string& name : origin->sources) {
      const SourceConnection* source = sources.find(name);
      if (source == nullptr || std::holds_alternative<PushConnection>(source->connection)) continue;
      const bool is_fed = std::any_of(sources.feeds.begin(), sources.feeds.end(),
                                      [&](const Feed& f) { return f.source == name && f.metric == metric.name; });
      const Field& place = metrics.places.at(metric.name);
      if (!is_fed && !std::holds_alternative<EvmConnection>(source->connection)) {
        place.error(fmt::format("the source '{}' does not say where '{}' comes from; add it there under {}", name,
                                metric.name, place_of_feeds(source->connection)));
      }
    }
  }
}

}  // namespace

Metrics read_metrics(const Field& field, Context& context, const Sources& sources, Duration period) {
  std::vector<Draft> drafts;
  Metrics metrics;
  Section::each(field, context, [&](const std::string& name, const Field& entry) {
    metrics.places.emplace(name, entry);
    drafts.push_back(read_metric(name, entry, context, sources, period));
  });
  metrics.settings = Order(drafts).sorted();
  check_feeds(sources, metrics);
  check_chainlink(sources, metrics);
  check_lateness(sources, metrics);
  return metrics;
}

}  // namespace homeostat::config
