#include "daemon/convert/admin.hpp"

#include <algorithm>

#include "daemon/convert/fields.hpp"

namespace homeostat::convert {
namespace {

bool is_file_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

}  // namespace

Result<std::string> backup_name_from_proto(const v1::BackupRequest& proto) {
  const std::string& name = proto.name();
  if (auto ok = check_optional_name(name, "name"); !ok) {
    return tl::make_unexpected(ok.error());
  }
  if (name.starts_with('.') || name.starts_with('-') ||
      !std::all_of(name.begin(), name.end(), is_file_name_character)) {
    return fail(ErrorCode::malformed, "name",
                "is not a plain file name: letters, digits, '.', '_' and '-', not starting with '.' or '-'");
  }
  return name;
}

Result<std::string> log_level_from_proto(const v1::SetLogLevelRequest& proto) {
  if (auto ok = check_name(proto.level(), "level"); !ok) {
    return tl::make_unexpected(ok.error());
  }
  return proto.level();
}

void proto_from_config(const daemon::ConfigStatus& config, v1::GetConfigResponse& proto) {
  proto.set_path(config.path);
  proto.set_text(valid_utf8(config.text));
  proto.set_digest(config.digest);
  proto.set_generation(config.generation);
  proto.set_last_reload_failed(config.last_reload_failed);
  for (const std::string& error : config.last_errors) {
    proto.add_last_errors(valid_utf8(error));
  }
}

void proto_from_reload(const daemon::ReloadOutcome& outcome, v1::ReloadResponse& proto) {
  proto.set_changed(outcome.changed);
  proto.set_generation(outcome.generation);
  proto.set_digest(outcome.digest);
  for (const std::string& error : outcome.errors) {
    proto.add_errors(valid_utf8(error));
  }
}

void proto_from_backup(const daemon::BackupOutcome& outcome, v1::BackupResponse& proto) {
  proto.set_path(outcome.path);
  proto.set_sequence(outcome.sequence);
  proto.set_bytes(outcome.bytes);
}

}  // namespace homeostat::convert
