// Vector files and records of anyone: any bytes give values, a difference or an error with its place.
#include <string_view>

#include "cli/conformance/judge.hpp"
#include "core/check.hpp"

using namespace homeostat::conformance;

namespace {

void answer(const boost::json::object& record) {
  const auto computed = compute(record);
  if (!computed) {
    HOMEOSTAT_CHECK(!computed.error().message.empty() && !computed.error().where.empty());
    return;
  }
  HOMEOSTAT_CHECK(computed->has_steps || computed->rows.size() == 1);
  for (const Row& row : computed->rows) HOMEOSTAT_CHECK(row.values.empty() != row.reverts.empty());
  const auto verdict = judge(*computed);
  if (!verdict) {
    HOMEOSTAT_CHECK(!verdict.error().message.empty() && !verdict.error().where.empty());
    return;
  }
  HOMEOSTAT_CHECK(verdict->rows_passed <= verdict->rows);
  HOMEOSTAT_CHECK(verdict->has_passed() == (verdict->rows_passed == verdict->rows));
  // What is answered is JSON again, on one line.
  const std::string line = line_of(*computed, *verdict);
  HOMEOSTAT_CHECK(line.find('\n') == std::string::npos && parse_record(line).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto record = parse_record(text)) answer(*record);
  const auto records = parse_document(text);
  if (!records) {
    HOMEOSTAT_CHECK(!records.error().message.empty());
    return 0;
  }
  for (const auto& record : *records) answer(record);
  return 0;
}
