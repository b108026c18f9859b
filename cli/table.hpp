// Aligned text tables for people. Pure: cells in, text out.
//
// Width is counted in terminal columns, not bytes: UTF-8 is decoded, combining marks take none and East Asian wide
// characters two. Text that comes from elsewhere can carry terminal control sequences; every cell is made printable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace homeostat::cli {

/// What a text means to the reader; becomes colour only where colour is wanted.
enum class Tone : std::uint8_t { plain, good, warn, bad, dim, strong };

enum class Align : std::uint8_t { left, right };

struct Column {
  std::string title;
  Align align = Align::left;
};

struct Cell {
  std::string text;
  Tone tone = Tone::plain;
};

struct TableStyle {
  std::size_t width =
      0;  ///< of the terminal in columns; 0 = unlimited. Only the last column is cut (with an ellipsis).
  bool colour = false;
};

/// Columns that `utf8` takes on a terminal; a malformed byte counts as one, a colour sequence as none.
[[nodiscard]] std::size_t display_width(std::string_view utf8);
/// At most `width` columns of `utf8`; what was cut is marked by a final ellipsis.
[[nodiscard]] std::string clip(std::string_view utf8, std::size_t width);
/// What `printable` keeps: one line of text, lines of text, or everything that is valid UTF-8.
enum class Keep : std::uint8_t { line, lines, valid };
/// `text` with control characters, direction overrides and malformed UTF-8 replaced by U+FFFD.
[[nodiscard]] std::string printable(std::string_view text, Keep keep = Keep::line);
/// `text` in the colour of `tone`, or unchanged without colour.
[[nodiscard]] std::string toned(std::string_view text, Tone tone, bool colour);

class Table {
 public:
  explicit Table(std::vector<Column> columns);

  /// Missing cells are empty; more cells than columns are a programmer's mistake (CHECKed).
  void add(std::vector<Cell> cells);
  [[nodiscard]] bool is_empty() const { return rows_.empty(); }
  /// Title line (if any title is not empty) and rows, each ended by a newline, without trailing blanks.
  [[nodiscard]] std::string render(const TableStyle& style) const;

 private:
  std::string line(const std::vector<Cell>& cells, const std::vector<std::size_t>& widths,
                   const TableStyle& style) const;

  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace homeostat::cli
