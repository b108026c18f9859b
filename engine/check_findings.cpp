#include "engine/check_findings.hpp"

#include <cmath>

#include "core/format.hpp"
#include "core/text.hpp"

namespace homeostat::engine {

void Findings::add(ErrorCode code, std::string where, std::string message) {
  errors_.push_back({code, std::move(where), std::move(message)});
}

void Findings::range(bool ok, const std::string& where, std::string message) {
  if (!ok) add(ErrorCode::out_of_range, where, std::move(message));
}

void Findings::number(double x, const std::string& where, double min, double max) {
  if (std::isfinite(x) && x >= min && x <= max) return;  // no sentence is made for nothing
  add(ErrorCode::out_of_range, where,
      text_of(x) + " is not a finite number from " + text_of(min) + " to " + text_of(max));
}

void Findings::duration(Duration d, const std::string& where, Duration min, Duration max) {
  if (d >= min && d <= max) return;
  add(ErrorCode::out_of_range, where, text_of(d) + " is not from " + text_of(min) + " to " + text_of(max));
}

bool Findings::known(const char* what, const std::string& name, const Names& all, const std::string& where) {
  if (all.index.count(name) > 0) return true;
  add(ErrorCode::unknown_name, where,
      std::string("no ") + what + " is named '" + name + "'" + did_you_mean(name, all.list));
  return false;
}

}  // namespace homeostat::engine
