// The laws other than pid, as a loop of a policy uses them: what each makes of a reading, where it goes on from, and
// what it remembers. The laws themselves are in the files beside this one; here they get a common shape.
//
// Decides: the value that a law asks for [U, the parameter's unit], as a contribution around the parameter's initial
// value, inside the loop's own output limits; and a reason code.
//
//     contribution = value(law, state, reading) - initial + bridge
//
// Three families, by what a law goes on from:
//   its own value   multiplicative, sigmoid (in the parameter's smallest units), direct_rate (RAY/s), blob_fee (its
//   excess) an integral     rai_pi nothing         semilog, exponential; ratio and some of economy: the applied value
//   itself
// What they keep of it is an exact integer of up to 256 bits.
//
// Readings. Unusable, of the loop's metric or of one that the law reads besides: nothing of the law moves and the
// output is held. Doubtful (authority < 1): only that share of the way.
//
// Windup by what was applied. The excess (engine/arbitration.cpp) is added to the law's own value, or solved into its
// excess or integral, so that a law never runs away from what executors take. Laws that remember nothing cannot.
//
// Bumpless. After start, a hand-back, or a change of the law's settings, the next usable step solves the law's memory
// for the output that is held; what memory cannot carry is the `bridge`, an offset that halves every
// hand_back_half_life. The first step after it therefore moves nothing; from then on the law's own value is approached.
//
// Time. `every`: a law that acts per block or per day steps once that much time has passed since its last step, and
// only once however long it was; a downtime is never made up for.
//
// Faults. What would revert in a contract (beyond 256 bits) leaves everything as it was; the reason is `fault`.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "controller/law_kind.hpp"
#include "controller/monetary.hpp"
#include "controller/multiplicative.hpp"
#include "controller/pid.hpp"
#include "controller/rai_pi.hpp"
#include "controller/ratio.hpp"
#include "controller/sigmoid.hpp"
#include "core/shared_text.hpp"

namespace homeostat::controller {

/// What a redemption rate is compared for and stated as; the loop's metric is the market price.
struct Redemption {
  std::string price;                    ///< metric, in the unit of the loop's; empty = the loop's set-point
  Duration per = Duration::seconds(1);  ///< the parameter is a rate per this long, not compounded
  double units_per_ratio = 1;           ///< of the parameter: 1, 100 (%), 10,000 (bps)
  bool operator==(const Redemption&) const = default;
};
struct RaiPiLaw {
  rai::Settings settings;
  Redemption redemption;
  bool operator==(const RaiPiLaw&) const = default;
};
struct MultiplicativeLaw {
  multiplicative::BaseFeeSettings settings;  ///< the set-point is the target, elasticity times it the limit
  Duration every;                            ///< 0 = every tick
  bool operator==(const MultiplicativeLaw&) const = default;
};
struct BlobFeeLaw {
  double fee_min = 0;          ///< U, at no excess
  double update_fraction = 0;  ///< PV; this much excess multiplies the fee by e
  Duration every;
  bool operator==(const BlobFeeLaw&) const = default;
};
struct SigmoidLaw {
  sigmoid::Settings settings;  ///< the parameter itself grows by the percentage
  Duration every;
  bool operator==(const SigmoidLaw&) const = default;
};
struct RatioLaw {
  ratio::Settings settings;  ///< min and max are the parameter's
  bool operator==(const RatioLaw&) const = default;
};
struct SemilogLaw {
  monetary::Semilog settings;  ///< U
  double full = 1;             ///< PV that is a utilisation of 1
  bool operator==(const SemilogLaw&) const = default;
};
struct ExponentialLaw {
  monetary::Exponential settings;  ///< U; the peg is the loop's set-point
  std::string keepers_share;       ///< metric, a ratio; empty = none held
  std::string debt;                ///< metric
  std::string debt_ceiling;        ///< metric, in the unit of the debt
  Duration keepers_mean;           ///< time constant of the mean of the keepers' share, 0 = none
  bool operator==(const ExponentialLaw&) const = default;
};

/// Where a mechanism takes one of its inputs from.
enum class InputSource : std::uint8_t {
  constant,
  metric,    ///< another metric
  reading,   ///< the loop's metric
  setpoint,  ///< of the loop, as guardians shift it
  applied,   ///< the parameter's applied value
};
struct MechanismInput {
  InputSource source = InputSource::constant;
  double constant = 0;  ///< in the mechanism's unit
  std::string metric;
  double scale = 1;  ///< times this, from the metric's or parameter's unit to the mechanism's: 0.01 from % to ratio
  bool operator==(const MechanismInput&) const = default;
};
/// A mechanism of the token economy, by name: the engine evaluates it (economy/mechanism.hpp), here it gets limits,
/// quality and hand-back like every other law.
struct EconomyLaw {
  std::string mechanism;
  std::vector<MechanismInput> inputs;  ///< in the mechanism's order
  bool is_amount = false;              ///< what it gives is to be moved now; its parameter is the total moved
  double scale = 1;                    ///< times this, from the mechanism's unit to the parameter's
  Action action = Action::direct;
  bool operator==(const EconomyLaw&) const = default;
};

struct DirectRateLaw {
  Int acceleration;  ///< WAD, by which the rate moves in a step for a deviation of 1
  Redemption redemption;
  Duration every;  ///< 0 = every tick
  bool operator==(const DirectRateLaw&) const = default;
};

/// In the order of LawKind; none = pid, whose settings are PidSettings.
using LawChoice = std::variant<std::monostate, RaiPiLaw, MultiplicativeLaw, BlobFeeLaw, SigmoidLaw, RatioLaw,
                               SemilogLaw, ExponentialLaw, EconomyLaw, DirectRateLaw>;
struct LawSettings {
  LawChoice choice;
  Duration hand_back_half_life;  ///< of the bridge, 0 = ten periods

  [[nodiscard]] LawKind kind() const { return static_cast<LawKind>(choice.index()); }
  [[nodiscard]] bool is_pid() const { return choice.index() == 0; }
  bool operator==(const LawSettings&) const = default;
};

/// Whether the law raises its parameter when its metric is low, as pid's `direct`; by its own nature.
[[nodiscard]] Action action_of(const LawSettings& law);
/// The metrics that it reads besides the loop's own, in fixed places; empty names are not read.
inline constexpr std::size_t kLawMetricsMax = 8;
using LawMetrics = std::array<std::string, kLawMetricsMax>;
[[nodiscard]] LawMetrics metrics_of(const LawSettings& law);
/// Whether the law remembers something that a difference between wanted and applied can wind up.
[[nodiscard]] bool can_wind_up(const LawSettings& law);
/// What contradicts itself in it, with the key's name relative to the law; none = it can run.
[[nodiscard]] Result<> check(const LawSettings& law, Duration period);

/// What each law remembers. 256-bit numbers are archived as decimal digits.
struct ValueMemory {
  Int value;        ///< the parameter's smallest units; direct_rate: RAY/s above neutral
  Instant stepped;  ///< of the last step of the law

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x);
};
struct BlobMemory {
  Int excess;  ///< 10^-9 PV
  Instant stepped;

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x);
};
struct RaiMemory {
  rai::State state;
  Instant stepped;

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x);
};
struct RatioMemory {
  ratio::State state;
  double seen = 0;  ///< the applied value of the last step, U

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.state), a(x.seen);
  }
};
struct ExponentialMemory {
  double keepers_mean = 0;
  monetary::LeastDebt least;
  Instant stepped;

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.keepers_mean), a(x.least), a(x.stepped);
  }
};
using LawMemory = std::variant<std::monostate, RaiMemory, ValueMemory, BlobMemory, RatioMemory, ExponentialMemory>;

struct LawState {
  LawMemory memory;
  double bridge = 0;  ///< U
  double raw = 0;     ///< the law's own value at the last usable step, U, before bridge and the loop's limits
  LawReason reason = LawReason::none;
  SharedText detail;  ///< of economy: what the mechanism was given, and what it gave

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.memory), a(x.bridge), a(x.raw), a(x.reason), a(x.detail);
  }
};

/// A LawState of its own, or none: a loop with the pid law carries a pointer, not 300 bytes of somebody else's memory.
class LawBox {
 public:
  LawBox() = default;
  LawBox(const LawBox& o) : state_(o.state_ ? std::make_unique<LawState>(*o.state_) : nullptr) {}
  LawBox(LawBox&&) noexcept = default;
  LawBox& operator=(const LawBox& o) {
    if (this == &o) return *this;
    if (state_ && o.state_) {
      *state_ = *o.state_;  // in the room there is
    } else {
      state_ = o.state_ ? std::make_unique<LawState>(*o.state_) : nullptr;
    }
    return *this;
  }
  LawBox& operator=(LawBox&&) noexcept = default;
  ~LawBox() = default;

  [[nodiscard]] const LawState* get() const { return state_.get(); }
  [[nodiscard]] LawState& made() {
    if (!state_) state_ = std::make_unique<LawState>();
    return *state_;
  }
  void reset() { state_.reset(); }

  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    bool has = x.state_ != nullptr;
    a(has);
    if constexpr (requires { a.fail(); }) {
      x.state_ = has ? std::make_unique<LawState>() : nullptr;
    }
    if (has) a(*x.state_);
  }

 private:
  std::unique_ptr<LawState> state_;
};

struct LawInput {
  double process_variable = 0;  ///< PV
  double setpoint = 0;          ///< PV, ramped and shifted
  std::array<double, kLawMetricsMax> others{};
  Instant now;
  double dt_s = 0;  ///< since the last tick
  bool usable = true;
  double authority = 1;
  double excess = 0;                ///< U, as for pid
  double applied = 0;               ///< U, the parameter's applied value
  double base = 0;                  ///< U, its initial value, which contributions are around
  int decimals = 0;                 ///< of the parameter
  Duration period;                  ///< of the decision grid
  std::optional<double> mechanism;  ///< economy: what the mechanism gave, U; none = it refused
};

/// One step in place. `limits` are the loop's own output limits and the cap of a step's time (with_defaults()); `last`
/// gets what pid's would: error, P and I where the law has them, the sum before limits, the output.
void advance(const LawSettings& law, const PidSettings& limits, const LawInput& input, LawState& state, PidStep& last);

// --- archives of 256-bit numbers ---

template <class Archive>
void archive_int(Archive& a, const Int& x) {
  a(text_of(x));
}
template <class Archive>
void archive_int(Archive& a, Int& x) {
  if constexpr (requires { a.fail(); }) {
    std::string text;
    a(text);
    const auto value = parse_int(text);
    if (!value) return a.fail();
    x = *value;
  } else {
    a(text_of(x));
  }
}
template <class Archive, class Self>
void ValueMemory::fields(Archive& a, Self& x) {
  archive_int(a, x.value), a(x.stepped);
}
template <class Archive, class Self>
void BlobMemory::fields(Archive& a, Self& x) {
  archive_int(a, x.excess), a(x.stepped);
}
template <class Archive, class Self>
void RaiMemory::fields(Archive& a, Self& x) {
  a(x.state.last_time), archive_int(a, x.state.last_proportional), archive_int(a, x.state.integral), a(x.stepped);
}

}  // namespace homeostat::controller
