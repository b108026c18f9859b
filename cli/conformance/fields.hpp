// Strict reading of one record of a vector file: every field has a kind and a range, nothing is ignored in silence.
//
// A Fields looks at one JSON object. The readers return a default once anything was wrong; the first error, with the
// path of its field, is kept in the FirstError that all objects of a record share. finish() refuses what nobody asked
// for, with the nearest name that somebody did ask for.
#pragma once

#include <boost/json/object.hpp>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/evm_math.hpp"
#include "core/result.hpp"

namespace homeostat::conformance {

using controller::Int;

/// Seconds and unix times are whole and at most this (some 30,000 years).
inline constexpr std::uint64_t kSecondsMax = 1'000'000'000'000;

/// Bound on the steps of one record.
inline constexpr std::size_t kStepsMax = 100'000;

/// Real numbers are finite, and lists of them have an end.
inline constexpr double kRealMax = std::numeric_limits<double>::max();
inline constexpr std::size_t kRealsMax = 1'000'000;

class FirstError {
 public:
  void note(ErrorCode code, std::string where, std::string message) {
    if (!error_) error_ = Error{code, std::move(where), std::move(message)};
  }
  [[nodiscard]] bool is_set() const { return error_.has_value(); }
  [[nodiscard]] const Error& error() const { return *error_; }

 private:
  std::optional<Error> error_;
};

class Fields {
 public:
  /// `path` is written before the names of fields in errors; "" for a record itself.
  Fields(const boost::json::object& object, std::string path, FirstError& error)
      : object_(&object), path_(std::move(path)), error_(&error) {}

  /// A decimal string ("-12", no exponent, no point) or a JSON integer, within int256.
  [[nodiscard]] Int integer(std::string_view name, std::optional<Int> otherwise = {});
  /// The same within uint256.
  [[nodiscard]] Int natural(std::string_view name, std::optional<Int> otherwise = {});
  [[nodiscard]] std::uint64_t seconds(std::string_view name, std::optional<std::uint64_t> otherwise = {});
  /// true, false, "1" or "0".
  [[nodiscard]] bool flag(std::string_view name, std::optional<bool> otherwise = {});
  [[nodiscard]] std::string text(std::string_view name, std::optional<std::string> otherwise = {});
  /// A decimal string ("-1.5e-9") or a JSON number within [min, max], the nearest double to it.
  [[nodiscard]] double real(std::string_view name, std::optional<double> otherwise = {}, double min = -kRealMax,
                            double max = kRealMax);
  /// A list of 1..kRealsMax of them.
  [[nodiscard]] std::vector<double> reals(std::string_view name, double min = -kRealMax, double max = kRealMax);
  /// A whole number from `min` to `max`.
  [[nodiscard]] std::size_t count(std::string_view name, std::size_t min, std::size_t max,
                                  std::optional<std::size_t> otherwise = {});
  /// Any value, for what a record expects beside its inputs; null if there is no such field.
  [[nodiscard]] const boost::json::value* value_if(std::string_view name) { return find(name, false); }
  [[nodiscard]] Fields object(std::string_view name);
  [[nodiscard]] std::vector<Fields> objects(std::string_view name);
  /// Null if there is no such field.
  [[nodiscard]] const boost::json::object* object_if(std::string_view name);
  /// Fields that may be there and mean nothing here.
  void ignore(std::initializer_list<std::string_view> names) { asked_.insert(asked_.end(), names); }
  [[nodiscard]] bool has(std::string_view name) const { return object_->contains(name); }

  void finish();
  void refuse(std::string_view name, std::string message, ErrorCode code = ErrorCode::out_of_range);
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  [[nodiscard]] const boost::json::value* find(std::string_view name, bool is_required);
  [[nodiscard]] std::string path_of(std::string_view name) const;

  const boost::json::object* object_;
  std::string path_;
  FirstError* error_;
  std::vector<std::string_view> asked_;
};

/// What integer() accepts, within -2^255..2^256-1.
[[nodiscard]] std::optional<Int> int_of(const boost::json::value& value);

/// What real() accepts: a finite number, as text or as a number; nothing otherwise.
[[nodiscard]] std::optional<double> real_of(const boost::json::value& value);

}  // namespace homeostat::conformance
