#include "cli/table.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "core/check.hpp"

namespace homeostat::cli {
namespace {

constexpr std::string_view kGap = "  ";
constexpr std::string_view kEllipsis = "\u2026";
constexpr std::string_view kReplacement = "\uFFFD";
/// The last column is never cut below this, so that a narrow terminal wraps instead of showing nothing.
constexpr std::size_t kLastColumnWidthMin = 12;

constexpr std::uint32_t kEscape = 0x1b;

struct Character {
  std::uint32_t code = 0;
  std::size_t bytes = 1;
  bool valid = false;
};

/// Length of the colour sequence (ESC [ digits and semicolons m) that `s` begins with, or 0.
std::size_t colour_length(std::string_view s) {
  if (s.substr(0, 2) != "\x1b[") return 0;
  const std::size_t end = s.find_first_not_of("0123456789;", 2);
  return end != std::string_view::npos && s[end] == 'm' ? end + 1 : 0;
}

/// The next character; one of our own colour sequences is a single character of no width.
Character decode(std::string_view s) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(s[i]); };
  const std::uint8_t first = byte(0);
  if (const std::size_t colour = colour_length(s); colour > 0) return {kEscape, colour, true};
  if (first < 0x80) return {first, 1, true};
  const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || s.size() < size) return {};
  std::uint32_t code = first & (0xffU >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = (code << 6) | (byte(i) & 0x3fU);
  }
  constexpr std::array<std::uint32_t, 5> kSmallest{0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (code < kSmallest[size] || code > 0x10ffff || surrogate) return {};
  return {code, size, true};
}

using Range = std::pair<std::uint32_t, std::uint32_t>;
constexpr std::array<Range, 8> kZeroWidth{{{0x300, 0x36f},
                                           {0x483, 0x489},
                                           {0x591, 0x5bd},
                                           {0x1ab0, 0x1aff},
                                           {0x1dc0, 0x1dff},
                                           {0x200b, 0x200f},
                                           {0x20d0, 0x20ff},
                                           {0xfe00, 0xfe0f}}};
constexpr std::array<Range, 8> kDoubleWidth{{{0x1100, 0x115f},
                                             {0x2e80, 0x303e},
                                             {0x3041, 0xa4cf},
                                             {0xac00, 0xd7a3},
                                             {0xf900, 0xfaff},
                                             {0xfe30, 0xfe6f},
                                             {0xff00, 0xff60},
                                             {0x1f300, 0x3fffd}}};

template <std::size_t N>
bool is_in(const std::array<Range, N>& ranges, std::uint32_t code) {
  return std::any_of(ranges.begin(), ranges.end(), [&](const Range& r) { return code >= r.first && code <= r.second; });
}

std::size_t width_of(const Character& c) {
  if (!c.valid) return 1;
  if (c.code == kEscape && c.bytes > 1) return 0;
  if (is_in(kZeroWidth, c.code)) return 0;
  return is_in(kDoubleWidth, c.code) ? 2 : 1;
}

/// Control characters (C0, DEL, C1) and the marks that reverse the reading direction.
bool is_hostile(std::uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x202a && code <= 0x202e) ||
         (code >= 0x2066 && code <= 0x2069);
}

std::string_view colour_of(Tone tone) {
  switch (tone) {
    case Tone::plain: return "";
    case Tone::good: return "\x1b[32m";
    case Tone::warn: return "\x1b[33m";
    case Tone::bad: return "\x1b[1;31m";
    case Tone::dim: return "\x1b[2m";
    case Tone::strong: return "\x1b[1m";
  }
  return "";
}

}  // namespace

std::size_t display_width(std::string_view utf8) {
  std::size_t width = 0;
  while (!utf8.empty()) {
    const Character c = decode(utf8);
    width += width_of(c);
    utf8.remove_prefix(c.bytes);
  }
  return width;
}

std::string clip(std::string_view utf8, std::size_t width) {
  if (display_width(utf8) <= width) return std::string(utf8);
  if (width == 0) return "";
  std::string out;
  std::size_t used = 0;
  while (!utf8.empty()) {
    const Character c = decode(utf8);
    if (used + width_of(c) > width - 1) break;
    used += width_of(c);
    out += utf8.substr(0, c.bytes);
    utf8.remove_prefix(c.bytes);
  }
  out.append(kEllipsis);
  if (out.find('\x1b') != std::string::npos) out.append("\x1b[0m");  // what was cut may have been the reset
  return out;
}

std::string printable(std::string_view text, Keep keep) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Character c = decode(text);
    const bool layout = keep == Keep::lines && (c.code == '\n' || c.code == '\t');
    const bool kept = c.valid && (keep == Keep::valid || layout || !is_hostile(c.code));
    out += kept ? text.substr(0, c.bytes) : kReplacement;
    text.remove_prefix(c.bytes);
  }
  return out;
}

std::string toned(std::string_view text, Tone tone, bool colour) {
  if (!colour || tone == Tone::plain || text.empty()) return std::string(text);
  return std::string(colour_of(tone)).append(text).append("\x1b[0m");
}

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {
  HOMEOSTAT_CHECK(!columns_.empty());
}

void Table::add(std::vector<Cell> cells) {
  HOMEOSTAT_CHECK(cells.size() <= columns_.size());
  cells.resize(columns_.size());
  for (Cell& cell : cells) cell.text = printable(cell.text);
  rows_.push_back(std::move(cells));
}

std::string Table::line(const std::vector<Cell>& cells, const std::vector<std::size_t>& widths,
                        const TableStyle& style) const {
  std::string out;
  std::size_t pending = 0;  // blanks are written only before more text, so that no line ends in them
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string text = clip(cells[i].text, widths[i]);
    const std::size_t padding = widths[i] - std::min(widths[i], display_width(text));
    if (i > 0) pending += kGap.size();
    if (columns_[i].align == Align::right) pending += padding;
    if (!text.empty()) {
      out.append(pending, ' ');
      pending = 0;
      out += toned(text, cells[i].tone, style.colour);
    }
    if (columns_[i].align == Align::left) pending += padding;
  }
  return out + '\n';
}

std::string Table::render(const TableStyle& style) const {
  std::vector<Cell> titles;
  std::vector<std::size_t> widths;
  for (const Column& column : columns_) {
    titles.push_back({column.title, Tone::strong});
    widths.push_back(display_width(column.title));
  }
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], display_width(row[i].text));
  }
  if (style.width > 0) {
    std::size_t before = 0;
    for (std::size_t i = 0; i + 1 < widths.size(); ++i) before += widths[i] + kGap.size();
    const std::size_t room = style.width > before ? style.width - before : 0;
    widths.back() = std::min(widths.back(), std::max(room, kLastColumnWidthMin));
  }
  const bool titled = std::any_of(columns_.begin(), columns_.end(), [](const Column& c) { return !c.title.empty(); });
  std::string out = titled ? line(titles, widths, style) : "";
  for (const auto& row : rows_) out += line(row, widths, style);
  return out;
}

}  // namespace homeostat::cli
