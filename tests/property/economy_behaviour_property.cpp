// Models, predictions and nudges under anything: shares stay shares, time may be cut anywhere, limits hold whoever
// asks, and what a ledger forgot would not have counted.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>

#include "core/archive.hpp"
#include "core/random.hpp"
#include "economy/behaviour/diffusion.hpp"
#include "economy/behaviour/habit.hpp"
#include "economy/behaviour/nudge.hpp"
#include "economy/behaviour/prediction.hpp"
#include "economy/behaviour/prospect.hpp"

namespace homeostat::economy::behaviour {
namespace {

const Instant kStart = Instant::from_unix_seconds(1'800'000'000);

Random any_random() {
  return Random(*rc::gen::arbitrary<std::uint64_t>());
}

Duration any_time(Random& r, std::int64_t days) {
  return Duration::seconds(static_cast<std::int64_t>(r.below(static_cast<std::uint64_t>(days * 86400))));
}

/// An end of its range as likely as the inside.
double any_of(Random& r, const Quantity& q) {
  const double u = r.uniform();
  return u < 0.1 ? q.min : u < 0.2 ? q.max : r.uniform(q.min, q.max);
}

RC_GTEST_PROP(Prospect, LossesWeighMoreAndMoreIsBetter, ()) {
  Random r = any_random();
  const ProspectSettings s{r.uniform(0.1, 1), 0, r.uniform(1, 10), r.uniform(0.28, 1), r.uniform(0.28, 1)};
  ProspectSettings same = s;
  same.loss_curvature = s.gain_curvature;
  RC_ASSERT(check(same).has_value());
  const double x = r.uniform(0, 1000), y = x + r.uniform(0.001, 1000), p = r.uniform(), q = p + (1 - p) * r.uniform();
  RC_ASSERT(value_of(same, -x) <= -value_of(same, x));
  RC_ASSERT(value_of(same, x) < value_of(same, y) && value_of(same, -y) < value_of(same, -x));
  RC_ASSERT(gain_weight(same, p) <= gain_weight(same, q) + 1e-15 && gain_weight(same, q) <= 1);
  RC_ASSERT(loss_weight(same, p) <= loss_weight(same, q) + 1e-15 && loss_weight(same, p) >= 0);
  // A sure thing is worth itself, cut into parts or not; the order of outcomes does not matter.
  const Outcome parts[] = {{x, p}, {x, 1 - p}}, turned[] = {{-y, p}, {x, 1 - p}}, back[] = {{x, 1 - p}, {-y, p}};
  RC_ASSERT(std::abs(certainty_equivalent(same, parts) - x) <= 1e-9 * (1 + x));
  RC_ASSERT(prospect_value(same, turned) == prospect_value(same, back));
}

RC_GTEST_PROP(Diffusion, TimeMayBeCutAnywhere, ()) {
  Random r = any_random();
  const DiffusionSettings s{r.uniform(0.001, 2), r.uniform(0, 5)};
  const double share = r.uniform();
  const Duration a = any_time(r, 1000), b = any_time(r, 1000);
  const double once = adopted_after(s, share, a + b), twice = adopted_after(s, adopted_after(s, share, a), b);
  RC_ASSERT(std::abs(once - twice) <= 1e-12);
  RC_ASSERT(once >= share && once <= 1);
}

RC_GTEST_PROP(Habit, TimeMayBeCutAnywhere, ()) {
  Random r = any_random();
  const HabitSettings s{r.uniform(0, 1), r.uniform(0, 1), r.uniform()};
  const double stock = r.uniform(), activity = r.uniform();
  const Duration a = any_time(r, 100), b = any_time(r, 100);
  const double once = habit_after(s, stock, activity, a + b);
  RC_ASSERT(std::abs(once - habit_after(s, habit_after(s, stock, activity, a), activity, b)) <= 1e-12);
  RC_ASSERT(once >= 0 && once <= 1);
}

Inputs any_inputs(Random& r) {
  Inputs out;
  for (const ModelInfo& m : models()) {
    for (const Quantity& q : m.inputs) {
      if (r.chance(0.95)) out[std::string(q.name)] = any_of(r, q);
    }
  }
  return out;
}

RC_GTEST_PROP(Prediction, StaysInItsRangeAndReplaysBitForBit, ()) {
  Random r = any_random();
  const PredictionSettings s{r.uniform(1, 1000), r.uniform(0.01, 0.5), r.uniform(0.01, 100)};
  Calibration live, replayed;
  for (int i = 0; i < 20; ++i) {
    const auto behaviour = static_cast<Behaviour>(r.below(kBehaviours));
    ModelParameters parameters;
    for (const ModelInfo& m : models()) {
      for (const Quantity& q : m.parameters) parameters[m.id][std::string(q.name)] = any_of(r, q);
    }
    const auto p = predict(s, live, behaviour, any_inputs(r), any_time(r, 3650), parameters);
    if (!p) continue;
    double weights = 0, low = 1, high = 0;
    for (const ModelPrediction& m : p->models) {
      RC_ASSERT(m.share >= 0 && m.share <= 1 && m.error > 0 && m.error <= 1);
      weights += m.weight, low = std::min(low, m.share), high = std::max(high, m.share);
    }
    RC_ASSERT(std::abs(weights - 1) <= 1e-12);
    RC_ASSERT(p->share >= low - 1e-12 && p->share <= high + 1e-12);
    RC_ASSERT(p->low >= 0 && p->low <= p->share && p->share <= p->high && p->high <= 1);
    RC_ASSERT(p->confidence >= 0 && p->confidence <= 1 && p->disagreement <= 0.5 + 1e-12);
    RC_ASSERT(p->models.size() + p->left_out.size() == models_for(behaviour).size());
    const double outcome = r.uniform();
    RC_ASSERT(observe(s, live, *p, outcome).has_value());
    const std::string bytes = archive_bytes(replayed);
    Reader reader(bytes);
    reader(replayed);
    RC_ASSERT(reader.is_done());
    RC_ASSERT(observe(s, replayed, *p, outcome).has_value());
    RC_ASSERT(archive_bytes(live) == archive_bytes(replayed));
  }
}

RC_GTEST_PROP(Nudge, FrequencyLimitsHoldWhateverIsAsked, ()) {
  Random r = any_random();
  FrequencyLimits limits;
  limits.window = Duration::minutes(1) + any_time(r, 10);
  limits.gap_min = Duration{static_cast<std::int64_t>(r.below(static_cast<std::uint64_t>(limits.window.ns)))};
  limits.per_person_max = 1 + static_cast<std::uint32_t>(r.below(4));
  limits.per_segment_max = 1 + static_cast<std::uint32_t>(r.below(10));
  RC_ASSERT(check(limits).has_value());
  const Template t{"t", Behaviour::stake, Framing::gain, "{apy:percent}"};
  Ledger ledger;
  std::map<std::string, std::vector<Instant>> persons, segments;  // all that was ever sent
  std::vector<NudgeProposal> waiting;
  Instant now = kStart;
  for (int i = 0; i < 120; ++i) {
    now = now + any_time(r, 1);
    const std::string person = "p" + std::to_string(r.below(5)), segment = "s" + std::to_string(r.below(2));
    if (const auto p = propose(t, {{"apy", {r.uniform(), now}}}, ledger, limits, {person, segment}, now)) {
      waiting.push_back(*p);
    }
    for (const NudgeProposal& p : waiting) {
      const std::string before = archive_bytes(ledger);
      if (record_sent(ledger, limits, p, 1 + static_cast<std::uint32_t>(r.below(2)), now)) {
        persons[p.audience.person].push_back(now), segments[p.audience.segment].push_back(now);
      } else {
        RC_ASSERT(archive_bytes(ledger) == before);
      }
    }
    if (r.chance(0.5)) waiting.clear();
  }
  const auto most = [&](const std::vector<Instant>& sent) {
    std::size_t out = 0;
    for (std::size_t a = 0; a < sent.size(); ++a) {
      std::size_t n = 0;
      for (std::size_t b = a; b < sent.size() && sent[b] - sent[a] < limits.window; ++b) ++n;
      out = std::max(out, n);
    }
    return out;
  };
  for (const auto& [name, sent] : persons) {
    RC_ASSERT(most(sent) <= limits.per_person_max);
    for (std::size_t i = 1; i < sent.size(); ++i) RC_ASSERT(sent[i] - sent[i - 1] >= limits.gap_min);
  }
  for (const auto& [name, sent] : segments) RC_ASSERT(most(sent) <= limits.per_segment_max);
}

}  // namespace
}  // namespace homeostat::economy::behaviour
