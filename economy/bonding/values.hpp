// Up to kAssetsMax numbers, one for each asset of a reserve, in place: nothing here allocates.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "core/check.hpp"

namespace homeostat::economy::bonding {

inline constexpr std::size_t kAssetsMin = 2;
inline constexpr std::size_t kAssetsMax = 16;

class Values {
 public:
  Values() = default;
  /// `size` zeros; at most kAssetsMax (CHECKed).
  explicit Values(std::size_t size) : size_(size) { HOMEOSTAT_CHECK(size <= kAssetsMax); }
  explicit Values(std::span<const double> values) : Values(values.size()) {
    for (std::size_t i = 0; i < size_; ++i) x_[i] = values[i];
  }

  [[nodiscard]] double& operator[](std::size_t i) { return x_[i]; }
  [[nodiscard]] double operator[](std::size_t i) const { return x_[i]; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] double* data() { return x_.data(); }
  [[nodiscard]] const double* data() const { return x_.data(); }
  [[nodiscard]] double* begin() { return data(); }
  [[nodiscard]] double* end() { return data() + size_; }
  [[nodiscard]] const double* begin() const { return data(); }
  [[nodiscard]] const double* end() const { return data() + size_; }
  bool operator==(const Values&) const = default;

 private:
  std::array<double, kAssetsMax> x_{};
  std::size_t size_ = 0;
};

}  // namespace homeostat::economy::bonding
