// Signed orders: any bytes give an order whose one text they are, or a reason.
#include "core/check.hpp"
#include "guardian/signed_order.hpp"

using namespace homeostat;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto order = guardian::parse_signed_order(text);
  HOMEOSTAT_CHECK(!order || guardian::text_of(*order) == text);
  HOMEOSTAT_CHECK(order || !order.error().message.empty());
  return 0;
}
