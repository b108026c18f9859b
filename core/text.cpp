#include "core/text.hpp"

#include <algorithm>
#include <array>

namespace homeostat {
namespace {

template <class Names>
std::string_view nearest(std::string_view name, const Names& candidates) {
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(1, name.size() / 3) + 1;
  for (const std::string_view candidate : candidates) {
    const std::size_t distance = edit_distance(name, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string suggestion(std::string_view best) {
  return best.empty() ? "" : "; did you mean '" + std::string(best) + "'?";
}

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  a = a.substr(0, kNameLengthMax);
  b = b.substr(0, kNameLengthMax);
  // Three rows of the distance table: for the prefix of `a` two, one and no characters shorter.
  using Row = std::array<std::size_t, kNameLengthMax + 1>;
  Row before{};
  Row last{};
  Row row{};
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substitution = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, substitution});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = last;
    last = row;
  }
  return last[b.size()];
}

std::string_view nearest_name(std::string_view name, std::span<const std::string> candidates) {
  return nearest(name, candidates);
}
std::string_view nearest_name(std::string_view name, std::span<const std::string_view> candidates) {
  return nearest(name, candidates);
}

std::string did_you_mean(std::string_view name, std::span<const std::string> candidates) {
  return suggestion(nearest_name(name, candidates));
}
std::string did_you_mean(std::string_view name, std::span<const std::string_view> candidates) {
  return suggestion(nearest_name(name, candidates));
}

}  // namespace homeostat
