// Makes a policy of a text in a journal: secrets are not asked for, since nothing is connected to.
#pragma once

#include "engine/codec.hpp"

namespace homeostat::cli {

/// The configuration's errors as one Error: the engine's codec wants a Result.
[[nodiscard]] Result<engine::PolicyPtr> load_policy(const std::string& text);

}  // namespace homeostat::cli
