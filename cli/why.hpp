// Why a parameter did not move, or did, and what a guardian can do about it: the last decision, the mode, readings,
// orders and what is under way, as one list of reasons with the one that holds it first. Pure: messages in, text out.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/time.hpp"
#include "homeostat/v1/control.pb.h"

namespace homeostat::cli {

namespace v1 = ::homeostat::v1;

/// What the daemon says of one parameter.
struct Situation {
  v1::Status status;
  v1::Parameter parameter;
  std::optional<v1::Decision> last;
  std::optional<v1::Decision> last_sent;  ///< the newest that became an adjustment
  Instant now;
};

struct WhyReason {
  std::string
      kind;  ///< a limit's name, or mode, reading, pause, override, deadband, quantum, in_flight, executor, clock
  std::string text;                    ///< one sentence
  bool holds = false;                  ///< it keeps the value back now, by itself
  std::optional<Instant> until;        ///< when it ends by itself, as far as is known
  std::optional<std::string> without;  ///< what would have gone on without it
  std::string advice;                  ///< what to do about it; may be empty
};

struct WhyAnswer {
  std::string parameter;
  std::string headline;  ///< moved, or not, in one sentence
  bool moved = false;
  std::vector<WhyReason> reasons;     ///< what holds it first
  std::vector<std::string> readings;  ///< one sentence for each loop
};

[[nodiscard]] WhyAnswer why_of(const Situation& situation);
[[nodiscard]] std::string why_text(const WhyAnswer& answer, Instant now);
[[nodiscard]] std::string why_json(const WhyAnswer& answer);

}  // namespace homeostat::cli
