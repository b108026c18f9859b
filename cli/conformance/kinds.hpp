// The kinds of records that can be checked: what each reads, which law it runs, what it computes.
//
// A record is one JSON object with `kind`; its fields are listed in docs/conformance.md. Computing never looks at
// what the record expects. What the field's contracts revert on is a result here ("reverts"), not a malformed record:
// a vector may expect it. Kinds of whole numbers fill Row::values and agree to the last digit; kinds of real numbers
// fill Row::quantities, each with the tolerance that its file or the mechanism's error bound states.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/conformance/fields.hpp"
#include "core/result.hpp"

namespace homeostat::conformance {

/// |computed - expected| <= max(absolute, relative |expected|).
struct Tolerance {
  double relative = 0;
  double absolute = 0;
};

/// One thing computed that is no whole number: a real, a list of reals, or a word.
struct Quantity {
  std::string_view name;
  std::vector<double> reals;
  bool is_list = false;
  std::optional<std::string> word;
  Tolerance tolerance;
  /// Where the record says what it should be; null: in `expect`, or nowhere.
  const boost::json::value* expected = nullptr;
};
[[nodiscard]] Quantity real(std::string_view name, double computed, Tolerance tolerance,
                            const boost::json::value* expected = nullptr);
[[nodiscard]] Quantity reals(std::string_view name, std::span<const double> computed, Tolerance tolerance,
                             const boost::json::value* expected = nullptr);
[[nodiscard]] Quantity word(std::string_view name, std::string computed, const boost::json::value* expected = nullptr);

/// What one evaluation came to: names and decimal integers in a fixed order, or why a contract would revert.
struct Row {
  std::vector<std::pair<std::string_view, std::string>> values;
  std::vector<Quantity> quantities;
  std::string reverts;
  /// True if the record says beside its inputs what this row should be (also of a row that reverts).
  bool has_expected = false;
  const boost::json::object* expected = nullptr;  ///< of this row, in the record; null = nothing is expected
  std::string path;                               ///< "" or "steps[3]"
};

struct Computed {
  std::string kind;
  std::string id;
  bool has_steps = false;
  std::vector<Row> rows;  ///< one, or one per step
};

/// How records of one kind are read and computed.
struct Kind {
  std::string_view name;
  std::vector<Row> (*run)(Fields& record);
  bool has_steps = false;
  /// Files that write no `kind`: the name of the list in the document whose records are of this kind ("" = none),
  std::string_view list = {};
  /// and the fields by which a record without `kind` is known to be of this one (none = it is not).
  std::vector<std::string_view> signature = {};
};

/// A row of the one number that a record's `expected_ref` (exact) and `expected_source` (what another project computed,
/// within its `source_tolerance`) state, as "value" and "source"; reads those fields.
[[nodiscard]] Row value_row(Fields& record, const Result<double>& computed, Tolerance tolerance);

/// The kinds of each family, in their files.
[[nodiscard]] std::span<const Kind> bonding_kinds();
[[nodiscard]] std::span<const Kind> redemption_kinds();
[[nodiscard]] std::span<const Kind> scenario_kinds();

/// The kind of the records in a document's list of that name; null if there is none.
[[nodiscard]] const Kind* kind_of_list(std::string_view list);

/// Names of all kinds, in alphabetical order.
[[nodiscard]] const std::vector<std::string_view>& kind_names();

/// Runs one record. The result points into `record`. Error: `where` is the field.
[[nodiscard]] Result<Computed> compute(const boost::json::object& record);

}  // namespace homeostat::conformance
