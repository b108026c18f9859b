// sources, and the events under a chain source's contracts.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "config/readers.hpp"
#include "config/secrets.hpp"
#include "core/format.hpp"

namespace homeostat::config {

const SourceConnection* Sources::find(std::string_view name) const {
  const auto it = std::find_if(connections.begin(), connections.end(), [&](const auto& c) { return c.name == name; });
  return it == connections.end() ? nullptr : &*it;
}

namespace {

void read_url(const Field& field, std::string_view plain, std::string_view secure, std::string& out) {
  std::string url;
  if (!field.text(url)) return;
  const std::string_view rest = url.starts_with(secure)  ? std::string_view(url).substr(secure.size())
                                : url.starts_with(plain) ? std::string_view(url).substr(plain.size())
                                                         : std::string_view();
  if (rest.empty() || rest.front() == '/' || url.find(' ') != std::string::npos) {
    const bool has_scheme = url.find("://") != std::string::npos;
    // Without what may be a key: messages are logged.
    const std::string shown = shown_address(url);
    return field.error(fmt::format("'{}' is not an address; it begins with {} or {}", shown, plain, secure),
                       has_scheme ? "" : fmt::format("{}{}", plain, shown));
  }
  out = url;
}

void read_access(Section& s, HttpAccess& out) {
  s.optional("deadline").duration(out.deadline, {.min = Duration::milliseconds(10), .max = Duration::minutes(5)});
  s.optional("ca_file").text(out.ca_file);
  s.optional("authorization_file").text(out.authorization_file);
  const Field first = s.optional("backoff_first");
  const Field max = s.optional("backoff_max");
  first.duration(out.backoff_first, {.min = Duration::milliseconds(10), .max = Duration::hours(1)});
  max.duration(out.backoff_max, {.min = Duration::milliseconds(10), .max = Duration::hours(24)});
  if (out.backoff_first > out.backoff_max) {
    (max.is_given() ? max : first)
        .error(fmt::format("backoff_first {} is longer than backoff_max {}", text_of(out.backoff_first),
                           text_of(out.backoff_max)));
  }
}

void read_period(const Field& field, Duration& out) {
  field.duration(out, {.min = Duration::milliseconds(100), .max = Duration::days(7)});
}

// --- evm ---------------------------------------------------------------------------------------------

void read_providers(const Field& field, Context& context, std::vector<EvmProviderSettings>& out) {
  if (!field.is_given()) return;
  if (field.node()->kind != Node::Kind::sequence || field.node()->sequence.empty()) {
    return field.error("expected a list of at least one provider, e.g. '- {name: local, http: http://127.0.0.1:8545}'");
  }
  std::set<std::string> names;
  for (std::size_t i = 0; i < field.node()->sequence.size(); ++i) {
    Section s(field.node()->sequence[i], fmt::format("{}[{}]", field.path(), i), context);
    EvmProviderSettings provider;
    const Field name = s.required("name", "what logs and metrics call this provider");
    if (name.name(provider.name) && !names.insert(provider.name).second) {
      name.error(fmt::format("there is already a provider '{}'", provider.name));
    }
    read_url(s.required("http", "the JSON-RPC address"), "http://", "https://", provider.http);
    read_url(s.optional("ws"), "ws://", "wss://", provider.ws);
    s.optional("requests_per_s").number(provider.requests_per_s, {.min = 0, .max = 1e6});
    s.optional("burst").number(provider.burst, {.min = 1, .max = 1e6});
    out.push_back(std::move(provider));
  }
}

/// Two that agree are the least that lets one be wrong; of one alone no more can be asked.
std::uint32_t agreement_of(std::size_t providers) {
  return providers > 1 ? 2 : 1;
}

void read_pool(const Field& field, Context& context, std::size_t providers, EvmPoolSettings& out) {
  out.agreement = agreement_of(providers);
  if (!field.is_given()) return;
  Section s(field, context);
  s.optional("failures_max").integer(out.failures_max, {.min = 1, .max = 1000});
  s.optional("probes_good").integer(out.probes_good, {.min = 1, .max = 1000});
  s.optional("behind_max").integer(out.behind_max, {.min = 1, .max = 1'000'000});
  s.optional("head_silence_max").duration(out.head_silence_max, {.min = Duration::zero(), .max = Duration::hours(24)});
  s.optional("finalized_silence_max")
      .duration(out.finalized_silence_max, {.min = Duration::zero(), .max = Duration::hours(240)});
  s.optional("probe_period")
      .duration(out.probe_period, {.min = Duration::milliseconds(100), .max = Duration::hours(1)});
  s.optional("hedge_after").duration(out.hedge_after, {.min = Duration::zero(), .max = Duration::minutes(5)});
  const Field agreement = s.optional("agreement");
  agreement.integer(out.agreement, {.min = 1, .max = 1000});
  if (out.agreement > std::max<std::size_t>(providers, 1)) {
    agreement.error(fmt::format("{} providers shall agree, but only {} {} configured; nothing would ever be final",
                                out.agreement, providers, providers == 1 ? "is" : "are"),
                    std::to_string(providers));
  }
}

void read_event(const Field& field, const std::string& source, const std::string& contract, Sources& out) {
  std::string text;
  if (!field.text(text)) return;
  auto signature = oracle::parse_event_signature(text);
  if (!signature) return field.error(fmt::format("{} in '{}'", signature.error().text(), text));
  const std::string name = fmt::format("{}.{}", contract, signature->name);
  const bool is_known =
      std::any_of(out.events.begin(), out.events.end(), [&](const auto& e) { return e.settings.name == name; });
  if (is_known) return field.error(fmt::format("the event '{}' is given twice", name));
  out.events.push_back(
      {{.name = name, .source = source, .contract = contract, .signature = text}, std::move(*signature)});
}

void read_contract_address(const Field& field, std::string& out) {
  std::string text;
  if (!field.text(text)) return;
  const bool is_address = text.size() == 42 && text.starts_with("0x") &&
                          text.find_first_not_of("0123456789abcdefABCDEF", 2) == std::string::npos;
  if (!is_address) return field.error(fmt::format("'{}' is not an address: 0x and 40 hexadecimal digits", text));
  if (text.find_first_not_of('0', 2) == std::string::npos)
    return field.error("is the zero address, where no contract is");
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'F' ? char(c + 32) : c; });
  out = text;
}

void read_contracts(const Field& field, Context& context, const std::string& source, EvmConnection& connection,
                    Sources& out) {
  Section::each(field, context, [&](const std::string& name, const Field& entry) {
    const bool is_taken =
        std::any_of(out.events.begin(), out.events.end(), [&](const auto& e) { return e.settings.contract == name; });
    if (is_taken) return entry.error(fmt::format("another source has a contract '{}'; choose another name", name));
    Section s(entry, context);
    read_contract_address(s.required("address", "0x and 40 hexadecimal digits"), connection.contracts[name]);
    const Field from = s.optional("from_block");
    std::uint64_t from_block = 0;
    from.integer(from_block, {.max = std::numeric_limits<std::uint64_t>::max()});
    const Field events = s.required("events", "the events to watch, as they stand in the contract");
    if (!events.is_given()) return;
    if (events.node()->kind != Node::Kind::sequence) {
      return events.error("expected a list, e.g. '- event Tip(address indexed viewer, uint256 amount)'");
    }
    for (std::size_t i = 0; i < events.node()->sequence.size(); ++i) {
      const Field event(&events.node()->sequence[i], fmt::format("{}[{}]", events.path(), i), &context);
      read_event(event, source, name, out);
      if (from.is_given() && !out.events.empty()) out.events.back().settings.from_block = from_block;
    }
  });
}

EvmConnection read_evm(Section& s, Context& context, const std::string& source, Sources& out) {
  EvmConnection c;
  read_providers(s.required("providers", "the nodes to ask, tried in this order"), context, c.providers);
  read_pool(s.optional("pool"), context, c.providers.size(), c.pool);
  s.required("chain_id", "which chain the providers must be on, e.g. 1 for Ethereum")
      .integer(c.chain_id, {.min = 1, .max = std::numeric_limits<std::uint64_t>::max()});
  const Field start = s.optional("start_block");
  if (start.is_given() && start.node()->kind == Node::Kind::scalar && start.node()->scalar == "latest") {
    c.start_at_latest = true;
  } else {
    start.integer(c.start_block, {.max = std::numeric_limits<std::uint64_t>::max()});
  }
  s.optional("poll").duration(c.poll, {.min = Duration::milliseconds(50), .max = Duration::hours(1)});
  s.optional("range_max").integer(c.range_max, {.min = 1, .max = 1'000'000});
  FinalityValue finality{c.finality, c.confirmations};
  s.optional("finality").parsed(finality, parse_finality);
  c.finality = finality.finality;
  c.confirmations = finality.confirmations;
  s.optional("finality_depth").integer(c.finality_depth, {.min = 1, .max = oracle::kFinalityDepthMax});
  s.optional("check_bloom").flag(c.check_bloom);
  s.optional("check_backfill").flag(c.check_backfill);
  std::size_t receipts = 0;
  if (s.optional("check_receipts").one_of(receipts, {"off", "disputed", "always"})) {
    c.check_receipts = static_cast<CheckReceipts>(receipts);
  }
  s.optional("ws_silence_max")
      .duration(c.ws_silence_max, {.min = Duration::milliseconds(100), .max = Duration::hours(24)});
  read_contracts(s.required("contracts", "the contracts to watch, by a name of your choice"), context, source, c, out);
  read_access(s, c.access);
  return c;
}

// --- scraped -----------------------------------------------------------------------------------------

PrometheusConnection read_prometheus(Section& s, Context& context, const std::string& source, Sources& out) {
  PrometheusConnection c;
  read_url(s.required("url", "the server's root, e.g. http://127.0.0.1:9090"), "http://", "https://", c.url);
  read_period(s.optional("period"), c.period);
  const Field queries = s.required("queries", "PromQL by metric");
  Section::each(queries, context, [&](const std::string& metric, const Field& entry) {
    out.feeds.push_back({source, metric, entry});
    entry.text(c.queries[metric]);
  });
  read_access(s, c.access);
  return c;
}

void read_pointer(const Field& field, std::string& out) {
  std::string text;
  if (!field.text(text)) return;
  if (text.front() != '/') return field.error(fmt::format("'{}' is not a JSON pointer", text), "/" + text);
  out = text;
}

HttpConnection read_http(Section& s, Context& context, const std::string& source, Sources& out) {
  HttpConnection c;
  read_url(s.required("url", "the document's address"), "http://", "https://", c.url);
  read_period(s.optional("period"), c.period);
  const Field values = s.required("values", "where each metric is in the document");
  Section::each(values, context, [&](const std::string& metric, const Field& entry) {
    out.feeds.push_back({source, metric, entry});
    Section value(entry, context);
    read_pointer(value.required("pointer", "a JSON pointer to the number, e.g. /data/price"), c.values[metric].pointer);
    read_pointer(value.optional("time_pointer"), c.values[metric].time_pointer);
  });
  read_access(s, c.access);
  return c;
}

// --- chainlink -----------------------------------------------------------------------------------------

void read_feed(const std::string& name, const Field& entry, Context& context, const std::string& source,
               ChainlinkConnection& connection, Sources& out) {
  Section s(entry, context);
  ChainlinkFeedSettings feed{.name = name, .metric = name};
  const Field metric = s.optional("metric");
  metric.name(feed.metric);
  read_contract_address(s.required("proxy", "the feed's proxy: 0x and 40 hexadecimal digits"), feed.proxy);
  s.required("heartbeat", "how often the feed is updated even when nothing moves, e.g. 1h; Chainlink lists it")
      .duration(feed.heartbeat, {.min = Duration::seconds(1), .max = Duration::days(30)});
  // Transmissions come late by a busy chain and a few observers; ten percent is what fits both ends of the range.
  feed.slack = std::max(feed.heartbeat / 10, Duration::seconds(30));
  s.optional("slack").duration(feed.slack, {.max = Duration::days(1)});
  s.optional("phase_change_max").ratio(feed.phase_change_max_ratio, {.min = 0, .max = 10, .above_min = true});
  const Field decimals = s.optional("decimals");
  if (std::uint32_t value = 0; decimals.is_given() && decimals.integer(value, {.max = 77})) feed.decimals = value;
  s.optional("description").text(feed.description);
  const bool is_taken = std::any_of(connection.feeds.begin(), connection.feeds.end(),
                                    [&](const auto& f) { return f.metric == feed.metric; });
  if (is_taken) {
    return entry.error(fmt::format(
        "another feed of this source feeds '{}'; two opinions on one metric need two sources", feed.metric));
  }
  out.feeds.push_back({source, feed.metric, metric.is_given() ? metric : entry});
  connection.feeds.push_back(std::move(feed));
}

ChainlinkConnection read_chainlink(Section& s, Context& context, const std::string& source, Sources& out) {
  ChainlinkConnection c;
  read_providers(s.required("providers", "the nodes to ask, tried in this order"), context, c.providers);
  s.required("chain_id", "which chain the providers must be on, e.g. 1 for Ethereum")
      .integer(c.chain_id, {.min = 1, .max = std::numeric_limits<std::uint64_t>::max()});
  s.optional("poll").duration(c.poll, {.min = Duration::milliseconds(50), .max = Duration::hours(1)});
  s.optional("head_age_max").duration(c.head_age_max, {.min = Duration::seconds(1), .max = Duration::days(30)});
  const Field uptime = s.optional("sequencer_uptime_feed");
  if (uptime.is_given()) {
    Section feed(uptime, context);
    read_contract_address(feed.required("address", "0x and 40 hexadecimal digits"), c.sequencer_uptime_feed);
    feed.optional("grace").duration(c.sequencer_grace, {.max = Duration::days(7)});
  }
  const Field feeds = s.required("feeds", "the feeds to read, by a name of your choice");
  Section::each(feeds, context,
                [&](const std::string& name, const Field& entry) { read_feed(name, entry, context, source, c, out); });
  if (feeds.is_given() && feeds.node()->kind == Node::Kind::map && feeds.node()->map.empty())
    feeds.error("expected at least one feed");
  read_access(s, c.access);
  return c;
}

/// Rate limits of a source whose samples are its own choice. A burst defaults to two seconds' worth.
void read_rate(Section& s, oracle::SourceSettings& out) {
  if (s.optional("rate").rate_per_s(out.rate_per_s, {.min = 0, .above_min = true})) {
    out.burst = std::max(1.0, 2 * out.rate_per_s);
  }
  s.optional("burst").number(out.burst, {.min = 1});
}

void read_source(const std::string& name, const Field& entry, Context& context, Sources& out) {
  constexpr std::array<std::string_view, 5> kKinds = {"push", "evm", "prometheus", "http", "chainlink"};
  Section s(entry, context);
  std::size_t kind = 0;
  const Field kind_field = s.required("kind", "push, evm, prometheus, http or chainlink");
  if (!kind_field.one_of(kind, {kKinds.begin(), kKinds.end()})) {
    s.ignore_rest();  // which keys are right depends on the kind
    return;
  }
  oracle::SourceSettings settings{.name = name};
  SourceConnection connection{.name = name, .connection = PushConnection{}};
  switch (kind) {
    case 1: {
      EvmConnection evm = read_evm(s, context, name, out);
      settings.finality_depth = evm.finality_depth;
      if (!evm.start_at_latest) settings.start_block = evm.start_block;
      connection.connection = std::move(evm);
      break;
    }
    case 2: connection.connection = read_prometheus(s, context, name, out); break;
    case 3: connection.connection = read_http(s, context, name, out); break;
    case 4: connection.connection = read_chainlink(s, context, name, out); break;
    default: break;
  }
  if (kind != 1) {
    read_rate(s, settings);
    s.optional("group").name(settings.group);
    s.optional("allowed_lateness").duration(settings.allowed_lateness, {.max = Duration::days(1)});
  }
  s.optional("skew_max").duration(settings.skew_max, {.min = Duration::milliseconds(1), .max = Duration::days(30)});
  out.settings.push_back(std::move(settings));
  out.connections.push_back(std::move(connection));
}

}  // namespace

Sources read_sources(const Field& field, Context& context) {
  Sources sources;
  Section::each(field, context,
                [&](const std::string& name, const Field& entry) { read_source(name, entry, context, sources); });
  return sources;
}

}  // namespace homeostat::config
