// Instants, durations and numbers as text and back: pure arithmetic, no locale, no time zone data.
#pragma once

#include <string>
#include <string_view>

#include "core/buffer.hpp"
#include "core/result.hpp"
#include "core/time.hpp"

namespace homeostat {

/// RFC 3339 in UTC with as many fraction digits (in threes) as needed: "2026-11-20T21:00:00Z",
/// "2026-11-20T21:00:00.123Z". An Instant covers 1677 to 2262. "never" for a default Instant.
[[nodiscard]] std::string text_of(Instant t);
/// "0s", "250ms", "1.5s", "30s", "1h30m", "7d", "-5m": the largest units first, without zero parts.
/// `parse_duration` reads every text that this writes, to the nanosecond.
[[nodiscard]] std::string text_of(Duration d);
/// The shortest decimal text that reads back as `x`: "0.1", "1e+30", "nan".
[[nodiscard]] std::string text_of(double x);
/// Six significant digits, as printf's %g has them: "0.8", "-1234.57", "1e+06"; for sentences.
[[nodiscard]] std::string short_text(double x);
void append_short(Buffer& text, double x);

/// RFC 3339 with `Z` or an offset: "2026-11-20T21:00:00.123Z", "2026-11-20T22:00:00+01:00". At most nine
/// fraction digits. Errors: malformed, out_of_range (no such day, beyond what an Instant covers).
[[nodiscard]] Result<Instant> parse_instant(std::string_view text);
/// Numbers with units, largest first, each unit once: "250ms", "1.5s", "1h30m", "7d", "-5m"; "0" alone
/// needs none. Units: d h m s ms us ns. Errors: malformed (says which units there are), out_of_range.
[[nodiscard]] Result<Duration> parse_duration(std::string_view text);

}  // namespace homeostat
