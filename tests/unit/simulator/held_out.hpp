// Incidents that nobody recorded, for holding the oracle to more than the ones it was looked at with. Everything comes
// from a seed: asset, number of sources, size, speed and shape.
#pragma once

#include <cstdint>
#include <vector>

#include "core/random.hpp"
#include "simulator/incident_series.hpp"

namespace homeostat::simulator::testing {

enum class Shape : std::uint8_t {
  minority_lies,    ///< fewer than half of the independent sources say anything at all
  even_split,       ///< exactly half of them agree on a lie
  thin_pump,        ///< every source of a thin asset is moved, and comes back
  rate_donation,    ///< an exchange rate that all sources read from one contract jumps
  real_crash,       ///< a major coin falls and recovers; must be followed
  real_depeg,       ///< a stablecoin loses its peg and may find it again; must be followed
  real_thin,        ///< a thin asset moves as fast as one is believed; must be followed
  outage,           ///< sources go silent, one, some or all, while the truth moves on
  frozen_minority,  ///< fewer than half repeat their last value while the truth moves
  slow_drift,       ///< fewer than half walk away so slowly that no step is remarkable
};
inline constexpr std::uint8_t kShapeCount = 10;

[[nodiscard]] const char* name_of(Shape shape);

/// What nobody can know from prices alone is left out, and so is the guarantee's edge:
///  - a minority that lies is smaller than half of the sources that speak;
///  - a thin asset's pump is faster than the thin class believes, and shorter than its re-seed takes;
///  - what is real is slower than its class believes.
[[nodiscard]] IncidentSeries make_held_out(Shape shape, std::uint64_t seed);

/// The same series in other units, at another speed and with more sources that say what the first ones do.
[[nodiscard]] IncidentSeries varied(IncidentSeries series, Random& random);

}  // namespace homeostat::simulator::testing
