#include "economy/markets/rebalance.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "core/check.hpp"
#include "economy/argument.hpp"

namespace homeostat::economy::markets {

namespace {

/// Shares in integers: times 10^30 base units still fits 128 bits.
constexpr double kShareScale = 1e8;
constexpr Amount kPpm = 1'000'000;
/// Rounds in which the fees must repeat themselves exactly, then rounds in which being covered is enough. Each takes
/// at least half of the difference away, and 10^30 is 2^100.
constexpr int kExactRounds = 40;
constexpr int kRoundsMax = 160;
/// Rounds after which which lanes with a fixed fee are used is settled: fees of fees no longer change it.
constexpr int kChoiceRounds = 2;

/// A whole plan may take this many full searches over lanes with fixed fees or least sizes, and then only one look
/// each.
constexpr std::uint32_t kSearches = 4;

/// And this many flows in all, however many chains turn out to be broke; then nothing moves.
constexpr int kSolvesMax = 2 * kRoundsMax;

using Amounts = std::vector<Amount>;

Amount sum_of(const Amounts& amounts) {
  return std::accumulate(amounts.begin(), amounts.end(), Amount{0});
}

/// `total` in the given shares by largest remainder, ties to the lower index.
Amounts split(Amount total, const std::vector<double>& shares) {
  std::vector<Amount> weights;
  for (const double s : shares) weights.push_back(static_cast<Amount>(std::floor(s * kShareScale + 0.5)));
  const Amount weight = sum_of(weights);
  Amounts out, rest;
  for (const Amount w : weights) out.push_back(total * w / weight), rest.push_back(total * w % weight);
  std::vector<std::size_t> order(out.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return rest[a] > rest[b]; });
  Amount left = total - sum_of(out);
  for (std::size_t i = 0; left > 0; ++i, --left) ++out[order[i]];
  return out;
}

Amount fee_of(const Lane& lane, Amount arrives) {
  if (arrives == 0) return 0;
  Amount fee = lane.fixed_fee, left = arrives;
  for (const FeeTier& tier : lane.tiers) {
    const Amount in_tier = std::min(left, tier.size);
    fee += (in_tier * tier.fee_ppm + kPpm - 1) / kPpm;  // 10^36 at most
    left -= in_tier;
  }
  return fee;
}

class Planner {
 public:
  explicit Planner(const Holdings& h)
      : h_(h),
        is_banned_(h.amounts.size()),
        relaxations_left_(kSearches * h.search.relaxations_max + static_cast<std::uint32_t>(kRoundsMax)) {}

  Plan run() {
    // A chain that would pay fees which it does not have forwards nothing: at most one is found per attempt.
    for (std::size_t attempt = 0; attempt <= h_.amounts.size(); ++attempt) {
      Amounts arrivals = settled(true);
      if (was_complete_ && !is_complete(arrivals)) arrivals = settled(false);
      const Amounts after = after_of(arrivals);
      const auto broke = std::find_if(after.begin(), after.end(), [](Amount x) { return x < 0; });
      if (broke == after.end()) return plan_of(arrivals);
      is_banned_[static_cast<std::size_t>(broke - after.begin())] = true;
    }
    is_optimal_ = false;
    return plan_of(Amounts(h_.lanes.size()));
  }

 private:
  /// What arrives over each lane when fees and targets agree; nothing at all if they never do.
  Amounts settled(bool with_settled_choice) {
    Amounts reserved(h_.amounts.size());
    is_used_.assign(h_.lanes.size(), true);
    has_choice_ = false;
    for (int round = 0; round < kRoundsMax; ++round) {
      if (sum_of(reserved) > sum_of(h_.amounts) || solves_left_-- <= 0) break;
      const Amounts arrivals = solve(reserved);
      if (round == 0) was_complete_ = is_flow_complete_;
      const Amounts fees = fees_of(arrivals);
      bool is_covered = true;
      for (std::size_t i = 0; i < fees.size(); ++i) is_covered = is_covered && fees[i] <= reserved[i];
      if (fees == reserved || (round >= kExactRounds && is_covered)) return arrivals;
      for (std::size_t i = 0; i < fees.size(); ++i) {
        reserved[i] = round < kExactRounds ? fees[i] : std::max(reserved[i], fees[i]);
      }
      if (with_settled_choice && round == kChoiceRounds) {
        for (std::size_t i = 0; i < arrivals.size(); ++i) is_used_[i] = arrivals[i] > 0;
        has_choice_ = true;
      }
    }
    is_optimal_ = false;
    return Amounts(h_.lanes.size());
  }

  [[nodiscard]] Amounts solve(const Amounts& reserved) {
    Network network;
    network.moved_max = h_.moved_max;
    const Amounts target = split(sum_of(h_.amounts) - sum_of(reserved), h_.target_shares);
    for (std::size_t i = 0; i < target.size(); ++i) {
      network.balances.push_back(h_.amounts[i] - reserved[i] - target[i]);
    }
    std::vector<std::size_t> lane_of;
    for (std::size_t i = 0; i < h_.lanes.size(); ++i) {
      const Lane& lane = h_.lanes[i];
      const bool is_fixed = lane.fixed_fee > 0 || lane.size_min > 0;
      if (is_banned_[lane.from] || (has_choice_ && is_fixed && !is_used_[i])) continue;
      for (const FeeTier& tier : lane.tiers) {
        const Amount fixed = has_choice_ ? 0 : lane.fixed_fee;  // of a lane that is used it changes nothing any more
        network.arcs.push_back({lane.from, lane.to, tier.size, tier.fee_ppm, fixed, lane.size_min});
        lane_of.push_back(i);
      }
    }
    FlowSettings search = h_.search;
    search.relaxations_max = std::max(1U, std::min(search.relaxations_max, relaxations_left_));
    const Flow flow = min_cost_flow(network, search);
    relaxations_left_ -= std::min(relaxations_left_, flow.relaxations);
    if (!has_choice_) is_optimal_ = flow.is_optimal;
    Amount wanted = 0;
    for (const Amount b : network.balances) wanted += std::max<Amount>(b, 0);
    is_flow_complete_ = flow.moved == wanted;
    Amounts arrivals(h_.lanes.size());
    for (std::size_t a = 0; a < lane_of.size(); ++a) arrivals[lane_of[a]] += flow.amounts[a];
    return arrivals;
  }

  [[nodiscard]] Amounts fees_of(const Amounts& arrivals) const {
    Amounts fees(h_.amounts.size());
    for (std::size_t i = 0; i < arrivals.size(); ++i) fees[h_.lanes[i].from] += fee_of(h_.lanes[i], arrivals[i]);
    return fees;
  }

  [[nodiscard]] Amounts after_of(const Amounts& arrivals) const {
    Amounts after = h_.amounts;
    for (std::size_t i = 0; i < arrivals.size(); ++i) {
      after[h_.lanes[i].from] -= arrivals[i] + fee_of(h_.lanes[i], arrivals[i]);
      after[h_.lanes[i].to] += arrivals[i];
    }
    return after;
  }

  [[nodiscard]] bool is_complete(const Amounts& arrivals) const {
    const Amounts after = after_of(arrivals);
    const Amounts target = split(std::max<Amount>(sum_of(after), 0), h_.target_shares);
    for (std::size_t i = 0; i < after.size(); ++i) {
      if (after[i] < target[i]) return false;
    }
    return true;
  }

  [[nodiscard]] Plan plan_of(const Amounts& arrivals) const {
    Plan plan;
    plan.after = after_of(arrivals);
    plan.target = split(sum_of(plan.after), h_.target_shares);
    plan.is_optimal = is_optimal_;
    plan.is_on_target = true;
    for (std::size_t i = 0; i < plan.after.size(); ++i) {
      plan.missing.push_back(std::max<Amount>(plan.target[i] - plan.after[i], 0));
      plan.surplus.push_back(std::max<Amount>(plan.after[i] - plan.target[i], 0));
      plan.is_on_target = plan.is_on_target && plan.missing[i] == 0;
    }
    for (std::size_t i = 0; i < arrivals.size(); ++i) {
      if (arrivals[i] == 0) continue;
      const Amount fee = fee_of(h_.lanes[i], arrivals[i]);
      plan.legs.push_back(
          {static_cast<std::uint32_t>(i), h_.lanes[i].from, h_.lanes[i].to, arrivals[i] + fee, arrivals[i], fee, 0});
      plan.fees += fee;
    }
    set_stages(plan.legs);
    return plan;
  }

  /// A leg goes as soon as its chain can pay for it; a flow without circles always has one that can.
  void set_stages(std::vector<Leg>& legs) const {
    Amounts holdings = h_.amounts;
    std::vector<bool> is_sent(legs.size());
    std::size_t sent = 0;
    for (std::uint32_t stage = 0; sent < legs.size(); ++stage) {
      HOMEOSTAT_CHECK(stage < legs.size());
      Amounts arriving(holdings.size());
      for (std::size_t i = 0; i < legs.size(); ++i) {
        if (is_sent[i] || holdings[legs[i].from] < legs[i].leaves) continue;
        is_sent[i] = true, ++sent;
        legs[i].stage = stage;
        holdings[legs[i].from] -= legs[i].leaves;
        arriving[legs[i].to] += legs[i].arrives;
      }
      for (std::size_t i = 0; i < holdings.size(); ++i) holdings[i] += arriving[i];
    }
    std::stable_sort(legs.begin(), legs.end(), [](const Leg& a, const Leg& b) { return a.stage < b.stage; });
  }

  const Holdings& h_;
  std::vector<bool> is_banned_;  ///< chains out of which nothing goes
  std::vector<bool> is_used_;    ///< lanes, once that is settled
  std::uint32_t relaxations_left_;
  int solves_left_ = kSolvesMax;
  bool has_choice_ = false;
  bool is_flow_complete_ = false;
  bool was_complete_ = false;
  bool is_optimal_ = true;
};

std::string lane_field(std::size_t i, const char* field) {
  return "lanes[" + std::to_string(i) + "]" + field;
}

Result<> check_lane(const Lane& lane, std::size_t i, std::size_t chains) {
  const double last = static_cast<double>(chains - 1);
  if (auto ok = first_error(require(lane_field(i, ".from"), lane.from, {0, last}),
                            require(lane_field(i, ".to"), lane.to, {0, last}));
      !ok) {
    return ok;
  }
  if (lane.from == lane.to) {
    return fail(ErrorCode::invalid_argument, lane_field(i, ".to"), "must be another chain than from");
  }
  if (lane.tiers.empty() || lane.tiers.size() > kTiersMax) {
    return fail(ErrorCode::out_of_range, lane_field(i, ".tiers"),
                "must be 1 to " + std::to_string(kTiersMax) + ", are " + std::to_string(lane.tiers.size()));
  }
  Amount capacity = 0;
  for (std::size_t k = 0; k < lane.tiers.size(); ++k) {
    const FeeTier& tier = lane.tiers[k];
    const std::string at = lane_field(i, ".tiers[") + std::to_string(k) + "]";
    if (!is_amount(tier.size)) return fail(ErrorCode::out_of_range, at + ".size", "must be from 0 to 10^30 base units");
    const double least = k == 0 ? 0 : lane.tiers[k - 1].fee_ppm;
    if (auto ok = require(at + ".fee_ppm", tier.fee_ppm, {least, kFeePpmMax}); !ok) return ok;
    capacity += tier.size;
  }
  if (lane.fixed_fee < 0 || lane.fixed_fee > kFixedCostMax) {
    return fail(ErrorCode::out_of_range, lane_field(i, ".fixed_fee"), "must be from 0 to 10^24 base units");
  }
  if (lane.size_min < 0 || lane.size_min > capacity) {
    return fail(ErrorCode::out_of_range, lane_field(i, ".size_min"), "must be from 0 to the sum of the tiers' sizes");
  }
  if (lane.tiers.size() > 1 && (lane.fixed_fee > 0 || lane.size_min > 0)) {
    return fail(ErrorCode::unsupported, lane_field(i, ".tiers"),
                "must be one where there is a fixed_fee or a size_min, are " + std::to_string(lane.tiers.size()));
  }
  return {};
}

}  // namespace

Result<> check(const Holdings& h) {
  const std::size_t n = h.amounts.size();
  if (n < 2 || n > kFlowNodesMax) {
    return fail(ErrorCode::out_of_range, "amounts",
                "must be those of 2 to " + std::to_string(kFlowNodesMax) + " chains, are " + std::to_string(n));
  }
  Amount total = 0;
  for (std::size_t i = 0; i < n; ++i) {
    if (is_amount(h.amounts[i])) total += h.amounts[i];
    if (!is_amount(h.amounts[i]) || !is_amount(total)) {
      return fail(ErrorCode::out_of_range, "amounts[" + std::to_string(i) + "]",
                  "must be from 0 to 10^30 base units, and so must all together");
    }
  }
  if (!is_amount(h.moved_max)) return fail(ErrorCode::out_of_range, "moved_max", "must be from 0 to 10^30 base units");
  if (h.lanes.size() > kLanesMax) {
    return fail(ErrorCode::out_of_range, "lanes",
                "must be at most " + std::to_string(kLanesMax) + ", are " + std::to_string(h.lanes.size()));
  }
  if (auto ok = first_error(require_same_size("target_shares", h.target_shares.size(), "amounts", n),
                            require_shares("target_shares", h.target_shares), check(h.search));
      !ok) {
    return ok;
  }
  for (std::size_t i = 0; i < h.lanes.size(); ++i) {
    if (auto ok = check_lane(h.lanes[i], i, n); !ok) return ok;
  }
  return {};
}

Plan rebalance(const Holdings& holdings) {
  return Planner(holdings).run();
}

}  // namespace homeostat::economy::markets
