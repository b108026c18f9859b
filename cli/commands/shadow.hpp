// What the shadow commands share: a candidate from its file, and the comparison as a table.
#pragma once

#include <string>

#include "cli/commands/context.hpp"
#include "engine/policy.hpp"

namespace homeostat::cli {

[[nodiscard]] Outcome<std::string> read_text(const std::string& path);

/// The candidate, or that it is not valid and where to see why.
[[nodiscard]] Outcome<engine::PolicyPtr> candidate_of(const std::string& path, const std::string& text);

/// How a shadow differs from the live policy, for each parameter.
[[nodiscard]] std::string diff_text(const v1::Shadow& shadow, const Context& context);

/// What an allow_policy of this fingerprint lets happen, in words; of a shadow of the daemon also what it would loosen.
[[nodiscard]] std::string allowance_text(Client& client, const std::string& fingerprint);

void add_promote_command(CLI::App& group, Context& context);

}  // namespace homeostat::cli
