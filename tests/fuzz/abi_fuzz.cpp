// ABI decoding: the first byte picks a signature and the number of topics, the rest is the log's data. Any bytes
// give one word per argument or a reason, in bounded time.
#include <array>

#include "core/check.hpp"
#include "daemon/sources/abi.hpp"

using namespace homeostat;
using namespace homeostat::sources;

namespace {

constexpr std::array kDeclarations = {
    "event A(uint256 a, address b, bool c, int8 d, bytes4 e)",
    "event B(string a, uint256 b, bytes c)",
    "event C(uint256[] a, string[] b)",
    "event D(uint8[2][3] a, bytes[][2] b)",
    "event E(uint256[][][][][][][] a)",
    "event F(address indexed a, string indexed b, uint256[] indexed c, uint256 d)",
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto layouts = [] {
    std::vector<abi::Layout> all;
    for (const char* declaration : kDeclarations)
      all.push_back(*abi::make_layout(*oracle::parse_event_signature(declaration)));
    return all;
  }();
  if (size == 0) return 0;
  const abi::Layout& layout = layouts[data[0] % layouts.size()];
  rpc::Log log;
  log.topic_count = static_cast<std::uint8_t>(data[0] >= 128 ? (data[0] - 128) % 5 : layout.indexed + 1);
  log.data.assign(data + 1, data + size);
  const auto words = abi::decode(layout, log);
  HOMEOSTAT_CHECK(!words || words->size() == layout.arguments.size());
  return 0;
}
