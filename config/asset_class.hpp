// What a kind of asset needs before its price may be acted on. A metric's `class` sets these; every key given beside it
// overrides its own setting. docs/oracle.md has them as a table, with the reasons.
#pragma once

#include <cstdint>

#include "oracle/settings.hpp"

namespace homeostat::config {

enum class AssetClass : std::uint8_t {
  peg,            ///< is meant to be worth something fixed
  major,          ///< trades deep on many venues: nobody can move all of them
  thin,           ///< everything else: one buyer can move every venue at once
  exchange_rate,  ///< of a share of a vault or a staked token: grows slowly, never falls
};

/// Sets what the class says and nothing else.
void apply_class(AssetClass asset_class, oracle::MetricSettings& m);

}  // namespace homeostat::config
