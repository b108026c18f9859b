#include "tests/simulation/plan.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "core/check.hpp"

namespace homeostat::simulation {
namespace {

using oracle::Aggregate;
using oracle::Finality;

Duration between(Random& random, std::int64_t low_ms, std::int64_t high_ms) {
  return Duration::milliseconds(
      low_ms + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(high_ms - low_ms + 1))));
}

template <class T>
T one_of(Random& random, std::initializer_list<T> choices) {
  return *(choices.begin() + random.below(choices.size()));
}

Character make_character(Random& random) {
  Character c;
  c.latency = between(random, 2, 200);
  if (random.chance(0.3)) c.range_max = 1 + random.below(60);
  if (random.chance(0.2)) c.results_max = 1 + random.below(100);
  if (random.chance(0.3)) c.batch_max = one_of<std::uint32_t>(random, {1, 2, 5, 20});
  c.tells_block_times = random.chance(0.5);
  c.shuffles_logs = random.chance(0.3);
  c.empty_for_unknown = random.chance(0.3);
  return c;
}

sources::EvmSettings make_source(Random& random, std::size_t providers, const Plan& plan) {
  sources::EvmSettings s;
  s.name = "chain";
  for (std::size_t i = 0; i < providers; ++i) {
    const bool ws = random.chance(0.6);
    s.providers.push_back(
        {fmt::format("p{}", i), fmt::format("http://p{}/", i), ws ? fmt::format("ws://p{}/", i) : ""});
  }
  s.chain_id = 31337;
  s.start_at_latest = random.chance(0.2);
  if (!s.start_at_latest && random.chance(0.5)) s.start_block = random.below(plan.blocks_before + 1);
  // The window that is read block by block must hold the deepest reorg.
  s.confirmations = plan.reorg_max + random.below(8);
  s.poll_period = between(random, 500, 4000);
  s.ws_silence_max = between(random, 3000, 20'000);
  s.range_max = one_of<std::uint64_t>(random, {1, 7, 50, 2000});
  s.logs_target = one_of<std::uint64_t>(random, {1, 30, 10'000});
  s.batch_max = one_of<std::uint32_t>(random, {1, 3, 50});
  s.http.deadline = between(random, 1000, 10'000);
  s.backoff.max = between(random, 2000, 30'000);
  s.backoff.seed = random.next_u64();
  const auto signature = [](const char* text) {
    auto parsed = oracle::parse_event_signature(text);
    HOMEOSTAT_CHECK(parsed.has_value());
    return std::move(*parsed);
  };
  s.contracts = {{"club", abi().club}, {"token", abi().token}};
  s.events = {{"tip", abi().club, signature("event Tip(address indexed viewer, uint256 amount)")},
              {"mint", abi().token, signature("event Mint(address indexed to, uint256 amount)")}};
  return s;
}

oracle::Settings make_oracle(const std::vector<Counted>& counted, bool with_mint) {
  oracle::Settings s;
  s.sources = {{.name = "chain"}};
  s.events = {{"tip", "chain", "club", ""}};
  if (with_mint) s.events.push_back({"mint", "chain", "token", ""});
  for (std::size_t i = 0; i < counted.size(); ++i) {
    const Counted& c = counted[i];
    if (c.event == Watched::mint && !with_mint) continue;
    oracle::EventOrigin origin;
    origin.event = c.event == Watched::tip ? "tip" : "mint";
    if (c.aggregate == Aggregate::sum) origin.value = 1;
    if (c.aggregate == Aggregate::distinct) origin.key = 0;
    origin.finality = c.finality;
    origin.confirmations = c.confirmations;
    oracle::MetricSettings m;
    m.name = fmt::format("m{}", i);
    m.max = 1e15;
    m.origin = origin;
    m.aggregate = c.aggregate;
    m.window = Duration::days(30);  // longer than any run: nothing leaves it
    m.coverage_min = 0;
    m.staleness_max = Duration::days(1);
    s.metrics.push_back(std::move(m));
  }
  return s;
}

/// Drawn apart, so that the rest of a seed's plan is the same with and without it.
void add_filter_later(Plan& plan, std::uint64_t seed) {
  Random random(seed ^ 0x6c617465);  // "late"
  const std::uint64_t lowest = std::min(plan.source.start_at_latest ? UINT64_MAX : plan.source.start_block,
                                        plan.blocks_before - std::min(plan.blocks_before, plan.source.confirmations));
  plan.adds_filter = random.chance(0.3);
  plan.filter_from = random.chance(0.5) ? 0 : random.below(lowest + 1);
  if (!plan.adds_filter) return;
  plan.at_first = {plan.source, make_oracle(plan.counted, false)};
  plan.at_first.source.events.pop_back();
  plan.oracle.events.back().from_block = plan.filter_from;
  for (oracle::Settings* s : {&plan.oracle, &plan.at_first.oracle}) {
    if (!plan.source.start_at_latest) s->sources.front().start_block = plan.source.start_block;
  }
}

}  // namespace

Plan make_plan(Random& random, const PlanOptions& options) {
  Plan plan;
  plan.faults_for = between(random, 30'000, 150'000);
  if (options.faults_for > Duration::zero()) plan.faults_for = options.faults_for;
  plan.block_time = between(random, 500, 6000);
  plan.final_depth = 2 + random.below(14);
  plan.safe_depth = 1 + random.below(plan.final_depth);
  plan.reorg_max = 1 + random.below(plan.final_depth - 1);
  plan.blocks_before = random.chance(0.4) ? random.below(300) : random.below(20);
  plan.density = one_of(random, {0.0, 0.3, 1.0, 3.0});
  plan.accounts = one_of<std::uint32_t>(random, {1, 5, 40});
  plan.reorg_chance = one_of(random, {0.0, 0.1, 0.3, 0.6});
  plan.violation_chance = random.chance(0.1) ? 0.02 : 0;
  plan.crash_chance = one_of(random, {0.0, 0.1, 0.5});
  plan.engine_delay_max = between(random, 0, random.chance(0.2) ? 4000 : 50);
  const std::size_t providers = 1 + random.below(4);
  for (std::size_t i = 0; i < providers; ++i) plan.characters.push_back(make_character(random));
  // A provider that does not know of finality is fine, as long as it is not the only kind.
  for (std::size_t i = 1; i < providers; ++i) plan.characters[i].knows_finality = !random.chance(0.1);

  // A few ways to misbehave per run, so that each run has its own theme.
  std::vector<Way> all;
  for (std::size_t i = 1; i < kWayCount; ++i) {
    const Way way = static_cast<Way>(i);
    if (options.lies_that_need_comparison || !facts_of(way).needs_comparison) all.push_back(way);
  }
  const std::size_t themes = random.below(8);
  for (std::size_t i = 0; i < themes; ++i) plan.ways.push_back(all[random.below(all.size())]);

  const std::uint32_t deep = static_cast<std::uint32_t>(plan.reorg_max + random.below(3));
  plan.counted = {{Watched::tip, Aggregate::count, Finality::finalized, 0},
                  {Watched::tip, Aggregate::sum, Finality::confirmations, deep},
                  {Watched::tip, Aggregate::distinct, Finality::finalized, 0},
                  {Watched::mint, Aggregate::sum, Finality::safe, 0},
                  {Watched::mint, Aggregate::count, Finality::confirmations, deep + 3},
                  // Provisional: reorgs go deeper than these, and take back what they counted.
                  {Watched::tip, Aggregate::count, Finality::confirmations, 0},
                  {Watched::mint, Aggregate::sum, Finality::confirmations, 2},
                  {Watched::mint, Aggregate::distinct, Finality::confirmations, 1}};
  plan.source = make_source(random, providers, plan);
  plan.oracle = make_oracle(plan.counted, true);
  add_filter_later(plan, options.seed);
  return plan;
}

}  // namespace homeostat::simulation
