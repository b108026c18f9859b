// The providers of one chain source at work: asks the one that ProviderPool puts first for the next step, a second one
// when the first is slow, looks at those that are not in use now and then, and says what is wrong with them. What a
// step is made of is the source's business (Look).
//
// All on the executor of `outside`; no two steps are asked of the same provider at once.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "daemon/sources/chain_check.hpp"
#include "daemon/sources/evm_node.hpp"
#include "daemon/sources/evm_reader.hpp"
#include "daemon/sources/sink.hpp"

namespace homeostat::sources {

struct ProviderStatus {
  std::string name;
  bool in_use = false;
  std::string fault;  ///< empty when it works or was not tried yet
  ProviderState state = ProviderState::unknown;
  Sight sight;  ///< its newest answer about the chain's ends
};

class EvmPool {
 public:
  /// One provider's look at what comes next. It goes on by itself when nobody waits for it any more, and then only
  /// its provider's health is learnt from it.
  struct Attempt {
    std::size_t provider = 0;
    std::uint64_t began = 0;  ///< the epoch
    ChainMemory memory;       ///< what it builds on: its own copy, because another attempt may be faster
    bool is_done = false;
    Fetch<std::optional<oracle::ChainSegment>> result;
  };
  using Look = std::function<boost::asio::awaitable<Fetch<std::optional<oracle::ChainSegment>>>(Attempt&)>;

  /// All references must outlive the pool.
  EvmPool(const Outside& outside, const EvmSettings& settings, EvmMetrics& metrics, const Sink& sink, EvmReader& reader,
          Look look);

  /// Before anything else: the providers in the order of EvmSettings::providers.
  void add(const Endpoint& endpoint);
  /// Begins to look at those not in use. `keeper` owns the pool and is held for as long as anything runs.
  void start(const std::shared_ptr<void>& keeper);
  void stop();

  /// The first good look of the providers in the pool's order: one after the other, or two at once when the first is
  /// slow. Null when none gives one now.
  [[nodiscard]] boost::asio::awaitable<std::shared_ptr<Attempt>> first_good(std::shared_ptr<void> keeper,
                                                                            const std::uint64_t& epoch,
                                                                            const ChainMemory& memory);
  /// When the first of the providers that are left alone may be asked again; busy ones end by their deadline.
  [[nodiscard]] Moment next_try() const;
  /// `provider` did wrong in something other than a look.
  void count_failure(std::size_t provider, Fault why) { count_failure(*nodes_[provider], provider, std::move(why)); }
  /// What it gave of a block is not what the block holds.
  void refute(std::size_t provider, std::string why);
  void confirm(std::size_t provider) { pool_.confirmed(provider); }
  /// The provider to turn to first in front.
  [[nodiscard]] std::vector<std::size_t> order() { return pool_.order(timing_.now()); }
  /// For comparing providers: one at a time is asked this way, which never waits for a look.
  [[nodiscard]] EvmNode& witness(std::size_t provider) { return *witnesses_[provider]; }
  void failed_as_witness(std::size_t provider, Fault why) {
    count_failure(*witnesses_[provider], provider, std::move(why));
  }
  void saw(std::size_t provider, const Sight& sight) { pool_.saw(provider, sight, timing_.now()); }

  /// Whether a provider may be asked something between two looks.
  [[nodiscard]] bool is_free(std::size_t provider) const;
  /// Only of one that is_free(); keeps looks away from it until release().
  [[nodiscard]] EvmNode& reserve(std::size_t provider);
  void release(std::size_t provider) { busy_[provider] = false; }

  /// For the look that it is asked for.
  [[nodiscard]] EvmNode& node(std::size_t provider) { return *nodes_[provider]; }
  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  [[nodiscard]] std::size_t in_use() const { return in_use_; }
  void use(std::size_t provider) { in_use_ = provider; }
  [[nodiscard]] const std::string& name_of(std::size_t provider) const { return settings_.providers[provider].name; }

  /// Why no provider is usable, by the worst thing that all of them agree on. `key` holds the kinds of faults only,
  /// since texts vary with every try. None when all merely wait for the next block: a head that does not move yet is
  /// not a failure; that it stays so shows in the readings' age.
  struct Trouble {
    oracle::SourceCondition condition = oracle::SourceCondition::failing;
    std::string key;
    std::string detail;
  };
  [[nodiscard]] std::optional<Trouble> trouble() const;
  [[nodiscard]] std::vector<ProviderStatus> status(bool connected) const;

 private:
  boost::asio::awaitable<void> run_attempt(std::shared_ptr<Attempt> attempt);
  std::shared_ptr<Attempt> start_attempt(const std::shared_ptr<void>& keeper, std::size_t provider, std::uint64_t epoch,
                                         const ChainMemory& memory);
  boost::asio::awaitable<void> probe(std::size_t i);
  void count_failure(EvmNode& node, std::size_t i, Fault why);

  const Outside& outside_;
  Timing& timing_;
  const EvmSettings& settings_;
  EvmMetrics& metrics_;
  const Sink& sink_;
  EvmReader& reader_;
  Look look_;
  ProviderPool pool_;
  std::vector<std::unique_ptr<EvmNode>> nodes_;
  std::vector<std::unique_ptr<EvmNode>> probes_;  ///< of the same providers, so that looking at one never waits
  std::vector<std::unique_ptr<EvmNode>> witnesses_;
  std::vector<std::unique_ptr<Timer>> probe_timers_;
  std::vector<bool> busy_;  ///< something is being asked of this provider
  std::size_t in_use_ = 0;
  std::unique_ptr<Timer> attempt_done_;
  bool stopping_ = false;
};

}  // namespace homeostat::sources
