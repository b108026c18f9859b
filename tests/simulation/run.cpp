#include "tests/simulation/run.hpp"

#include <algorithm>

#include "tests/simulation/daemon_side.hpp"
#include "tests/simulation/wire.hpp"

namespace homeostat::simulation {
namespace {

constexpr std::int64_t kWallStart_s = 1'700'000'000;
constexpr Duration kWindow = Duration::seconds(10);  // in which requests are counted

class Run {
 public:
  explicit Run(const RunOptions& options)
      : random_(options.seed),
        trace_(timeline_, options.prints),
        plan_(make_plan(random_, {options.seed, options.faults_for, options.lies_that_need_comparison})),
        chain_(random_.next_u64(), plan_.density, plan_.accounts, kWallStart_s - 100'000),
        daemon_random_(random_.next_u64()),
        late_(options.seed + 1) {
    for (const Character& character : plan_.characters) {
      providers_.emplace_back(chain_, plan_.source.chain_id, character, random_.next_u64());
    }
    wire_ = std::make_shared<SimulatedWire>(timeline_, providers_);
    daemon_ = std::make_unique<DaemonSide>(timeline_, wire_, plan_, chain_, daemon_random_, trace_);
    for (std::uint64_t i = 0; i < plan_.blocks_before; ++i) chain_.mine(kWallStart_s - plan_.blocks_before + i);
    highest_ = chain_.height();
    chain_.advance_finality(plan_.safe_depth, plan_.final_depth);
    for (Provider& provider : providers_) provider.see(view());
  }

  void go(RunResult& result) {
    try {
      live();
    } catch (const std::exception& error) {
      result.failure =
          fmt::format("at {:.3f} s: {}\n{}", timeline_.elapsed().in_seconds(), error.what(), daemon_->describe());
    }
    result.digest = trace_.digest();
    result.blocks = chain_.size();
    result.segments = daemon_->accepted();
    result.reorgs = reorgs_;
    result.crashes = crashes_;
    result.violations = violations_;
    for (const Provider& provider : providers_) result.exchanges += provider.exchanges;
    result.simulated = timeline_.elapsed();
  }

 private:
  void live() {
    end_of_faults_ = sources::after(timeline_.now(), plan_.faults_for);
    daemon_->start();
    next_block();
    for (std::size_t i = 0; i < providers_.size(); ++i) next_episode(i);
    next_accident();
    watch_requests();
    timeline_.run_until(end_of_faults_);
    heal();
    // Long enough for every wait that was begun before, and for what is being counted to become final.
    const auto rest = static_cast<std::int64_t>(plan_.final_depth + plan_.source.confirmations + 5);
    timeline_.run_until(sources::after(timeline_.now(), plan_.block_time * rest));
    mining_ = false;
    chain_.advance_finality(plan_.safe_depth, plan_.final_depth);
    chain_.mine(now_s());  // a last one, by which the newest finality is heard of
    tell_everyone(false);
    // As long as it gets on it may take its time: a backfill of one block at a time behind a slow engine.
    const Duration longest_wait =
        (plan_.source.backoff.max + plan_.source.http.deadline + plan_.source.poll_period + plan_.engine_delay_max) *
            3 +
        longest_look();
    std::uint64_t before = 0;
    do {
      before = daemon_->accepted();
      if (daemon_->promise_broken) daemon_->clear_violation();  // noticed only now
      timeline_.run_until(sources::after(timeline_.now(), longest_wait));
    } while (daemon_->accepted() != before || (daemon_->promise_broken && daemon_->is_violated()));
    daemon_->check_complete();
  }

  /// How long one look of the source may take while nothing fails: the header of every block, the logs of every block,
  /// and once more the header of every remembered one, from the slowest provider, in the batches that it takes.
  [[nodiscard]] Duration longest_look() const {
    Duration longest = Duration::zero();
    for (const Character& c : plan_.characters) {
      // A batch that is refused is halved, so that it may end at half of what would be taken.
      const std::uint64_t batch = std::max(std::min(plan_.source.batch_max, c.batch_max) / 2, 1u);
      const auto exchanges = static_cast<std::int64_t>(3 * chain_.height() / batch + 10);
      longest = std::max(longest, c.latency * kLatencyMost * exchanges);
    }
    return longest;
  }

  void heal() {
    trace_.note("everything heals");
    for (std::size_t i = 0; i < providers_.size(); ++i) {
      providers_[i].behave(Way::honest);
      wire_->set_heads(i, Heads::told);
    }
    tell_everyone(false);
    if (!daemon_->runs()) daemon_->start();
    daemon_->clear_violation();
  }

  [[nodiscard]] bool is_healed() const { return timeline_.now() >= end_of_faults_; }
  [[nodiscard]] std::uint64_t now_s() const {
    return static_cast<std::uint64_t>(kWallStart_s + timeline_.elapsed().ns / 1'000'000'000);
  }
  [[nodiscard]] View view() const { return {chain_.head(), chain_.safe(), chain_.finalized()}; }

  Duration around(Duration mean) {
    return Duration{static_cast<std::int64_t>(static_cast<double>(mean.ns) * random_.uniform(0.2, 1.8))};
  }

  // The chain.

  void next_block() {
    timeline_.in(around(plan_.block_time), [this] {
      if (!mining_) return;
      move_chain();
      next_block();
    });
  }

  void move_chain() {
    if (is_healed() || !random_.chance(plan_.reorg_chance)) {
      chain_.mine(now_s());
    } else if (random_.chance(plan_.violation_chance / std::max(plan_.reorg_chance, 0.01))) {
      violate();
    } else if (random_.chance(0.2)) {
      if (chain_.return_to_old_branch(lowest_fork(), now_s())) ++reorgs_;
    } else {
      reorg();
    }
    highest_ = std::max(highest_, chain_.height());
    if (!stalled_) chain_.advance_finality(plan_.safe_depth, plan_.final_depth);
    if (!is_healed() && random_.chance(0.02)) stalled_ = !stalled_;
    if (is_healed()) stalled_ = false;
    trace_.note("chain head {} block {} safe {} final {}", chain_.height(), chain_.head(), chain_.safe(),
                chain_.finalized());
    tell_everyone(true);
  }

  /// Never below what is safe, nor further below the highest head ever shown than the run's metrics allow for.
  [[nodiscard]] std::uint64_t lowest_fork() const {
    return std::max(chain_.safe(), highest_ - std::min(highest_, plan_.reorg_max));
  }

  void reorg() {
    const std::uint64_t lowest = lowest_fork();
    if (chain_.height() <= lowest) return chain_.mine(now_s());
    const std::uint64_t depth = 1 + random_.below(chain_.height() - lowest);
    // Mostly longer than what it replaces; now and then the height shrinks.
    const std::uint64_t length = random_.chance(0.2) ? 1 + random_.below(depth) : depth + random_.below(3);
    chain_.reorg(depth, std::max<std::uint64_t>(length, 1), now_s());
    ++reorgs_;
  }

  void violate() {
    if (chain_.finalized() == 0) return chain_.mine(now_s());
    const std::uint64_t below = 1 + random_.below(std::min<std::uint64_t>(chain_.finalized(), 20));
    chain_.violate(below, chain_.height() - chain_.finalized() + below + 1, now_s());
    ++violations_;
    daemon_->promise_broken = true;
  }

  void tell_everyone(bool late) {
    for (std::size_t i = 0; i < providers_.size(); ++i) {
      const auto hear = [this, i, view = view()] {
        providers_[i].see(view);
        wire_->tell_head(i);
      };
      if (late) {
        timeline_.in(Duration::milliseconds(static_cast<std::int64_t>(random_.below(400))), hear);
      } else {
        timeline_.in(Duration::milliseconds(401), hear);
      }
    }
  }

  // What goes wrong.

  void next_episode(std::size_t i) {
    if (plan_.ways.empty()) return;
    timeline_.in(around(Duration::seconds(8)), [this, i] {
      if (is_healed()) return;
      const Way way = random_.chance(0.4) ? Way::honest : plan_.ways[random_.below(plan_.ways.size())];
      if (way == Way::honest && providers_[i].way() != Way::honest) providers_[i].see(view());
      providers_[i].behave(way);
      wire_->set_heads(i, random_.chance(0.7) ? Heads::told : random_.chance(0.5) ? Heads::silent : Heads::closed);
      trace_.note("provider {} is {}", i, facts_of(way).name);
      next_episode(i);
    });
  }

  void next_accident() {
    timeline_.in(around(kWindow), [this] {
      if (is_healed()) return;
      if (random_.chance(0.3)) daemon_->save_snapshot();
      if (random_.chance(0.3)) daemon_->clear_violation();
      if (random_.chance(plan_.crash_chance)) crash();
      if (late_.chance(0.2)) daemon_->add_filter();
      next_accident();
    });
  }

  void crash() {
    if (!daemon_->runs()) return;
    daemon_->crash(random_.chance(0.2));
    ++crashes_;
    const Duration down = random_.chance(0.5) ? Duration::milliseconds(10) : around(Duration::seconds(20));
    timeline_.in(down, [this] {
      if (!daemon_->runs()) daemon_->start();
    });
  }

  // A paid quota is never burned: tries that come to nothing are bounded by the poll period and the backoff.

  void watch_requests() {
    const std::uint64_t before = turns();
    timeline_.in(kWindow,
                 [this, before, accepted = daemon_->accepted(), starts = daemon_->starts(), size = chain_.size()] {
                   const std::uint64_t polls = static_cast<std::uint64_t>(kWindow / plan_.source.poll_period) + 2;
                   const std::uint64_t progress =
                       (daemon_->accepted() - accepted) + (daemon_->starts() - starts) + (chain_.size() - size);
                   // How wide a range may be the reader of a late filter finds out by itself.
                   const std::uint64_t sizing = plan_.adds_filter ? 24 : 12;
                   const std::uint64_t allowed = providers_.size() * (polls + progress + sizing) + 12;
                   if (turns() - before > allowed) {
                     throw Violation(fmt::format("{} turns of asking within {} s; {} would do", turns() - before,
                                                 kWindow.in_seconds(), allowed));
                   }
                   watch_requests();
                 });
  }

  [[nodiscard]] std::uint64_t turns() const {
    std::uint64_t sum = 0;
    for (const Provider& provider : providers_) sum += provider.turns;
    return sum;
  }

  Timeline timeline_;  // first: it outlives whoever waits on it
  Random random_;
  Trace trace_;
  Plan plan_;
  ModelChain chain_;
  Random daemon_random_;
  Random late_;  // apart, so that runs without a late filter are what they were before there were any
  std::vector<Provider> providers_;
  std::shared_ptr<SimulatedWire> wire_;
  std::unique_ptr<DaemonSide> daemon_;
  Moment end_of_faults_{};
  std::uint64_t highest_ = 0;
  bool mining_ = true;
  bool stalled_ = false;
  std::uint64_t reorgs_ = 0;
  std::uint64_t crashes_ = 0;
  std::uint64_t violations_ = 0;
};

}  // namespace

RunResult run(const RunOptions& options) {
  RunResult result;
  const auto one = std::make_unique<Run>(options);
  one->go(result);
  return result;
}

}  // namespace homeostat::simulation
