// A seeded stream of every kind of input there is, good and bad: what the engine may meet in a long and
// unlucky life. The golden test and the replay properties feed from it.
//
// One policy uses every part of the engine (each aggregate, expression, arbitration and limit); the
// stream's second policy differs in gains, limits, loops and order, and comes and goes.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "core/random.hpp"
#include "engine/codec.hpp"
#include "engine/engine.hpp"

namespace homeostat::golden {

/// The policy of a text: "a" or "b". This is the stream's configuration loader.
[[nodiscard]] Result<engine::PolicyPtr> load_policy(const std::string& text);

class InputStream {
 public:
  explicit InputStream(std::uint64_t seed);

  /// The next input. It may depend on what the engine emitted, which note() tells.
  [[nodiscard]] engine::Input next();
  void note(const engine::Effects& effects);

 private:
  [[nodiscard]] engine::Input samples();
  [[nodiscard]] engine::Input chain();
  [[nodiscard]] engine::Input tick();
  [[nodiscard]] engine::Input command();
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
};

/// What a run of `count` inputs comes to: "decisions <hash>\nstate <hash>\n...".
[[nodiscard]] std::string replay_report(std::uint64_t seed, std::uint64_t count);

}  // namespace homeostat::golden
