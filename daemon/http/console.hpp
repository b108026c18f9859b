// The console: one page that answers "is it healthy, what does it see, what did it do and why", drawn
// on the server from the published view, without scripts. It only shows; orders go through the
// command or the guardian service.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "engine/engine.hpp"

namespace homeostat::daemon {

/// The last readings and values, for the curves. Thread-safe; bounded by kHistoryPoints per curve.
class History {
 public:
  static constexpr std::size_t kHistoryPoints = 240;
  static constexpr std::size_t kDecisionsKept = 25;

  void add(const engine::View& view, const std::vector<engine::DecisionRecord>& decisions);

  struct Copy {
    std::map<std::string, std::vector<double>> metrics;
    std::map<std::string, std::vector<double>> parameters;
    std::vector<engine::DecisionRecord> decisions;  ///< adjustments, newest first
  };
  [[nodiscard]] Copy copy() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::deque<double>> metrics_;
  std::map<std::string, std::deque<double>> parameters_;
  std::deque<engine::DecisionRecord> decisions_;
};

/// The page as HTML. `now` is for ages.
[[nodiscard]] std::string console_page(const engine::View& view, const History::Copy& history, Instant now);

}  // namespace homeostat::daemon
