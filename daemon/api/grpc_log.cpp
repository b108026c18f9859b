#include "daemon/api/grpc_log.hpp"

#include <atomic>

#include <fmt/format.h>
#include <grpc/support/log.h>

namespace homeostat::daemon::api {
namespace {

std::atomic<GrpcLog> current{nullptr};

GrpcLogLevel level_of(gpr_log_severity severity) {
  switch (severity) {
    case GPR_LOG_SEVERITY_DEBUG: return GrpcLogLevel::debug;
    case GPR_LOG_SEVERITY_INFO: return GrpcLogLevel::info;
    case GPR_LOG_SEVERITY_ERROR: return GrpcLogLevel::error;
  }
  return GrpcLogLevel::error;
}

void pass_on(gpr_log_func_args* line) {
  const GrpcLog log = current.load(std::memory_order_acquire);
  if (log == nullptr) return;
  std::string_view file = line->file;
  file.remove_prefix(file.rfind('/') == std::string_view::npos ? 0 : file.rfind('/') + 1);
  log(level_of(line->severity), fmt::format("{} ({}:{})", line->message, file, line->line));
}

}  // namespace

void set_grpc_log(GrpcLog log) {
  current.store(log, std::memory_order_release);
  gpr_set_log_function(log == nullptr ? nullptr : &pass_on);
}

}  // namespace homeostat::daemon::api
