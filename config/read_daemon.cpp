// listen, journal, log.
#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "config/readers.hpp"
#include "core/text.hpp"

namespace homeostat::config {

std::string_view kind_of(const Connection& connection) {
  constexpr std::string_view kKinds[] = {"push", "evm", "prometheus", "http", "chainlink"};
  return kKinds[connection.index()];
}

void report_unknown(const Field& place, std::string_view kind, std::string_view name,
                    const std::vector<std::string>& known) {
  constexpr std::size_t kShownMax = 12;
  const std::string_view nearest = nearest_name(name, known);
  const std::span<const std::string> shown(known.data(), std::min(known.size(), kShownMax));
  const std::string hint = !nearest.empty() ? ""
                           : known.empty()
                               ? fmt::format("; there is no {} at all", kind)
                               : fmt::format("; known {} {}{}", known.size() == 1 ? "is" : "are",
                                             fmt::join(shown, ", "), known.size() > kShownMax ? ", ..." : "");
  place.error(fmt::format("there is no {} '{}'{}", kind, name, hint), std::string(nearest));
}

namespace {

void read_address(const Field& field, std::string& out, bool has_tls) {
  ListenAddress address;
  if (!field.parsed(address, parse_listen_address)) return;
  field.text(out);
  if (address.is_loopback || has_tls) return;
  field.error(
      fmt::format("'{}' can be reached from other machines, and there is no TLS: whoever reaches it could move the "
                  "parameters; give listen.tls a certificate, a key and a client_ca, or listen on loopback",
                  out),
      fmt::format("127.0.0.1:{}", address.port));
}

void read_tls(const Field& field, Context& context, TlsSettings& out) {
  if (!field.is_given()) return;
  Section s(field, context);
  s.required("certificate", "the server's certificate chain, a PEM file").text(out.certificate);
  s.required("key", "the certificate's private key, a PEM file").text(out.key);
  s.optional("client_ca").text(out.client_ca);
}

}  // namespace

void read_listen(const Field& field, Context& context, ListenSettings& out) {
  if (!field.is_given()) return;
  Section s(field, context);
  const Field tls = s.optional("tls");
  read_tls(tls, context, out.tls);
  read_address(s.optional("grpc"), out.grpc, tls.is_given());
  // The HTTP listener serves health, metrics and the console, in plain text: it never leaves loopback
  // without TLS either.
  const Field http = s.optional("http");
  read_address(http, out.http, tls.is_given());
  if (out.grpc == out.http && !out.grpc.ends_with(":0")) {
    http.error(fmt::format("'{}' is already listen.grpc's address; the two need an own port each", out.http));
  }
}

void read_journal(const Field& field, Context& context, JournalSettings& out) {
  if (!field.is_given()) return;
  Section s(field, context);
  s.optional("directory").text(out.directory);
  s.optional("retention").duration(out.retention, {.min = Duration::minutes(1)});
  const Field snapshot = s.optional("snapshot_period");
  snapshot.duration(out.snapshot_period, {.min = Duration::seconds(1), .max = Duration::days(1)});
  if (out.snapshot_period > out.retention) {
    snapshot.error("is longer than journal.retention; what a recovery needs would be gone before the next snapshot");
  }
  s.optional("queue_bytes_max").integer(out.queue_bytes_max, {.min = 4u << 20, .max = 16ull << 30});
}

void read_log(const Field& field, Context& context, LogSettings& out) {
  if (!field.is_given()) return;
  Section s(field, context);
  std::size_t i = 0;
  if (s.optional("format").one_of(i, {"text", "json"})) out.format = static_cast<LogFormat>(i);
  if (s.optional("level").one_of(i, {"debug", "info", "warning", "error"})) out.level = static_cast<LogLevel>(i);
}

}  // namespace homeostat::config
