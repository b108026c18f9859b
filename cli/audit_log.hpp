// The log of everything that people and the policy did, from a journal: commands with their outcome, configurations,
// decisions with their answer, and what happened to the journal itself. Read, not believed: `audit verify` checks it.
//
// Outcomes (accepted, refused and why) are not stored; they are made again by the engine from the nearest snapshot on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "engine/codec.hpp"

namespace homeostat::cli {

struct AuditEvent {
  Instant at;
  std::string kind;         ///< command, configuration, decision, answer, journal
  std::uint64_t id = 0;     ///< of the command or decision; 0 = none
  std::uint64_t input = 0;  ///< its sequence number; 0 = not an input
  std::string who;          ///< actor, executor
  std::string what;         ///< one sentence
  std::string outcome;      ///< accepted, refused, emitted, ...
  std::string reason;       ///< why it was done, or refused
  std::string signed_text;  ///< of a signed order, whole
};

struct AuditLogOptions {
  std::filesystem::path journal;
  engine::PolicyLoader loader;
  Instant since;             ///< never = from the oldest
  Instant until;             ///< never = to the newest
  bool all = false;          ///< also decisions that sent nothing
  std::size_t limit = 1000;  ///< newest kept
};

struct AuditLog {
  std::vector<AuditEvent> events;  ///< ascending in time
  std::uint64_t left_out = 0;      ///< older ones beyond the limit
};

/// Errors: what the journal's reader reports, and policies that this version does not accept.
[[nodiscard]] Result<AuditLog> audit_log(const AuditLogOptions& options);

}  // namespace homeostat::cli
