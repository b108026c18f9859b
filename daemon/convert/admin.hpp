// AdminService: configuration, backup, log level.
#pragma once

#include <string>

#include "core/result.hpp"
#include "daemon/api/backend.hpp"
#include "homeostat/v1/admin.pb.h"

namespace homeostat::convert {

/// A plain file name (letters, digits, '.', '_', '-', not starting with '.'), so that no request can reach
/// outside the backup directory. Empty is allowed: the daemon then makes one of the time.
[[nodiscard]] Result<std::string> backup_name_from_proto(const v1::BackupRequest& proto);
[[nodiscard]] Result<std::string> log_level_from_proto(const v1::SetLogLevelRequest& proto);

void proto_from_config(const daemon::ConfigStatus& config, v1::GetConfigResponse& proto);
void proto_from_reload(const daemon::ReloadOutcome& outcome, v1::ReloadResponse& proto);
void proto_from_backup(const daemon::BackupOutcome& outcome, v1::BackupResponse& proto);

}  // namespace homeostat::convert
