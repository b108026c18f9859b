// What the parts of check() share: the list of errors with its sentences, the names that may be referred to, and the
// largest values of a policy.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "core/time.hpp"

namespace homeostat::engine {

/// Of gains, bounds and set-points: products of three of them stay far inside a double.
inline constexpr double kMagnitudeMax = 1e18;
inline constexpr Duration kDurationMax = Duration::days(3650);

/// The names of one kind, and where each is.
struct Names {
  std::vector<std::string_view> list;
  std::map<std::string_view, std::size_t> index;

  template <class Settings>
  explicit Names(const std::vector<Settings>& all) {
    for (const auto& x : all) {
      index.emplace(x.name, list.size());
      list.push_back(x.name);
    }
  }
};

/// Appends to a list of errors. `where` is the key that is wrong.
class Findings {
 public:
  explicit Findings(std::vector<Error>& errors) : errors_(errors) {}

  void add(ErrorCode code, std::string where, std::string message);
  void range(bool ok, const std::string& where, std::string message);
  void number(double x, const std::string& where, double min, double max);
  void duration(Duration d, const std::string& where, Duration min, Duration max);
  /// Whether `name` is one of `all`; the nearest one is proposed where it is not.
  bool known(const char* what, const std::string& name, const Names& all, const std::string& where);

 private:
  std::vector<Error>& errors_;
};

}  // namespace homeostat::engine
