// What of the engine a run of inputs has really reached, by what came of it: the outcomes, limits, laws, answers,
// orders ... that records, updates and notices show. Without it a stream may silently stop reaching a part, and the
// golden hashes go on without that part.
//
// The names are made of the enumerations themselves: a new law, limit or action is asked for as soon as there is one.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/engine.hpp"
#include "engine/shadow.hpp"
#include "input_stream.hpp"

namespace homeostat::golden {

class Coverage {
 public:
  /// One input, the policy that was in force before it, and what it brought about.
  void note(const engine::Policy& policy, const engine::Input& input, const engine::Effects& effects, Forgery forgery);
  void note(const engine::Shadow& shadow);
  void note(const engine::View& view);
  void add(std::string_view what);

  /// Everything that must have occurred, with how often it did, in the order of names.
  [[nodiscard]] std::vector<std::pair<std::string, std::uint64_t>> counts() const;

 private:
  void note_record(const engine::Policy& policy, const engine::DecisionRecord& record);
  void note_sent(const engine::Policy& policy, const engine::DecisionRecord& record);
  void note_pid(const controller::LoopSettings& loop);
  void note_adjustment(const engine::Adjustment& adjustment);
  void note_update(const engine::Policy& policy, const engine::DecisionRecord& record);
  void note_order(const engine::Policy& policy, const engine::Input& input, const engine::Effects& effects,
                  Forgery forgery);

  std::map<std::string, std::uint64_t, std::less<>> counts_;
  std::map<std::uint64_t, engine::Answer> answers_;  ///< by decision, the last one
  std::set<std::uint64_t> waiting_;                  ///< decisions in a veto window, or that wait for a release
};

}  // namespace homeostat::golden
