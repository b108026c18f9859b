#include "economy/markets/flow.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <string>

#include "economy/argument.hpp"

namespace homeostat::economy::markets {

namespace {

/// Costs are scaled by this and one is added per arc: fewer arcs win ties, and a circle, at most 68 arcs long, never
/// makes up for one millionth, so what is optimal here is optimal without the addition too.
constexpr std::int64_t kCostScale = 128;
/// What one unit that is not moved costs: more than any path, 64 arcs of less than 2^33 x kCostScale.
constexpr std::int64_t kNotMoved = std::int64_t{1} << 50;
/// Fixed costs spread over the capacity count up to this per unit, in millionths: less than the truth is still a bound.
constexpr Amount kSpreadMax = Amount{1} << 32;
constexpr std::int64_t kFar = std::numeric_limits<std::int64_t>::max();
constexpr Amount kPpm = 1'000'000;

enum class Choice : std::uint8_t { open, closed, used };

/// A residual network and successive shortest paths through it.
class Residual {
 public:
  explicit Residual(std::size_t nodes) : out_(nodes), potential_(nodes) {}

  /// Index of the edge; its reverse is the next one.
  std::size_t add(std::size_t from, std::size_t to, Amount capacity, std::int64_t cost) {
    out_[from].push_back(static_cast<std::uint32_t>(edges_.size()));
    edges_.push_back({static_cast<std::uint32_t>(to), capacity, cost});
    out_[to].push_back(static_cast<std::uint32_t>(edges_.size()));
    edges_.push_back({static_cast<std::uint32_t>(from), 0, -cost});
    return edges_.size() - 2;
  }
  [[nodiscard]] Amount flow(std::size_t edge) const { return edges_[edge + 1].left; }

  /// Sends all that it can; false if it stopped for the number of paths.
  bool send(std::size_t source, std::size_t sink, std::uint32_t paths_max) {
    for (std::uint32_t paths = 0; shortest_path(source, sink); ++paths) {
      if (paths == paths_max) return false;
      Amount most = kAmountMax;
      for (std::size_t v = sink; v != source; v = tail(via_[v])) most = std::min(most, edges_[via_[v]].left);
      for (std::size_t v = sink; v != source; v = tail(via_[v])) {
        edges_[via_[v]].left -= most;
        edges_[via_[v] ^ 1].left += most;
      }
    }
    return true;
  }

 private:
  struct Edge {
    std::uint32_t to;
    Amount left;
    std::int64_t cost;
  };
  [[nodiscard]] std::size_t tail(std::size_t edge) const { return edges_[edge ^ 1].to; }

  /// Dijkstra over reduced costs, dense: the networks are small and full. Ties go to the lower index.
  bool shortest_path(std::size_t source, std::size_t sink) {
    const std::size_t n = out_.size();
    std::array<std::int64_t, kFlowNodesMax + 4> distance;
    std::array<bool, kFlowNodesMax + 4> done{};
    distance.fill(kFar);
    distance[source] = 0;
    for (;;) {
      std::size_t u = n;
      for (std::size_t v = 0; v < n; ++v) {
        if (!done[v] && distance[v] != kFar && (u == n || distance[v] < distance[u])) u = v;
      }
      if (u == n) return false;
      done[u] = true;
      if (u == sink) break;
      for (const std::uint32_t e : out_[u]) {
        const Edge& edge = edges_[e];
        if (edge.left == 0) continue;
        const std::int64_t d = distance[u] + edge.cost + potential_[u] - potential_[edge.to];
        if (d >= distance[edge.to]) continue;
        distance[edge.to] = d;
        via_[edge.to] = e;
      }
    }
    for (std::size_t v = 0; v < n; ++v) potential_[v] += std::min(distance[v], distance[sink]);
    return true;
  }

  std::vector<Edge> edges_;
  std::vector<std::vector<std::uint32_t>> out_;
  std::vector<std::int64_t> potential_;
  std::array<std::uint32_t, kFlowNodesMax + 4> via_{};
};

struct Relaxation {
  bool is_feasible = false;
  bool is_complete = false;
  std::vector<Amount> amounts;
  Amount moved = 0;
  Amount bound_ppm = 0;  ///< no plan with these choices costs less
};

class Search {
 public:
  Search(const Network& network, const FlowSettings& settings) : network_(network), settings_(settings) {
    for (const Amount b : network.balances) {
      if (b > 0) supply_ += b;
    }
    supply_ = std::min(supply_, network.moved_max);
    best_.amounts.resize(network.arcs.size());
  }

  Flow run() {
    std::vector<std::vector<Choice>> stack{first_choices()};
    bool is_complete = true;
    while (!stack.empty()) {
      if (best_.relaxations == settings_.relaxations_max) return best_;
      const std::vector<Choice> choices = std::move(stack.back());
      stack.pop_back();
      ++best_.relaxations;
      const Relaxation relaxed = relax(choices);
      is_complete = is_complete && relaxed.is_complete;
      if (!relaxed.is_feasible || !is_promising(relaxed)) continue;
      const auto circle = circle_in(relaxed.amounts);
      if (circle.empty()) consider(relaxed);
      if (!is_promising(relaxed)) continue;
      std::size_t arc = worst_arc(relaxed, choices);
      for (const std::size_t a : circle) {
        if (arc == network_.arcs.size() && choices[a] == Choice::open) arc = a;
      }
      if (arc == network_.arcs.size()) continue;                    // exact, or a circle of arcs that are all used
      for (const Choice choice : {Choice::closed, Choice::used}) {  // the last is looked at first
        stack.push_back(choices);
        stack.back()[arc] = choice;
      }
    }
    best_.is_optimal = is_complete;
    return best_;
  }

 private:
  [[nodiscard]] Amount capacity(const Arc& a) const { return std::min(a.capacity, supply_); }

  /// What an arc that is used carries at least.
  [[nodiscard]] static Amount least_of(const Arc& a) { return std::max<Amount>(a.size_min, 1); }

  [[nodiscard]] std::vector<Choice> first_choices() const {
    std::vector<Choice> out(network_.arcs.size(), Choice::open);
    for (std::size_t i = 0; i < out.size(); ++i) {
      const Arc& a = network_.arcs[i];
      if (capacity(a) == 0 || a.size_min > capacity(a) || a.from == a.to) out[i] = Choice::closed;
    }
    return out;
  }

  /// Fixed cost per unit, in whole millionths, rounded down, of an arc that may or may not be used.
  [[nodiscard]] Amount spread(const Arc& a) const { return std::min(a.fixed_cost * kPpm / capacity(a), kSpreadMax); }

  [[nodiscard]] Relaxation relax(const std::vector<Choice>& choices) const {
    const std::size_t n = network_.balances.size(), s = n, t = n + 1, source = n + 2, sink = n + 3;
    Residual residual(n + 4);
    std::vector<Amount> excess(n + 2);  // least sizes of used arcs are under way already
    std::vector<std::size_t> edges(choices.size());
    for (std::size_t i = 0; i < choices.size(); ++i) {
      const Arc& a = network_.arcs[i];
      if (choices[i] == Choice::closed) continue;
      const Amount least = choices[i] == Choice::used ? least_of(a) : 0;
      const auto cost = a.cost_ppm + static_cast<std::int64_t>(choices[i] == Choice::open ? spread(a) : 0);
      edges[i] = residual.add(a.from, a.to, capacity(a) - least, cost * kCostScale + 1);
      excess[a.from] -= least;
      excess[a.to] += least;
    }
    for (std::size_t v = 0; v < n; ++v) {
      const Amount b = network_.balances[v];
      if (b > 0) residual.add(s, v, b, 0);
      if (b < 0) residual.add(v, t, -b, 0);
    }
    const std::size_t not_moved = residual.add(s, t, supply_, kNotMoved);
    excess[s] += supply_;
    excess[t] -= supply_;
    std::vector<std::size_t> inlets;
    for (std::size_t v = 0; v < n + 2; ++v) {
      if (excess[v] > 0) inlets.push_back(residual.add(source, v, excess[v], 0));
      if (excess[v] < 0) residual.add(v, sink, -excess[v], 0);
    }
    Relaxation out;
    out.is_complete = residual.send(source, sink, settings_.paths_max);
    out.amounts.resize(choices.size());
    Amount sent = 0, wanted = 0;
    for (const std::size_t edge : inlets) sent += residual.flow(edge);
    for (const Amount e : excess) wanted += std::max<Amount>(e, 0);
    // Without least sizes what was sent is a flow even if it is not all.
    out.is_feasible = sent == wanted || wanted == supply_;
    out.moved = sent - (wanted - supply_) - residual.flow(not_moved);
    for (std::size_t i = 0; i < choices.size(); ++i) {
      if (choices[i] == Choice::closed) continue;
      out.amounts[i] = residual.flow(edges[i]) + (choices[i] == Choice::used ? least_of(network_.arcs[i]) : 0);
    }
    out.is_feasible = out.is_feasible && add_bound(out, choices);
    return out;
  }

  /// False if the cost is beyond what an Amount holds: only circles of least sizes can be that large.
  bool add_bound(Relaxation& out, const std::vector<Choice>& choices) const {
    for (std::size_t i = 0; i < choices.size(); ++i) {
      const Arc& a = network_.arcs[i];
      if (choices[i] == Choice::closed) continue;
      Amount cost = out.amounts[i] * a.cost_ppm;
      cost += choices[i] == Choice::used ? a.fixed_cost * kPpm : out.amounts[i] * spread(a);
      if (__builtin_add_overflow(out.bound_ppm, cost, &out.bound_ppm)) return false;
    }
    return true;
  }

  [[nodiscard]] bool is_promising(const Relaxation& r) const {
    return r.moved > best_.moved || (r.moved == best_.moved && r.bound_ppm < best_.cost_ppm);
  }

  /// Takes it as the best plan so far if it is one.
  void consider(const Relaxation& r) {
    Amount cost = 0;
    for (std::size_t i = 0; i < r.amounts.size(); ++i) {
      const Arc& a = network_.arcs[i];
      if (r.amounts[i] == 0) continue;
      if (r.amounts[i] < a.size_min) return;
      if (__builtin_add_overflow(cost, r.amounts[i] * a.cost_ppm + a.fixed_cost * kPpm, &cost)) return;
    }
    if (r.moved < best_.moved || (r.moved == best_.moved && cost >= best_.cost_ppm)) return;
    best_.amounts = r.amounts;
    best_.moved = r.moved;
    best_.cost_ppm = cost;
  }

  /// The arcs of a circle of what flows, if there is one; only least sizes can make one worth its cost.
  [[nodiscard]] std::vector<std::size_t> circle_in(const std::vector<Amount>& amounts) const {
    constexpr std::size_t kNone = kFlowArcsMax;
    std::vector<bool> is_done(network_.balances.size());
    std::vector<std::size_t> into(is_done.size());
    for (bool has_changed = true; has_changed;) {  // takes away what nothing flows into, until nothing changes
      std::fill(into.begin(), into.end(), kNone);
      for (std::size_t i = 0; i < amounts.size(); ++i) {
        const Arc& a = network_.arcs[i];
        if (amounts[i] > 0 && !is_done[a.from]) into[a.to] = i;
      }
      has_changed = false;
      for (std::size_t v = 0; v < is_done.size(); ++v) {
        if (!is_done[v] && into[v] == kNone) is_done[v] = has_changed = true;
      }
    }
    std::vector<std::size_t> out;
    std::size_t v = 0;
    while (v < is_done.size() && is_done[v]) ++v;
    if (v == is_done.size()) return out;
    for (std::size_t i = 0; i < is_done.size(); ++i) v = network_.arcs[into[v]].from;  // back until surely on it
    const std::size_t first = v;
    do {
      out.push_back(into[v]);
      v = network_.arcs[into[v]].from;
    } while (v != first);
    return out;
  }

  /// The open arc on which the relaxation is furthest from the truth; as many as there are arcs if it is exact.
  [[nodiscard]] std::size_t worst_arc(const Relaxation& r, const std::vector<Choice>& choices) const {
    std::size_t worst = choices.size();
    Amount gap = 0;
    bool is_too_small = false;
    for (std::size_t i = 0; i < choices.size(); ++i) {
      const Arc& a = network_.arcs[i];
      if (choices[i] != Choice::open || r.amounts[i] == 0) continue;
      const Amount shortfall = std::max<Amount>(a.size_min - r.amounts[i], 0);
      const Amount unpaid = a.fixed_cost * kPpm - r.amounts[i] * spread(a);
      const bool too_small = shortfall > 0;
      const Amount size = too_small ? shortfall : unpaid;
      if (size <= 0 || (is_too_small && !too_small) || (is_too_small == too_small && size <= gap)) continue;
      worst = i, gap = size, is_too_small = too_small;
    }
    return worst;
  }

  const Network& network_;
  const FlowSettings& settings_;
  Amount supply_ = 0;
  Flow best_;
};

std::string arc_field(std::size_t i, const char* field) {
  return "arcs[" + std::to_string(i) + "]." + field;
}

Result<> require_amount(std::string where, Amount value, Amount min, Amount max, const char* range) {
  if (value >= min && value <= max) return {};
  return fail(ErrorCode::out_of_range, std::move(where), std::string("must be ") + range);
}

}  // namespace

Result<> check(const FlowSettings& s) {
  return first_error(require("relaxations_max", s.relaxations_max, {1, 10'000}),
                     require("paths_max", s.paths_max, {1, 1'000'000}));
}

Result<> check(const Network& network) {
  const std::size_t n = network.balances.size();
  if (n == 0) return fail(ErrorCode::missing, "balances", "must have at least one node");
  if (n > kFlowNodesMax) {
    return fail(ErrorCode::out_of_range, "balances", "must be at most " + std::to_string(kFlowNodesMax) + " nodes");
  }
  if (network.arcs.size() > kFlowArcsMax) {
    return fail(ErrorCode::out_of_range, "arcs", "must be at most " + std::to_string(kFlowArcsMax));
  }
  Amount sum = 0;
  for (std::size_t v = 0; v < n; ++v) {
    const Amount b = network.balances[v];
    const bool is_in = b >= -kAmountMax && b <= kAmountMax;
    if (is_in) sum += b < 0 ? -b : b;
    if (!is_in || sum > 2 * kAmountMax) {
      return fail(ErrorCode::out_of_range, "balances[" + std::to_string(v) + "]",
                  "must be at most 10^30 base units in size, and all together twice that");
    }
  }
  if (auto ok = require_amount("moved_max", network.moved_max, 0, kAmountMax, "from 0 to 10^30 base units"); !ok)
    return ok;
  for (std::size_t i = 0; i < network.arcs.size(); ++i) {
    const Arc& a = network.arcs[i];
    const double last = static_cast<double>(n - 1);
    auto ok = first_error(
        require(arc_field(i, "from"), a.from, {0, last}), require(arc_field(i, "to"), a.to, {0, last}),
        require_amount(arc_field(i, "capacity"), a.capacity, 0, kAmountMax, "from 0 to 10^30 base units"),
        require(arc_field(i, "cost_ppm"), a.cost_ppm, {0, 1e6}),
        require_amount(arc_field(i, "fixed_cost"), a.fixed_cost, 0, kFixedCostMax, "from 0 to 10^24 base units"),
        require_amount(arc_field(i, "size_min"), a.size_min, 0, a.capacity, "from 0 to the capacity"));
    if (!ok) return ok;
  }
  return {};
}

Flow min_cost_flow(const Network& network, const FlowSettings& settings) {
  return Search(network, settings).run();
}

}  // namespace homeostat::economy::markets
