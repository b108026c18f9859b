// Vector files: what is in them, and how the values computed here compare with those they expect.
//
// A file is one JSON document, {"vectors": [record ...]} with anything beside it, a list of records, or one record; or
// JSON lines, one record each; or a document of lists each of whose names gives a kind. Whole numbers are compared to
// the last digit, real numbers within the tolerance of their kind. A row that reverts here agrees with
// {"expect": {"reverts": true}} alone.
#pragma once

#include <boost/json/object.hpp>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cli/conformance/kinds.hpp"

namespace homeostat::conformance {

/// A file beyond this is refused; the longest of the field's logs has a tenth of it.
inline constexpr std::size_t kFileMax = 64 << 20;
inline constexpr std::size_t kRecordsMax = 1'000'000;

struct Difference {
  std::string path;  ///< "" or "steps[3]"
  std::string name;
  std::string expected;
  std::string computed;
  std::string note = {};  ///< of a real number: how far off, and how far it may be
};

struct Verdict {
  std::size_t rows = 0;  ///< that expect something
  std::size_t rows_passed = 0;
  std::size_t reals = 0;  ///< compared within a tolerance
  double worst = 0;       ///< the largest error of a real number, as a share of its tolerance
  std::vector<Difference> differences;

  [[nodiscard]] bool has_passed() const { return differences.empty(); }
};

/// Compares; a name that the kind does not compute, or a value of another form, is an Error.
[[nodiscard]] Result<Verdict> judge(const Computed& computed);

struct Tally {
  std::size_t records = 0;
  std::size_t passed = 0;
  std::size_t failed = 0;
  std::size_t rows = 0;
  std::size_t rows_passed = 0;
  std::size_t reals = 0;
  double worst = 0;

  void add(const Verdict& verdict);
  void add(const Tally& other);
};

/// The records of a document; errors name the place in it.
[[nodiscard]] Result<std::vector<boost::json::object>> parse_document(std::string_view text);
/// One record on a line of its own.
[[nodiscard]] Result<boost::json::object> parse_record(std::string_view line);
/// True when a name says that a file has one record on each line (.jsonl, .ndjson).
[[nodiscard]] bool has_lines(std::string_view file_name);

/// The values of a record as one line of JSON, and whether they are what it expects (null: it expects nothing).
[[nodiscard]] std::string line_of(const Computed& computed, const Verdict& verdict);

}  // namespace homeostat::conformance
