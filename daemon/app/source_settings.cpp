#include "daemon/app/source_settings.hpp"

#include <fstream>

#include <fmt/format.h>

#include "core/hex.hpp"

namespace homeostat::daemon {
namespace {

/// Secrets stay out of the configuration, which is journaled: the header's value is the first line of a file.
Result<> fill_access(const config::HttpAccess& access, sources::HttpSettings& http, sources::BackoffSettings& backoff) {
  http.deadline = access.deadline;
  http.ca_file = access.ca_file;
  backoff.first = access.backoff_first;
  backoff.max = access.backoff_max;
  if (access.authorization_file.empty()) return {};
  std::ifstream file(access.authorization_file);
  std::string line;
  if (!std::getline(file, line) || line.empty()) {
    return fail(ErrorCode::missing, access.authorization_file,
                "the authorization file cannot be read or its first line is empty");
  }
  http.headers.emplace_back("Authorization", std::move(line));
  return {};
}

Result<sources::Address> address_of(const std::string& text, const config::EvmConnection& connection,
                                    const std::string& where) {
  const auto named = connection.contracts.find(text);
  const std::string& hex = named == connection.contracts.end() ? text : named->second;
  sources::Address address{};
  if (!decode_hex(hex, address)) {
    return fail(ErrorCode::malformed, where,
                fmt::format("\"{}\" is neither a contract's name nor an address (0x and 40 hex digits)", text));
  }
  return address;
}

}  // namespace

Result<sources::EvmSettings> evm_settings(const std::string& name, const config::EvmConnection& connection,
                                          const oracle::Settings& oracle) {
  sources::EvmSettings s{.name = name,
                         .chain_id = connection.chain_id,
                         .start_block = connection.start_block,
                         .start_at_latest = connection.start_at_latest,
                         .confirmations = connection.confirmations,
                         .poll_period = connection.poll,
                         .ws_silence_max = connection.ws_silence_max,
                         .range_max = connection.range_max,
                         .check_bloom = connection.check_bloom,
                         .check_backfill = connection.check_backfill,
                         .check_receipts = static_cast<sources::CheckReceipts>(connection.check_receipts),
                         .finality_depth = connection.finality_depth};
  for (const auto& p : connection.providers) s.providers.push_back({p.name, p.http, p.ws, p.requests_per_s, p.burst});
  const config::EvmPoolSettings& pool = connection.pool;
  s.pool = {.failures_max = pool.failures_max,
            .probes_good = pool.probes_good,
            .behind_max = pool.behind_max,
            .head_silence_max = pool.head_silence_max,
            .finalized_silence_max = pool.finalized_silence_max,
            .probe_period = pool.probe_period,
            .hedge_after = pool.hedge_after,
            .agreement = pool.agreement};
  for (const auto& [contract, text] : connection.contracts) {
    auto address = address_of(text, connection, name + ".contracts." + contract);
    if (!address) return tl::make_unexpected(address.error());
    s.contracts[contract] = *address;
  }
  for (const auto& e : oracle.events) {
    if (e.source != name) continue;
    auto address = address_of(e.contract, connection, "events." + e.name);
    if (!address) return tl::make_unexpected(address.error());
    auto signature = oracle::parse_event_signature(e.signature);
    if (!signature) return tl::make_unexpected(signature.error());
    s.events.push_back({e.name, *address, std::move(*signature)});
  }
  if (auto filled = fill_access(connection.access, s.http, s.backoff); !filled)
    return tl::make_unexpected(filled.error());
  return s;
}

Result<sources::PrometheusSettings> prometheus_settings(const std::string& name,
                                                        const config::PrometheusConnection& connection) {
  sources::PrometheusSettings s{.name = name, .url = connection.url, .period = connection.period};
  for (const auto& [metric, expression] : connection.queries) s.metrics.push_back({metric, expression});
  if (auto filled = fill_access(connection.access, s.http, s.backoff); !filled)
    return tl::make_unexpected(filled.error());
  return s;
}

Result<sources::ChainlinkSettings> chainlink_settings(const std::string& name,
                                                      const config::ChainlinkConnection& connection) {
  sources::ChainlinkSettings s{.name = name,
                               .chain_id = connection.chain_id,
                               .period = connection.poll,
                               .head_age_max = connection.head_age_max};
  for (const auto& p : connection.providers) s.providers.push_back({p.name, p.http, p.ws, p.requests_per_s, p.burst});
  for (const auto& f : connection.feeds) {
    auto proxy = bytes_from_hex<20>(f.proxy);
    if (!proxy) return tl::make_unexpected(std::move(proxy.error()));
    sources::chainlink::FeedRules rules{.heartbeat = f.heartbeat,
                                        .slack = f.slack,
                                        .phase_change_max_ratio = f.phase_change_max_ratio,
                                        .description = f.description};
    if (f.decimals) rules.decimals = static_cast<std::uint8_t>(*f.decimals);
    s.feeds.push_back({f.name, f.metric, *proxy, std::move(rules)});
  }
  if (!connection.sequencer_uptime_feed.empty()) {
    auto feed = bytes_from_hex<20>(connection.sequencer_uptime_feed);
    if (!feed) return tl::make_unexpected(std::move(feed.error()));
    s.sequencer = {*feed, connection.sequencer_grace};
  }
  if (auto filled = fill_access(connection.access, s.http, s.backoff); !filled)
    return tl::make_unexpected(filled.error());
  return s;
}

Result<sources::HttpSourceSettings> http_settings(const std::string& name, const config::HttpConnection& connection) {
  sources::HttpSourceSettings s{.name = name, .period = connection.period};
  for (const auto& [metric, value] : connection.values) {
    s.metrics.push_back({metric, connection.url, value.pointer, value.time_pointer});
  }
  if (auto filled = fill_access(connection.access, s.http, s.backoff); !filled)
    return tl::make_unexpected(filled.error());
  return s;
}

}  // namespace homeostat::daemon
