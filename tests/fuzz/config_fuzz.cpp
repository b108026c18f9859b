// Configurations: any bytes give a policy that passes its own check, or diagnostics; and what is valid
// loads again from its own text.
#include <cstdint>
#include <string>
#include <string_view>

#include "config/config.hpp"
#include "config/describe.hpp"
#include "core/check.hpp"

using namespace homeostat::config;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Environment environment = [](std::string_view name) -> std::optional<std::string> {
    if (name.size() % 2 == 0) return std::nullopt;
    return std::string(name);
  };
  const Loaded loaded = load_text(text, "fuzz.yaml", environment);
  if (!loaded) {
    HOMEOSTAT_CHECK(!loaded.error().empty() && loaded.error().size() <= kDiagnosticsMax);
    for (const Diagnostic& d : loaded.error()) HOMEOSTAT_CHECK(!d.text().empty());
    return 0;
  }
  const Loaded again = load_text(loaded->text(), "again.yaml", [](std::string_view) { return std::nullopt; });
  HOMEOSTAT_CHECK(again && again->digest() == loaded->digest());
  HOMEOSTAT_CHECK(again->text() == loaded->text());
  // The kept text has no keys, so what it says of addresses that had one is another thing.
  const bool has_keys = loaded->text().find("/redacted-") != std::string::npos;
  HOMEOSTAT_CHECK(has_keys || again->daemon() == loaded->daemon());
  (void)to_text(describe(*loaded));
  return 0;
}
