// Nudges: messages that may help people do what they would want to, each of them true, few, and approved.
//
// True: a text is made of a template and of live metric values. A template has no digit and no word for a number of
// its own, so that every number in a text is a metric's; `when` says what must hold for the words to be true
// ("more than ever" needs a metric that says so). A value that is missing, too old or not trusted blocks the nudge;
// `valid_until` says until when its numbers may be shown, and `record_sent` refuses one that is past it.
//
// Few: at most `per_person_max` in `window` for one person, `gap_min` between two, and `per_segment_max` in `window`
// for a segment. The ledger counts what was sent, and says no once more when a proposal is sent.
//
// Approved: a nudge is a proposal with the number of approvals it needs, at least one; framings that press need two.
// Nothing is sent from here.
//
// Effect: the change of the share that acts, a belief mean -+ deviation that outcomes of treated and control groups
// move (normal prior, normal likelihood):
//
//     x = k_t/n_t - k_c/n_c,   v = q_t (1 - q_t) / n_t + q_c (1 - q_c) / n_c,   q = (k + 1) / (n + 2)
//     precision' = 1 / deviation^2 + 1 / v,   mean' = (mean / deviation^2 + x / v) / precision'
//
// Units: effects in shares of 1. Source: prior mean 0.014, what nudge units found at scale where published trials
// said 0.087 [DellaVigna, Linos 2022]; its deviation is our own choice; framings after [Tversky, Kahneman 1981; Thaler,
// Sunstein 2008; Cialdini 1984].
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/result.hpp"
#include "core/time.hpp"
#include "economy/behaviour/live.hpp"
#include "economy/behaviour/registry.hpp"

namespace homeostat::economy::behaviour {

enum class Framing : std::uint8_t { reminder, gain, commitment, social_proof, loss, urgency };
constexpr Framing last_of(Framing) {
  return Framing::urgency;
}
[[nodiscard]] std::string_view name_of(Framing framing);
/// One, but two for loss and urgency, which press.
[[nodiscard]] std::uint32_t approvals_for(Framing framing);

/// What must hold of a live metric for the words to be true.
struct Condition {
  std::string metric;
  double min = -1e300, max = 1e300;
};

inline constexpr std::size_t kTextMax = 500;
inline constexpr std::size_t kNumbersMax = 8;

struct Template {
  std::string name;
  Behaviour behaviour = Behaviour::stake;
  Framing framing = Framing::reminder;
  /// With {metric} or {metric:N} (N decimals, 0..9, default 2) or {metric:percent} (times 100, one decimal) where a
  /// number goes.
  std::string text;
  std::vector<Condition> when;
  Duration age_max = Duration::minutes(10);  ///< of every value it uses, 1 s..30 d
};
/// Errors name what is wrong with which template: a number of its own, an unclosed brace, no metric at all.
[[nodiscard]] Result<> check(const Template& t);

/// Mean and deviation of the change of the share that acts.
struct Effect {
  double mean = 0.014;
  double deviation = 0.02;

  bool operator==(const Effect&) const = default;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.mean), a(x.deviation);
  }
};

struct Trial {
  std::uint64_t treated = 0, treated_acted = 0;
  std::uint64_t control = 0, control_acted = 0;
};

struct FrequencyLimits {
  Duration window = Duration::days(30);  ///< 1 min..365 d
  Duration gap_min = Duration::days(3);  ///< 0..window
  std::uint32_t per_person_max = 2;      ///< 1..100
  std::uint32_t per_segment_max = 1000;  ///< 1..10'000
};
[[nodiscard]] Result<> check(const FrequencyLimits& limits);

inline constexpr std::size_t kPersonsMax = 100'000;
inline constexpr std::size_t kSegmentsMax = 1000;
inline constexpr std::size_t kEffectsMax = 1000;

/// The state: what was sent within the window, and what is believed of each template.
struct Ledger {
  std::map<std::string, std::vector<Instant>> persons;  ///< oldest first
  std::map<std::string, std::vector<Instant>> segments;
  std::map<std::string, Effect> effects;  ///< by template; others have the prior

  bool operator==(const Ledger&) const = default;
  template <class Archive, class Self>
  static void fields(Archive& a, Self& x) {
    a(x.persons), a(x.segments), a(x.effects);
  }
};

struct Audience {
  std::string person;   ///< a key, not a name; not empty
  std::string segment;  ///< not empty
};

struct Quoted {
  std::string metric;
  double value = 0;
  Instant as_of;
  std::string text;  ///< as it stands in the message

  bool operator==(const Quoted&) const = default;
};

struct NudgeProposal {
  std::string template_name;
  Behaviour behaviour = Behaviour::stake;
  Framing framing = Framing::reminder;
  Audience audience;
  std::string text;
  std::vector<Quoted> numbers;  ///< every number in the text, in its order
  Effect effect;
  std::uint32_t approvals_needed = 1;
  Instant made, valid_until;
};

/// The proposal of a checked template. Errors: unavailable (a value that is missing, old or not trusted, and which),
/// conflict (a frequency limit, and when it ends), unsupported (a condition does not hold), missing (no person).
[[nodiscard]] Result<NudgeProposal> propose(const Template& t, const LiveValues& values, const Ledger& ledger,
                                            const FrequencyLimits& limits, const Audience& audience, Instant now);

struct Candidate {
  std::string template_name;
  Effect effect;
  Result<NudgeProposal> proposal;  ///< or why not
};
/// Of the checked templates for a behaviour: those that may be proposed first, by mean less deviation, most first,
/// then by name; then the others, with the reason.
[[nodiscard]] std::vector<Candidate> candidates(std::span<const Template> templates, Behaviour behaviour,
                                                const LiveValues& values, const Ledger& ledger,
                                                const FrequencyLimits& limits, const Audience& audience, Instant now);

/// Counts a proposal that is being sent with so many approvals. Errors leave the ledger as it was: permission_denied
/// (too few approvals), unavailable (past valid_until), conflict (a limit), resource_exhausted (kPersonsMax).
[[nodiscard]] Result<> record_sent(Ledger& ledger, const FrequencyLimits& limits, const NudgeProposal& proposal,
                                   std::uint32_t approvals, Instant now);

/// Takes in the outcome of a trial of the template. Both groups have 1..1e9 people. An error leaves the ledger as it
/// was.
[[nodiscard]] Result<> learn(Ledger& ledger, const std::string& template_name, const Trial& trial);

}  // namespace homeostat::economy::behaviour
