// A seeded stream of every kind of input there is, good and bad: what the engine may meet in a long and
// unlucky life. The golden test and the replay properties feed from it.
//
// One policy uses every part of the engine (each aggregate, expression, arbitration and limit); the
// stream's second policy differs in gains, limits, loops and order, and comes and goes. The third is the first with
// keys and approval rules: while it is in force orders are signed, most of them well.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "core/random.hpp"
#include "engine/codec.hpp"
#include "engine/engine.hpp"

namespace homeostat::golden {

/// The policy of a text: "a", "b" or "c". This is the stream's configuration loader.
[[nodiscard]] Result<engine::PolicyPtr> load_policy(const std::string& text);

/// What is wrong with a signed order; each of them must be refused, and change nothing but the counters of commands.
enum class Forgery { none, replayed, late, altered, unknown_key, other_policy, wrong_signature };

class InputStream {
 public:
  explicit InputStream(std::uint64_t seed);

  /// The next input. It may depend on what the engine emitted, which note() tells.
  [[nodiscard]] engine::Input next();
  void note(const engine::Effects& effects);
  [[nodiscard]] Instant now() const { return now_; }
  /// The policy in force is another one than the stream can know of.
  void follow(const std::string& policy) { in_force_ = policy; }
  /// Of the last input, if it was a signed order.
  [[nodiscard]] Forgery forgery() const { return forgery_; }

 private:
  [[nodiscard]] engine::Input samples();
  [[nodiscard]] engine::Input chain();
  [[nodiscard]] engine::Input tick();
  [[nodiscard]] engine::GuardianCommand command();
  [[nodiscard]] engine::Input signed_command();
  [[nodiscard]] engine::Input answer();
  [[nodiscard]] engine::Input policy_change();
  [[nodiscard]] const char* any(const std::vector<const char*>& names) { return names[random_.below(names.size())]; }

  Random random_;
  Instant now_;
  std::uint64_t sequence_ = 0;
  std::uint64_t block_ = 0;
  double level_ = 1;  ///< what the samples wander around, so that loops have something to do
  std::deque<engine::Adjustment> waiting_;
  std::uint64_t last_id_ = 0;
  std::string in_force_ = "a";
  std::string asked_for_;  ///< the policy of a change that has not been noted yet
  // Signed orders.
  std::uint64_t nonce_ = 0;
  std::deque<engine::SignedCommand> signed_;  ///< some of the last, to be sent again
  std::deque<std::uint64_t> pending_;         ///< commands that wait for signatures
  Forgery forgery_ = Forgery::none;
};

/// What a run of `count` inputs comes to: "decisions <hash>\nstate <hash>\n...".
[[nodiscard]] std::string replay_report(std::uint64_t seed, std::uint64_t count);

}  // namespace homeostat::golden
