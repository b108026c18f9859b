// A seeded stream of every kind of input there is, good and bad: what the engine may meet in a long and
// unlucky life. The golden test and the replay properties feed from it.
//
// It changes between the policies of stream_policies.hpp; while one with keys is in force orders are signed, most of
// them well.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/random.hpp"
#include "engine/codec.hpp"
#include "engine/engine.hpp"
#include "stream_policies.hpp"

namespace homeostat::golden {

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
  [[nodiscard]] engine::Input source_report();
  [[nodiscard]] engine::Input chain();
  [[nodiscard]] engine::Input tick();
  [[nodiscard]] engine::GuardianCommand command();
  [[nodiscard]] engine::Input signed_command();
  [[nodiscard]] engine::Input answer();
  [[nodiscard]] engine::Input policy_change();
  void note_order(const engine::GuardianCommand& command, bool is_accepted);
  [[nodiscard]] const engine::Policy& policy_in_force() const;
  [[nodiscard]] const char* any(const std::vector<const char*>& names) { return names[random_.below(names.size())]; }

  Random random_;
  Instant now_;
  std::uint64_t sequence_ = 0;
  std::uint64_t block_ = 0;
  double level_ = 1;      ///< what the samples wander around, so that loops have something to do
  std::string failing_;   ///< the source that was last said to be so
  std::string violated_;  ///< likewise, until a guardian has cleared it
  bool clears_ = false;   ///< the last order does
  std::optional<engine::GuardianCommand> ordered_;                       ///< the last order, if it was meant well
  std::deque<std::pair<guardian::CommandKind, std::string>> in_effect_;  ///< what takes back what was ordered
  std::deque<engine::Adjustment> waiting_;
  std::uint64_t last_id_ = 0;
  std::string in_force_ = "a";
  std::string asked_for_;                ///< the policy of a change that has not been noted yet
  std::deque<std::uint64_t> undecided_;  ///< decisions that waited for a veto window or a release, not long ago
  // Signed orders.
  std::uint64_t nonce_ = 0;
  std::deque<engine::SignedCommand> signed_;  ///< some of the last, to be sent again
  std::deque<std::uint64_t> pending_;         ///< commands that wait for signatures
  Forgery forgery_ = Forgery::none;
  std::string allows_;   ///< the policy that the last order would allow
  std::string allowed_;  ///< the policy that an admin allowed last
};

}  // namespace homeostat::golden
