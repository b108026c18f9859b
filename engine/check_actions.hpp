// The part of check() that is about actions: what a parameter is in the world, and the laws and mechanisms that may
// move it.
#pragma once

#include <string>

#include "controller/law.hpp"
#include "engine/check_findings.hpp"
#include "engine/policy.hpp"

namespace homeostat::engine {

/// A parameter's action: an amount's asset, bounds and recipients.
void check_action(const guardian::ParameterSettings& settings, const std::string& where, Findings& found);

/// A total is moved by what gives amounts: the output of another law is a place to be at, not a thing to do.
/// `parameter`: of the loop, nullptr if it is unknown.
void check_moves_amount(const controller::LoopSettings& loop, const guardian::ParameterSettings* parameter,
                        const std::string& where, Findings& found);

/// The mechanism of the law economy: its inputs, and whether it gives what the loop's parameter is. `at`: the law's
/// key.
void check_mechanism(const controller::EconomyLaw& law, const guardian::ParameterSettings* parameter,
                     const std::string& at, Findings& found);

}  // namespace homeostat::engine
