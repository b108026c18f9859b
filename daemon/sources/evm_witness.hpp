// Compares the providers of a chain, block by block, before anything becomes final: whoever holds a final block of
// Agreement's ledger not yet is asked for its logs again, in ranges and under the provider's own budget, and only until
// enough hold it.
//
// Two that contradict each other are a dispute. Where arithmetic can tell who is right, nobody votes: the receipts root
// of the block's header, then its bloom filter. Who is wrong is not trusted until it gives the same as the others; if
// what was delivered is wrong, the source takes it back and reads it again from another. Where it cannot tell, nothing
// above becomes final, and the dispute stays open until enough providers say the same.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "daemon/sources/agreement.hpp"
#include "daemon/sources/backoff.hpp"
#include "daemon/sources/evm_pool.hpp"
#include "daemon/sources/evm_reader.hpp"

namespace homeostat::sources {

/// One provider's word of a block, and what speaks for it.
struct Testimony {
  std::size_t provider = 0;
  oracle::Hash32 digest{};  ///< Agreement::digest_of its logs
  bool fits_bloom = false;
  std::optional<oracle::Hash32> proven;  ///< digest of the logs in its receipts, which give the receipts root
  oracle::Hash32 receipts_root{};
  bool sealed = false;  ///< the header with that root has the block's hash
};
/// The digest of what the block really holds. None: it cannot be told. All testimonies are of one block hash; `needed`
/// that say the same, while nobody says otherwise, are believed without proof.
[[nodiscard]] std::optional<oracle::Hash32> judge(const std::vector<Testimony>& testimonies, std::size_t needed);

class EvmWitness {
 public:
  struct Hooks {
    std::function<void()> agreed;                        ///< the agreed height has moved
    std::function<void(std::uint64_t block)> take_back;  ///< what was delivered of this block is wrong
    std::function<void()> disputed;                      ///< dispute() has changed
  };

  /// All references must outlive it.
  EvmWitness(const Outside& outside, const EvmSettings& settings, EventBook book, EvmMetrics& metrics, const Sink& sink,
             EvmPool& pool, Agreement& agreement, Hooks hooks);

  void start(const std::shared_ptr<void>& keeper);
  void stop();
  /// The ledger, or what is called final, has changed.
  void wake();
  /// What was wrong has been taken back and given again.
  void redelivered();

  /// What providers contradict each other about; empty when they do not.
  [[nodiscard]] const std::string& dispute() const { return dispute_; }
  /// Why finality is held; empty when it is not.
  [[nodiscard]] const std::string& held() const { return held_; }

 private:
  enum class Outcome : std::uint8_t { progress, waits };

  boost::asio::awaitable<void> run();
  boost::asio::awaitable<Outcome> step();
  boost::asio::awaitable<Outcome> ask(std::size_t provider, std::uint64_t want);
  boost::asio::awaitable<Outcome> compare(std::size_t provider, std::uint64_t want, std::uint64_t head);
  boost::asio::awaitable<Outcome> arbitrate(std::size_t provider, std::uint64_t block);
  boost::asio::awaitable<std::vector<Testimony>> hear_all(std::uint64_t block, oracle::Hash32& hash,
                                                          std::string& unproven);
  Outcome conclude(std::size_t accuser, std::uint64_t block, const Agreement::Delivered& delivered,
                   const std::vector<Testimony>& testimonies, const oracle::Hash32& truth);
  void failed(std::size_t provider, Fault why);
  void open_dispute(std::uint64_t block, std::string text);
  void close_dispute();
  void waits_for(std::size_t provider, const std::string& why);
  void log(LogLevel level, const std::string& text) const { sink_.log(level, settings_.name + ": " + text); }

  const Outside& outside_;
  Timing& timing_;
  const EvmSettings& settings_;
  EvmMetrics& metrics_;
  const Sink& sink_;
  EvmPool& pool_;
  Agreement& agreement_;
  const Hooks hooks_;
  EvmReader reader_;
  Backoff patience_;  ///< of one who lags, and of a dispute that cannot be settled
  std::unique_ptr<Timer> pause_;
  std::string dispute_;
  std::uint64_t disputed_block_ = 0;
  bool taking_back_ = false;
  std::string held_;
  std::string waiting_;       ///< of this step
  std::uint32_t stalls_ = 0;  ///< steps in a row that came to nothing
  bool woken_ = false;
  bool stopping_ = false;
};

}  // namespace homeostat::sources
