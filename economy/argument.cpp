#include "economy/argument.hpp"

namespace homeostat::economy {

namespace {
std::string words_of(Range range) {
  if (range.max == std::numeric_limits<double>::max()) return "at least " + short_text(range.min);
  return "from " + short_text(range.min) + " to " + short_text(range.max);
}
std::string element(std::string_view name, std::size_t i) {
  return std::string(name) + "[" + std::to_string(i) + "]";
}
}  // namespace

Result<> require(std::string_view name, double value, Range range) {
  if (is_in(value, range)) return {};
  return fail(ErrorCode::out_of_range, std::string(name), "must be " + words_of(range) + ", is " + text_of(value));
}

Result<> require_each(std::string_view name, std::span<const double> values, Range range) {
  if (values.empty()) return fail(ErrorCode::missing, std::string(name), "must have at least one element");
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!is_in(values[i], range)) return require(element(name, i), values[i], range);
  }
  return {};
}

Result<> require_shares(std::string_view name, std::span<const double> shares) {
  if (auto ok = require_each(name, shares, {0, 1}); !ok) return ok;
  double sum = 0;
  for (const double share : shares) sum += share;
  if (std::abs(sum - 1) <= kShareSumTolerance) return {};
  return fail(ErrorCode::invalid_argument, std::string(name), "must sum to 1, they sum to " + text_of(sum));
}

Result<> require_same_size(std::string_view name, std::size_t size, std::string_view of, std::size_t expected) {
  if (size == expected) return {};
  return fail(ErrorCode::invalid_argument, std::string(name),
              "must have one element for each of " + std::string(of) + ", has " + std::to_string(size) + " for " +
                  std::to_string(expected));
}

Result<> require_order(std::string_view low_name, double low, std::string_view high_name, double high) {
  if (low <= high) return {};
  return fail(ErrorCode::invalid_argument, std::string(low_name),
              "must not be above " + std::string(high_name) + ", " + text_of(low) + " > " + text_of(high));
}

}  // namespace homeostat::economy
