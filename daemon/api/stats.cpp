#include "daemon/api/stats.hpp"

namespace homeostat::daemon::api {
namespace {

constexpr std::string_view kIngest = "homeostat.v1.IngestService";
constexpr std::string_view kControl = "homeostat.v1.ControlService";
constexpr std::string_view kActuator = "homeostat.v1.ActuatorService";
constexpr std::string_view kGuardian = "homeostat.v1.GuardianService";
constexpr std::string_view kAdmin = "homeostat.v1.AdminService";
constexpr std::string_view kEconomy = "homeostat.v1.EconomyService";

constexpr std::array<MethodName, kMethodCount> kMethodNames = {{
    {kIngest, "Ingest"},          {kIngest, "Push"},
    {kControl, "GetStatus"},      {kControl, "ListSources"},
    {kControl, "ListMetrics"},    {kControl, "ListLoops"},
    {kControl, "ListParameters"}, {kControl, "ListDecisions"},
    {kControl, "Explain"},        {kControl, "Preview"},
    {kControl, "Watch"},          {kActuator, "Subscribe"},
    {kActuator, "Acknowledge"},   {kGuardian, "Pause"},
    {kGuardian, "Resume"},        {kGuardian, "Override"},
    {kGuardian, "ClearOverride"}, {kGuardian, "ShiftSetpoint"},
    {kGuardian, "ClearShift"},    {kGuardian, "Emergency"},
    {kGuardian, "Veto"},          {kGuardian, "Release"},
    {kGuardian, "ClearHalt"},     {kGuardian, "Submit"},
    {kGuardian, "ListPending"},   {kAdmin, "Reload"},
    {kAdmin, "GetConfig"},        {kAdmin, "Backup"},
    {kAdmin, "SetLogLevel"},      {kAdmin, "GetVersion"},
    {kAdmin, "AddShadow"},        {kAdmin, "RemoveShadow"},
    {kAdmin, "ListShadows"},      {kAdmin, "PromoteShadow"},
    {kEconomy, "ListMechanisms"}, {kEconomy, "ListGovernedParameters"},
    {kEconomy, "Evaluate"},       {kEconomy, "QuoteBonding"},
    {kEconomy, "Apportion"},      {kEconomy, "FindArbitrage"},
    {kEconomy, "PlanRebalance"},
}};

constexpr std::array<std::string_view, kStatusCodeCount> kStatusCodeNames = {
    "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED"};

}  // namespace

MethodName name_of(Method method) {
  return kMethodNames[static_cast<std::size_t>(method)];
}

std::string_view status_code_name(std::size_t code) {
  return code < kStatusCodeCount ? kStatusCodeNames[code] : std::string_view("?");
}

void Counters::count_call(Method method, int status_code) {
  constexpr std::size_t kUnknown = 2;
  const auto code = static_cast<std::size_t>(status_code);
  const std::size_t column = code < kStatusCodeCount ? code : kUnknown;
  calls[static_cast<std::size_t>(method)][column].fetch_add(1, std::memory_order_relaxed);
}

ApiStats Counters::snapshot() const {
  const auto read = [](const Counter& counter) { return counter.load(std::memory_order_relaxed); };
  ApiStats stats{.ingest_streams = read(ingest_streams),
                 .watch_streams = read(watch_streams),
                 .subscribe_streams = read(subscribe_streams),
                 .pending_calls = read(pending_calls),
                 .batches = read(batches),
                 .samples = read(samples),
                 .overloaded = read(overloaded),
                 .malformed = read(malformed),
                 .slow_clients_cut = read(slow_clients_cut),
                 .refused_streams = read(refused_streams)};
  stats.methods.reserve(kMethodCount);
  for (std::size_t method = 0; method < kMethodCount; ++method) {
    MethodStats& row = stats.methods.emplace_back(MethodStats{.name = kMethodNames[method]});
    for (std::size_t code = 0; code < kStatusCodeCount; ++code) {
      row.calls[code] = read(calls[method][code]);
    }
  }
  return stats;
}

}  // namespace homeostat::daemon::api
