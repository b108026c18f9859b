// JSON-RPC replies and WebSocket messages: any bytes give a value or a fault.
#include <string_view>

#include "core/check.hpp"
#include "daemon/sources/chain_check.hpp"
#include "daemon/sources/rpc.hpp"
#include "daemon/sources/rpc_plain.hpp"

using namespace homeostat::sources;

namespace {

/// The short way for logs gives what the JSON parser gives, or leaves it to that.
void compare_ways(std::string_view body, std::span<const rpc::Call> calls) {
  const auto plain = rpc::read_plain_logs(body, calls, 1);
  if (!plain) return;
  const auto parsed = rpc::parse_any_replies(std::string(body), calls, 1);
  HOMEOSTAT_CHECK(parsed.has_value() && parsed->size() == plain->size());
  for (std::size_t i = 0; i < plain->size(); ++i) {
    HOMEOSTAT_CHECK((*parsed)[i].has_value());
    HOMEOSTAT_CHECK(std::get<std::vector<rpc::Log>>(*(*parsed)[i]) == (*plain)[i]);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  for (const rpc::Want want : {rpc::Want::quantity, rpc::Want::header, rpc::Want::logs, rpc::Want::has_code,
                               rpc::Want::text, rpc::Want::bytes}) {
    const rpc::Call call{want, "call", "[]"};
    auto values = rpc::parse_replies(std::string(body), {&call, 1}, 1);
    HOMEOSTAT_CHECK(!values || values->size() == 1);
    if (!values || !values->front() || want != rpc::Want::logs) continue;
    auto logs = std::get<std::vector<rpc::Log>>(*values->front());
    if (!order_logs(logs, 0, UINT64_MAX)) (void)bloom_equals({}, logs);
  }
  const rpc::Call logs[] = {rpc::logs_of_range({}, 0, 1), rpc::logs_of_range({}, 2, 3)};
  compare_ways(body, std::span(logs).first(1));
  compare_ways(body, logs);
  const rpc::Call calls[] = {rpc::chain_id(), rpc::header_by_tag("latest"), rpc::logs_of_range({}, 0, 1)};
  (void)rpc::parse_replies(std::string(body), calls, 1);
  (void)rpc::parse_ws_message(body);
  const Fault fault = rpc::classify_error(-32005, body, rpc::Want::logs);
  HOMEOSTAT_CHECK(fault.text.size() < 400);
  return 0;
}
