// Every plain value of a loaded configuration, as lines "path = value". The text the configuration came from and its
// digest are left out: what is here is what the daemon acts on. Each struct is taken apart whole by a structured
// binding, so that a new field does not compile until it has its line here.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "config/config.hpp"
#include "controller/law.hpp"
#include "core/format.hpp"
#include "core/hex.hpp"

namespace homeostat::config {

class Dump {
 public:
  static std::set<std::string> of(const ValidConfig& config) {
    Dump dump;
    dump.put("policy", *config.policy());
    dump.put("daemon", config.daemon());
    dump.put("incidents", config.incidents());
    return std::move(dump.lines_);
  }

 private:
  void line(const std::string& path, const std::string& value) { lines_.insert(path + " = " + value); }
  void put(const std::string& path, const std::string& x) { line(path, "'" + x + "'"); }
  void put(const std::string& path, bool x) { line(path, x ? "true" : "false"); }
  void put(const std::string& path, double x) { line(path, text_of(x)); }
  void put(const std::string& path, Duration x) { line(path, text_of(x)); }
  void put(const std::string& path, const Decimal& x) { line(path, x.to_string()); }
  template <class T>
  requires std::is_integral_v<T>
  void put(const std::string& path, T x) { line(path, std::to_string(x)); }

  // --- enumerators, in the order of their declarations ---
  template <class T>
  void enumerator(const std::string& path, T x, const std::vector<std::string_view>& names) {
    line(path, std::string(names.at(static_cast<std::size_t>(x))));
  }
  void put(const std::string& path, LogFormat x) { enumerator(path, x, {"text", "json"}); }
  void put(const std::string& path, CheckReceipts x) { enumerator(path, x, {"off", "disputed", "always"}); }
  void put(const std::string& path, LogLevel x) { enumerator(path, x, {"debug", "info", "warning", "error"}); }
  void put(const std::string& path, oracle::Finality x) { enumerator(path, x, {"confirmations", "safe", "finalized"}); }
  void put(const std::string& path, oracle::Aggregate x) {
    enumerator(path, x, {"last", "median", "sum", "rate", "count", "distinct", "ewma", "twap", "quartiles"});
  }
  void put(const std::string& path, guardian::Arbitration x) {
    enumerator(path, x, {"sum", "min", "max", "first", "weighted"});
  }
  void put(const std::string& path, guardian::Direction x) { enumerator(path, x, {"up", "down"}); }
  void put(const std::string& path, controller::Action x) { enumerator(path, x, {"direct", "reverse"}); }
  void put(const std::string& path, controller::Integration x) {
    enumerator(path, x, {"trapezoid", "forward", "backward"});
  }
  void put(const std::string& path, controller::AntiWindup x) {
    enumerator(path, x, {"tracking", "conditional", "back_calculation"});
  }
  void put(const std::string& path, controller::ErrorKind x) { enumerator(path, x, {"absolute", "relative"}); }

  // --- compositions ---
  template <class T>
  void put(const std::string& path, const std::optional<T>& x) {
    if (x) return put(path, *x);
    line(path, "none");
  }
  template <class... T>
  void put(const std::string& path, const std::variant<T...>& x) {
    std::visit([&](const auto& value) { put(path, value); }, x);
  }
  template <class T>
  void put(const std::string& path, const std::map<std::string, T>& all) {
    for (const auto& [key, value] : all) put(path + "." + key, value);
  }
  void put(const std::string& path, const std::vector<std::string>& all) {
    std::string text;
    for (const auto& x : all) text += (text.empty() ? "" : " ") + x;
    line(path, text);
  }
  /// Things with names: each under its name, and their order.
  template <class T>
  void put(const std::string& path, const std::vector<T>& all) {
    std::vector<std::string> order;
    for (const auto& x : all) {
      order.push_back(x.name);
      put(path + "." + x.name, x);
    }
    put(path + " in order", order);
  }
  template <class... T>
  void fields(const std::string& path, std::string_view names, const T&... values) {
    const auto next = [&](const auto& value) {
      const std::size_t end = std::min(names.find(' '), names.size());
      put(path + "." + std::string(names.substr(0, end)), value);
      names.remove_prefix(std::min(end + 1, names.size()));
    };
    (next(values), ...);
  }

  // --- the policy ---
  void put(const std::string& path, const engine::Policy& x) {
    const auto& [name, digest, period, records_kept, oracle, loops, decouplings, guardian] = x;
    fields(path, "name period records_kept", name, period, records_kept);
    const auto& [sources, events, metrics, stall_max] = oracle;
    fields(path, "sources events metrics stall_max loops", sources, events, metrics, stall_max, loops);
    const auto& [parameters, override_max, setpoint_shift_max, keys, approvals, order_valid_max, bundles] = guardian;
    fields(path, "parameters override_max setpoint_shift_max order_valid_max keys", parameters, override_max,
           setpoint_shift_max, order_valid_max, keys);
    put(path + ".bundles", bundles);
    put(path + ".decouplings", decouplings);
    for (const auto& [kind, above, of] : approvals) {
      fields(path + ".approvals." + std::string(word_of(kind)), "above of", above, of);
    }
  }
  void put(const std::string& path, const oracle::SourceSettings& x) {
    const auto& [name, rate_per_s, burst, finality_depth, group, start_block, allowed_lateness, skew_max] = x;
    fields(path, "rate_per_s burst finality_depth group start_block allowed_lateness skew_max", rate_per_s, burst,
           finality_depth, group, start_block, allowed_lateness, skew_max);
  }
  void put(const std::string& path, const oracle::EventSettings& x) {
    const auto& [name, source, contract, signature, from_block] = x;
    fields(path, "source contract signature from_block", source, contract, signature, from_block);
  }
  void put(const std::string& path, const oracle::SampleOrigin& x) {
    const auto& [sources, quorum, limits] = x;
    fields(path, "sources quorum", sources, quorum);
    for (const auto& [source, min, max] : limits) fields(path + ".limits." + source, "min max", min, max);
  }
  void put(const std::string& path, const oracle::EventOrigin& x) {
    const auto& [event, value, value_signed, key, scale, finality, confirmations] = x;
    fields(path, "event value value_signed key scale finality confirmations", event, value, value_signed, key, scale,
           finality, confirmations);
  }
  void put(const std::string& path, const oracle::ExpressionOrigin& x) {
    const auto& [text] = x;
    fields(path, "expression", text);
  }
  void put(const std::string& path, const oracle::RateOfChange& x) {
    const auto& [ratio_max, per, halt_after] = x;
    fields(path, "ratio_max per halt_after", ratio_max, per, halt_after);
  }
  void put(const std::string& path, const oracle::MetricSettings& x) {
    const auto& [name, unit, help, min, max, origin, aggregate, window, buckets, half_life, coverage_min, exact_max,
                 hash_key, staleness_max, future_max, rate_of_change, outliers, agree_within, pinned_after,
                 frozen_after, liquidity_needed, peg, guard] = x;
    fields(path, "unit help min max origin aggregate window buckets half_life", unit, help, min, max, origin, aggregate,
           window, buckets, half_life);
    fields(path, "coverage_min exact_max hash_key staleness_max future_max rate_of_change", coverage_min, exact_max,
           hash_key ? hex_of(*hash_key) : std::string("none"), staleness_max, future_max, rate_of_change);
    fields(path, "outliers agree_within pinned_after frozen_after liquidity_needed peg guard", outliers, agree_within,
           pinned_after, frozen_after, liquidity_needed, peg, guard);
  }
  void put(const std::string& path, const oracle::Outliers& x) {
    const auto& [mads, floor] = x;
    fields(path, "mads floor", mads, floor);
  }
  void put(const std::string& path, const oracle::Peg& x) {
    const auto& [at, band] = x;
    fields(path, "at band", at, band);
  }
  void put(const std::string& path, const oracle::GuardSettings& x) {
    const auto& [band, rate_per_s, decrease_max, halt_after, release_after, reseed_after, reseed_per_fold,
                 steady_rate_per_s, suspect_after, average] = x;
    fields(path, "band rate_per_s decrease_max halt_after release_after", band, rate_per_s, decrease_max, halt_after,
           release_after);
    fields(path, "reseed_after reseed_per_fold steady_rate_per_s suspect_after average", reseed_after, reseed_per_fold,
           steady_rate_per_s, suspect_after, average);
  }
  void put(const std::string& path, const IncidentSettings& x) {
    const auto& [period, rules, origins] = x;
    fields(path, "period origins", period, origins);
    std::vector<std::string> order;
    for (const auto& [metric, assets] : rules) {
      order.push_back(metric);
      put(path + ".metrics." + metric, assets);
    }
    put(path + ".metrics in order", order);
  }
  void put(const std::string& path, const guardian::Key& x) {
    const auto& [name, public_key, role, expires] = x;
    fields(path, "public_key role expires", hex_of(public_key), std::string(name_of(role)), text_of(expires));
  }
  void put(const std::string& path, const guardian::Bundle& x) {
    const auto& [name, members, invariants] = x;
    fields(path, "members invariants", members, invariants);
  }
  void put(const std::string& path, const controller::DecouplingSettings& x) {
    const auto& [name, loops, is_gain, matrix] = x;
    fields(path, "loops is_gain", loops, is_gain);
    for (std::size_t i = 0; i < matrix.size(); ++i) put(path + ".matrix." + std::to_string(i), matrix[i]);
  }
  void put(const std::string& path, const guardian::BundleInvariant& x) {
    const auto& [name, text] = x;
    put(path + ".text", text);
  }
  void put(const std::string& path, const guardian::ChangeLimit& x) {
    const auto& [absolute, relative, floor] = x;
    fields(path, "absolute relative floor", absolute, relative, floor);
  }
  void put(const std::string& path, const guardian::FlapBudget& x) {
    const auto& [count, window] = x;
    fields(path, "count window", count, window);
  }
  void put(const std::string& path, const guardian::DriftBudget& x) {
    const auto& [budget, window] = x;
    fields(path, "budget window", budget, window);
  }
  void put(const std::string& path, const guardian::EmergencyLimits& x) {
    const auto& [change, cooldown_up, cooldown_down] = x;
    fields(path, "change cooldown_up cooldown_down", change, cooldown_up, cooldown_down);
  }
  void put(const std::string& path, const guardian::ParameterSettings& x) {
    const auto& [name, unit, help, decimals, initial, min, max, quantum, change, cooldown_up, cooldown_down, drift,
                 emergency, arbitration, expiry, ack_timeout, veto_window, derisking, flaps, restricted,
                 restricted_values, act, approve_above, approval_max] = x;
    fields(path, "unit help decimals initial min max quantum change", unit, help, decimals, initial, min, max, quantum,
           change);
    fields(path, "cooldown_up cooldown_down drift emergency arbitration expiry ack_timeout veto_window", cooldown_up,
           cooldown_down, drift, emergency, arbitration, expiry, ack_timeout, veto_window);
    std::vector<std::string> ranges;
    for (const auto& [from, to] : restricted_values) ranges.push_back(from.to_string() + ".." + to.to_string());
    fields(path, "derisking flaps restricted restricted_values", derisking, flaps, restricted, ranges);
    const auto& [kind, asset, from_name, to_name, recipients] = act;
    std::vector<std::string> shares;
    for (const auto& [recipient, parts] : recipients) shares.push_back(recipient + "=" + std::to_string(parts));
    fields(path, "action.kind action.asset action.from action.to action.recipients approve_above approval_max",
           std::string(name_of(kind)), asset, from_name, to_name, shares, approve_above, approval_max);
  }
  void put(const std::string& path, const controller::Gains& x) {
    const auto& [kp, ki_per_s, kd_s] = x;
    fields(path, "kp ki_per_s kd_s", kp, ki_per_s, kd_s);
  }
  void put(const std::string& path, const controller::PidSettings& x) {
    const auto& [gains, action, error, deadband, setpoint_weight, leak_half_life, derivative_filter, integral_min,
                 integral_max, output_min, output_max, feed_forward, anti_windup, integration, input_filter, slew_per_s,
                 tracking_time, dt_max, seconds, usual] = x;  // the last two follow from the others
    fields(path, "gains action error deadband setpoint_weight leak_half_life derivative_filter", gains, action, error,
           deadband, setpoint_weight, leak_half_life, derivative_filter);
    fields(path, "integral_min integral_max output_min output_max feed_forward tracking_time dt_max", integral_min,
           integral_max, output_min, output_max, feed_forward, tracking_time, dt_max);
    fields(path, "anti_windup integration input_filter slew_per_s", anti_windup, integration, input_filter, slew_per_s);
  }
  void put(const std::string& path, const controller::LoopSettings& x) {
    const auto& [name, metric, parameter, setpoint, setpoint_ramp_per_s, pid, emergency, emergency_below,
                 emergency_above, emergency_clear_after, plausibility, response, law, schedule, drives, plant,
                 corridor] = x;
    fields(path, "metric parameter setpoint setpoint_ramp_per_s pid emergency", metric, parameter, setpoint,
           setpoint_ramp_per_s, pid, emergency);
    fields(path, "emergency_below emergency_above emergency_clear_after plausibility response", emergency_below,
           emergency_above, emergency_clear_after, plausibility, response);
    fields(path, "schedule drives", schedule, drives);
    if (law) put(path + ".law", *law);
    fields(path, "plant corridor", plant, corridor);
  }
  void put(const std::string& path, const controller::Plant& x) {
    const auto& [gain_min, gain_max, lag, delay, lag_max, delay_max] = x;
    fields(path, "gain_min gain_max lag delay lag_max delay_max", gain_min, gain_max, lag, delay, lag_max, delay_max);
  }
  void put(const std::string& path, const controller::Corridor& x) {
    const auto& [min, max, horizon] = x;
    fields(path, "min max horizon", min, max, horizon);
  }
  void put(const std::string& path, const controller::GainSchedule& x) {
    const auto& [metric, points] = x;
    std::vector<std::string> list;
    for (const auto& p : points) list.push_back(text_of(p.x) + ":" + text_of(p.factor));
    fields(path, "metric points", metric, list);
  }
  void put(const std::string& path, const controller::Int& x) { line(path, controller::text_of(x)); }
  void put(const std::string& path, const controller::LawSettings& x) {
    const auto& [choice, hand_back_half_life] = x;
    put(path + "." + std::string(name_of(x.kind())), choice);
    fields(path, "hand_back_half_life", hand_back_half_life);
  }
  void put(const std::string&, std::monostate) {}
  void put(const std::string& path, const controller::RaiPiLaw& x) {
    const auto& [settings, redemption] = x;
    const auto& [variant, kp, ki, leak, noise_barrier, upper, lower, bias] = settings;
    fields(path, "variant kp ki leak noise_barrier upper lower bias", std::string(name_of(variant)), kp, ki, leak,
           noise_barrier, upper, lower, bias);
    put(path, redemption);
  }
  void put(const std::string& path, const controller::Redemption& x) {
    const auto& [price, per, units_per_ratio] = x;
    fields(path, "redemption_price per units_per_ratio", price, per, units_per_ratio);
  }
  void put(const std::string& path, const controller::DirectRateLaw& x) {
    const auto& [acceleration, redemption, every] = x;
    fields(path, "acceleration every", acceleration, every);
    put(path, redemption);
  }
  void put(const std::string& path, const controller::MultiplicativeLaw& x) {
    const auto& [settings, every] = x;
    const auto& [elasticity, denominator] = settings;
    fields(path, "elasticity denominator every", elasticity, denominator, every);
  }
  void put(const std::string& path, const controller::BlobFeeLaw& x) {
    const auto& [fee_min, update_fraction, every] = x;
    fields(path, "fee_min update_fraction every", fee_min, update_fraction, every);
  }
  void put(const std::string& path, const controller::SigmoidLaw& x) {
    const auto& [settings, every] = x;
    const auto& [threshold, growth_up, growth_down, limit_up, limit_down] = settings;
    fields(path, "threshold growth_up growth_down limit_up limit_down every", threshold, growth_up, growth_down,
           limit_up, limit_down, every);
  }
  void put(const std::string& path, const controller::ratio::Direction& x) {
    const auto& [tolerance, window, select, policies] = x;
    std::vector<std::string> list;
    for (const auto& p : policies) {
      list.push_back(text_of(p.value) + (p.measure == controller::ratio::Measure::percent ? "%" : "") + "/" +
                     text_of(p.period));
    }
    fields(path, "tolerance window select policies", tolerance, window, static_cast<int>(select), list);
  }
  void put(const std::string& path, const controller::RatioLaw& x) {
    const auto& [min, max, up, down] = x.settings;
    fields(path, "min max up down", min, max, up, down);
  }
  void put(const std::string& path, const controller::SemilogLaw& x) {
    const auto& [settings, full] = x;
    const auto& [rate_min, rate_max] = settings;
    fields(path, "rate_min rate_max full", rate_min, rate_max, full);
  }
  void put(const std::string& path, const controller::ExponentialLaw& x) {
    const auto& [settings, keepers_share, debt, debt_ceiling, keepers_mean] = x;
    const auto& [rate_0, rate_extra, rate_cap, peg, sigma, keepers_target] = settings;
    fields(path, "rate_0 rate_extra rate_cap peg sigma keepers_target", rate_0, rate_extra, rate_cap, peg, sigma,
           keepers_target);
    fields(path, "keepers_share debt debt_ceiling keepers_mean", keepers_share, debt, debt_ceiling, keepers_mean);
  }
  void put(const std::string& path, const controller::EconomyLaw& x) {
    const auto& [mechanism, inputs, is_amount, scale, action] = x;
    std::vector<std::string> list;
    for (const auto& [source, constant, metric, input_scale] : inputs) {
      list.push_back(std::to_string(static_cast<int>(source)) + ":" + text_of(constant) + ":" + metric + "*" +
                     text_of(input_scale));
    }
    fields(path, "mechanism inputs is_amount scale action", mechanism, list, is_amount, scale, action);
  }
  void put(const std::string& path, const controller::Plausibility& x) {
    const auto& [moved_ratio, within, response_ratio] = x;
    fields(path, "moved_ratio within response_ratio", moved_ratio, within, response_ratio);
  }

  // --- the daemon ---
  void put(const std::string& path, const DaemonSettings& x) {
    const auto& [listen, journal, log, sources, drain_deadline] = x;
    const auto& [grpc, http, tls] = listen;
    const auto& [certificate, key, client_ca] = tls;
    fields(path, "listen.grpc listen.http listen.tls.certificate listen.tls.key listen.tls.client_ca", grpc, http,
           certificate, key, client_ca);
    const auto& [directory, retention, snapshot_period, queue_bytes_max] = journal;
    fields(path, "journal.directory journal.retention journal.snapshot_period journal.queue_bytes_max", directory,
           retention, snapshot_period, queue_bytes_max);
    const auto& [format, level] = log;
    fields(path, "log.format log.level sources drain_deadline", format, level, sources, drain_deadline);
  }
  void put(const std::string& path, const SourceConnection& x) {
    const auto& [name, connection] = x;
    fields(path, "kind", std::string(kind_of(connection)));
    put(path, connection);
  }
  void put(const std::string&, const PushConnection&) {}
  void put(const std::string& path, const HttpAccess& x) {
    const auto& [deadline, ca_file, authorization_file, backoff_first, backoff_max] = x;
    fields(path, "deadline ca_file authorization_file backoff_first backoff_max", deadline, ca_file, authorization_file,
           backoff_first, backoff_max);
  }
  void put(const std::string& path, const EvmProviderSettings& x) {
    const auto& [name, http, ws, requests_per_s, burst] = x;
    fields(path, "http ws requests_per_s burst", http, ws, requests_per_s, burst);
  }
  void put(const std::string& path, const EvmPoolSettings& x) {
    const auto& [failures_max, probes_good, behind_max, head_silence_max, finalized_silence_max, probe_period,
                 hedge_after, agreement] = x;
    fields(
        path,
        "failures_max probes_good behind_max head_silence_max finalized_silence_max probe_period hedge_after agreement",
        failures_max, probes_good, behind_max, head_silence_max, finalized_silence_max, probe_period, hedge_after,
        agreement);
  }
  void put(const std::string& path, const EvmConnection& x) {
    const auto& [providers, pool, chain_id, start_at_latest, start_block, poll, range_max, finality, confirmations,
                 finality_depth, check_bloom, check_backfill, check_receipts, ws_silence_max, contracts, access] = x;
    fields(path, "providers pool chain_id start_at_latest start_block poll range_max", providers, pool, chain_id,
           start_at_latest, start_block, poll, range_max);
    fields(path,
           "finality confirmations finality_depth check_bloom check_backfill check_receipts ws_silence_max contracts "
           "access",
           finality, confirmations, finality_depth, check_bloom, check_backfill, check_receipts, ws_silence_max,
           contracts, access);
  }
  void put(const std::string& path, const PrometheusConnection& x) {
    const auto& [url, period, queries, access] = x;
    fields(path, "url period queries access", url, period, queries, access);
  }
  void put(const std::string& path, const HttpValue& x) {
    const auto& [pointer, time_pointer] = x;
    fields(path, "pointer time_pointer", pointer, time_pointer);
  }
  void put(const std::string& path, const HttpConnection& x) {
    const auto& [url, period, values, access] = x;
    fields(path, "url period values access", url, period, values, access);
  }
  void put(const std::string& path, const ChainlinkFeedSettings& x) {
    const auto& [name, metric, proxy, heartbeat, slack, phase_change_max_ratio, decimals, description] = x;
    fields(path, "metric proxy heartbeat slack phase_change_max_ratio decimals description", metric, proxy, heartbeat,
           slack, phase_change_max_ratio, decimals, description);
  }
  void put(const std::string& path, const ChainlinkConnection& x) {
    const auto& [providers, chain_id, poll, head_age_max, sequencer_uptime_feed, sequencer_grace, feeds, access] = x;
    fields(path, "providers chain_id poll head_age_max sequencer_uptime_feed sequencer_grace feeds access", providers,
           chain_id, poll, head_age_max, sequencer_uptime_feed, sequencer_grace, feeds, access);
  }

  std::set<std::string> lines_;
};

}  // namespace homeostat::config
