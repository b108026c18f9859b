// Of every range a reader allows: the ends load, what is just outside is refused, at its place and with the range.
#include <gtest/gtest.h>

#include <algorithm>

#include "every_key.hpp"

namespace homeostat::config {
namespace {

/// Whether `key := value` is complained about at the key, and with `range`.
bool is_refused(const std::string& key, const std::string& value, const std::string& range) {
  Node root = every_key();
  Node* node = find(root, key);
  if (node == nullptr) throw std::logic_error("no such key: " + key);
  node->scalar = value;
  const Loaded loaded = load(root);
  if (loaded) return false;
  std::string place = key;  // messages write list items in brackets
  if (const std::size_t at = place.find(".0."); at != std::string::npos) place.replace(at, 3, "[0].");
  return std::any_of(loaded.error().begin(), loaded.error().end(), [&](const Diagnostic& d) {
    return d.path == place && d.message.find(range) != std::string::npos;
  });
}

struct Range {
  const char* key;
  const char* min;
  const char* max;  ///< null = as much as the type holds
  const char* below;
  const char* above;
  const char* message;
};

void expect_bounds(const std::vector<Range>& table) {
  for (const Range& r : table) {
    EXPECT_FALSE(is_refused(r.key, r.min, r.message)) << r.key << " := " << r.min;
    EXPECT_TRUE(is_refused(r.key, r.below, r.message)) << r.key << " := " << r.below << ", " << r.message;
    if (r.max == nullptr) continue;
    EXPECT_FALSE(is_refused(r.key, r.max, r.message)) << r.key << " := " << r.max;
    EXPECT_TRUE(is_refused(r.key, r.above, r.message)) << r.key << " := " << r.above << ", " << r.message;
  }
}

TEST(Ranges, OfDurationsEndWhereTheirMessagesSay) {
  expect_bounds({
      {"day", "1s", "366d", "999ms", "8784h1ms", "from 1s to 366d"},
      {"period", "10ms", "1d", "9ms", "24h1ms", "from 10ms to 1d"},
      {"drain_deadline", "100ms", "10m", "99ms", "10m1ms", "from 100ms to 10m"},
      {"journal.retention", "1m", "3650d", "59s", "3651d", "from 1m to 3650d"},
      {"journal.snapshot_period", "1s", "1d", "999ms", "24h1ms", "from 1s to 1d"},
      {"sources.prom.deadline", "10ms", "5m", "9ms", "5m1ms", "from 10ms to 5m"},
      {"sources.prom.backoff_first", "10ms", "1h", "9ms", "1h1ms", "from 10ms to 1h"},
      {"sources.prom.backoff_max", "10ms", "24h", "9ms", "24h1ms", "from 10ms to 1d"},
      {"sources.prom.period", "100ms", "7d", "99ms", "168h1ms", "from 100ms to 7d"},
      {"sources.page.period", "100ms", "7d", "99ms", "168h1ms", "from 100ms to 7d"},
      {"sources.chain.poll", "50ms", "1h", "49ms", "1h1ms", "from 50ms to 1h"},
      {"sources.chain.ws_silence_max", "100ms", "24h", "99ms", "24h1ms", "from 100ms to 1d"},
      {"sources.chain.pool.head_silence_max", "0s", "24h", "-1ms", "24h1ms", ""},
      {"sources.chain.pool.finalized_silence_max", "0s", "240h", "-1ms", "240h1ms", ""},
      {"sources.chain.pool.probe_period", "100ms", "1h", "99ms", "1h1ms", "from 100ms to 1h"},
      {"sources.chain.pool.hedge_after", "0s", "5m", "-1ms", "5m1ms", ""},
      {"metrics.heat.half_life", "1ms", "3650d", "0s", "3651d", "from 1ms to 3650d"},
      {"metrics.load.staleness_max", "1ms", "3650d", "0s", "3651d", "from 1ms to 3650d"},
      {"metrics.load.future_max", "0s", "1h", "-1ms", "1h1ms", ""},
      {"metrics.load.rate_of_change.halt_after", "1ms", "3650d", "0s", "3651d", "from 1ms to 3650d"},
      {"parameters.fee.expiry", "1s", "3650d", "999ms", "3651d", "from 1s to 3650d"},
      {"parameters.fee.ack_timeout", "1s", "3650d", "999ms", "3651d", "from 1s to 3650d"},
      {"parameters.fee.veto_window", "0s", "7d", "-1ms", "168h1ms", ""},
      {"loops.first.gains.integral_time", "1ms", "3650d", "0s", "3651d", "from 1ms to 3650d"},
      {"loops.first.leak_half_life", "1ms", "3650d", "0s", "3651d", "from 1ms to 3650d"},
      {"loops.first.emergency.clear_after", "1ms", "3650d", "0s", "3651d", "from 1ms to 3650d"},
      {"guardian.override_max", "1s", "30d", "999ms", "721h", "from 1s to 30d"},
  });
}

TEST(Ranges, OfWholeNumbersEndWhereTheirMessagesSay) {
  expect_bounds({
      {"records_kept", "1", "100000", "0", "100001", "from 1 to 100000"},
      {"journal.queue_bytes_max", "4194304", "17179869184", "4194303", "17179869185", "from 4194304 to 17179869184"},
      {"sources.chain.chain_id", "1", "18446744073709551615", "0", "18446744073709551616", "a whole number from 1 to"},
      {"sources.chain.range_max", "1", "1000000", "0", "1000001", "from 1 to 1000000"},
      {"sources.chain.finality_depth", "1", "4096", "0", "4097", "from 1 to 4096"},
      {"sources.chain.pool.failures_max", "1", "1000", "0", "1001", "from 1 to 1000"},
      {"sources.chain.pool.probes_good", "1", "1000", "0", "1001", "from 1 to 1000"},
      {"sources.chain.pool.behind_max", "1", "1000000", "0", "1000001", "from 1 to 1000000"},
      {"sources.chain.pool.agreement", "1", "2", "0", "3", ""},
      {"metrics.load.quorum", "1", nullptr, "0", nullptr, "from 1 to"},
      {"metrics.load.buckets", "1", "3600", "0", "3601", "from 1 to 3600"},
      {"metrics.payers.exact_max", "1", "1000000", "0", "1000001", "from 1 to 1000000"},
      {"parameters.fee.decimals", "0", "18", "-1", "19", "from 0 to 18"},
  });
}

TEST(Ranges, OfNumbersEndWhereTheirMessagesSay) {
  expect_bounds({
      {"sources.app.rate", "0.1/s", nullptr, "0/s", nullptr, "must be above 0"},
      {"sources.app.burst", "1", nullptr, "0.99", nullptr, "must be at least 1"},
      {"sources.chain.providers.0.requests_per_s", "0", nullptr, "-0.1", nullptr, ""},
      {"metrics.load.coverage_min", "1%", "100%", "0%", "101%", "must be above 0 and at most 1"},
      {"loops.first.setpoint_weight", "0", "1", "-0.01", "1.01", "at least 0 and at most 1"},
      {"loops.first.deadband", "0", nullptr, "-0.01", nullptr, "must be at least 0"},
      {"loops.second.deadband", "0", "10", "-0.01", "10.01", "at least 0 and at most 10"},
      {"loops.first.gains.kp", "0", nullptr, "-0.01", nullptr, "must be at least 0"},
      {"loops.second.gains.ki", "0/s", nullptr, "-1/s", nullptr, "must be at least 0"},
      {"loops.first.emergency.below", "0", nullptr, "-0.01", nullptr, "must be at least 0 and at most 1"},
      {"loops.first.emergency.above", "100%", "1", "-0.01", "1.01", "must be at least 0 and at most 1"},
      {"guardian.setpoint_shift_max", "0%", "100%", "-1%", "101%", "at least 0 and at most 1"},
  });
}

}  // namespace
}  // namespace homeostat::config
