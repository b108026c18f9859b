// The loader: a YAML text in, a ValidConfig or everything that is wrong with it out. The daemon, the
// simulator and the command use this one and no other, so a configuration that `homeostat check`
// accepts is one that the daemon starts with.
//
// Strict: an unknown key, a value without its unit, a limit that contradicts another, a name that does
// not exist: each is an error with its place in the file and the nearest right thing, and all of them
// are reported at once. docs/configuration.md describes every key.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "config/daemon_settings.hpp"
#include "config/diagnostic.hpp"
#include "config/environment.hpp"
#include "config/incident_settings.hpp"
#include "engine/policy.hpp"

namespace homeostat::config {

class ValidConfig;
using Loaded = tl::expected<ValidConfig, std::vector<Diagnostic>>;

/// A configuration that holds together. Only load_text and load_file make one; it cannot be changed.
class ValidConfig {
 public:
  /// What the engine decides with; passed engine::check. Never null.
  [[nodiscard]] const engine::PolicyPtr& policy() const { return policy_; }
  [[nodiscard]] const DaemonSettings& daemon() const { return daemon_; }
  /// How `homeostat incidents` uses it; without rules when the file says nothing about it.
  [[nodiscard]] const IncidentSettings& incidents() const { return incidents_; }
  /// The text after substitution of environment variables and without the secret parts of addresses
  /// (config/secrets.hpp): what the journal keeps. Loading it again gives an equal policy, whatever the environment.
  [[nodiscard]] const std::string& text() const { return text_; }
  /// 32 hex digits of the text's hash; equal to policy()->digest.
  [[nodiscard]] const std::string& digest() const { return policy_->digest; }
  /// Not errors, but worth a look: shown by `homeostat check` and logged at start-up.
  [[nodiscard]] const std::vector<Diagnostic>& warnings() const { return warnings_; }

 private:
  friend Loaded load_text(std::string_view text, const std::string& file_name, const Environment& environment);
  ValidConfig() = default;

  engine::PolicyPtr policy_;
  DaemonSettings daemon_;
  IncidentSettings incidents_;
  std::string text_;
  std::vector<Diagnostic> warnings_;
};

/// `file_name` is used in diagnostics only. Never throws; a text beyond the bounds of config/yaml.hpp is
/// refused. Diagnostics are in the order of the file.
[[nodiscard]] Loaded load_text(std::string_view text, const std::string& file_name,
                               const Environment& environment = process_environment());

/// Reads and loads a file; one that cannot be read is a diagnostic without a line.
[[nodiscard]] Loaded load_file(const std::string& path, const Environment& environment = process_environment());

}  // namespace homeostat::config
