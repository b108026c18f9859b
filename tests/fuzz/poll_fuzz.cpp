// Answers of Prometheus and of HTTP endpoints: any bytes give a value or a fault.
#include <string_view>

#include "core/check.hpp"
#include "daemon/sources/poll_parse.hpp"

using namespace homeostat::sources;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const auto value = parse_prometheus(body);
  HOMEOSTAT_CHECK(!value || value->time);
  static const std::vector<HttpMetric> metrics{
      {"a", "", "", ""}, {"b", "", "/a/0", "/t"}, {"c", "", "/a~1b/~0", "/a/1"}};
  HOMEOSTAT_CHECK(parse_http(body, metrics).size() == metrics.size());
  (void)parse_number(body);
  (void)is_json_pointer(body);
  return 0;
}
