// Event signatures as people write them into a configuration: any text gives a signature or a reason. What is taken has
// a canonical form that reads as itself, and a layout or a reason why its types cannot be decoded.
#include <string>
#include <string_view>

#include "core/check.hpp"
#include "daemon/sources/abi.hpp"

using namespace homeostat;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)sources::abi::parse_type(text);
  const auto signature = oracle::parse_event_signature(text);
  if (!signature) {
    HOMEOSTAT_CHECK(!signature.error().message.empty());
    return 0;
  }
  const auto again = oracle::parse_event_signature("event " + signature->canonical);
  HOMEOSTAT_CHECK(again.has_value() && again->canonical == signature->canonical);
  HOMEOSTAT_CHECK(again->parameters.size() == signature->parameters.size());
  const auto layout = sources::abi::make_layout(*signature);
  HOMEOSTAT_CHECK(!layout || layout->arguments.size() == signature->parameters.size());
  return 0;
}
