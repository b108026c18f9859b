// The kinds of records that can be checked: what each reads, which law it runs, what it computes.
//
// A record is one JSON object with `kind`; its fields are listed in docs/conformance.md. Computing never looks at
// what the record expects. What the field's contracts revert on is a result here ("reverts"), not a malformed record:
// a vector may expect it.
#pragma once

#include <boost/json/object.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.hpp"

namespace homeostat::conformance {

/// What one evaluation came to: names and decimal integers in a fixed order, or why a contract would revert.
struct Row {
  std::vector<std::pair<std::string_view, std::string>> values;
  std::string reverts;
  const boost::json::object* expected = nullptr;  ///< of this row, in the record; null = nothing is expected
  std::string path;                               ///< "" or "steps[3]"
};

struct Computed {
  std::string kind;
  std::string id;
  bool has_steps = false;
  std::vector<Row> rows;  ///< one, or one per step
};

/// Names of all kinds, in alphabetical order.
[[nodiscard]] const std::vector<std::string_view>& kind_names();

/// Runs one record. The result points into `record`. Error: `where` is the field.
[[nodiscard]] Result<Computed> compute(const boost::json::object& record);

}  // namespace homeostat::conformance
