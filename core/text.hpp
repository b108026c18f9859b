// Help for people who mistype: the nearest known name.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace homeostat {

/// Smallest number of insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b`
/// (optimal string alignment). Only the first kNameLengthMax characters of each count.
inline constexpr std::size_t kNameLengthMax = 128;
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

/// The candidate nearest to `name`, if near enough to be meant: at most a third of its length away (and at
/// least one edit is allowed); ties go to the first. Empty = none is near.
[[nodiscard]] std::string_view nearest_name(std::string_view name, std::span<const std::string> candidates);
[[nodiscard]] std::string_view nearest_name(std::string_view name, std::span<const std::string_view> candidates);

/// "; did you mean 'velocity'?" or "" if nothing is near: the end of an unknown-name message.
[[nodiscard]] std::string did_you_mean(std::string_view name, std::span<const std::string> candidates);
[[nodiscard]] std::string did_you_mean(std::string_view name, std::span<const std::string_view> candidates);

}  // namespace homeostat
