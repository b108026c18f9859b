// The curves of docs/economy as data: every number is computed by the mechanism that the page is about, so a plot
// cannot show what the code does not do. docs/economy/plot.mjs draws them.
//
// A figure has one or two panels, side by side. Percentages are already in percent; axis labels hold the units. Nothing
// here calls libm, so the numbers, and with them the committed pictures, are the same on every machine.
#pragma once

#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/result.hpp"

namespace homeostat::curves {

struct Series {
  std::string label;
  std::vector<std::pair<double, double>> points;  ///< bars: (index of the category, height)
  bool is_dashed = false;                         ///< a comparison, or what the default replaces
};

/// A point of note, with a few words.
struct Mark {
  double x = 0;
  double y = 0;
  std::string label;
  bool is_below = false;  ///< where the words are
};

struct Axis {
  std::string label;
  double min = 0;
  double max = 1;
  bool is_log = false;
};

struct Panel {
  std::string title;
  Axis x;
  Axis y;
  std::vector<Series> series;
  std::vector<Mark> marks = {};
  std::vector<std::string> categories = {};  ///< not empty: bars instead of lines
};

struct Figure {
  std::string name;  ///< of the file, without its ending
  std::string title;
  std::vector<Panel> panels;
};

/// What a mechanism answers to arguments that are known to be good.
template <class T>
T must(Result<T> result) {
  if (!result) {
    std::cerr << "economy_curves: " << result.error().text() << '\n';
    std::exit(1);
  }
  return *std::move(result);
}
inline void must(const Result<>& result) {
  if (result) return;
  std::cerr << "economy_curves: " << result.error().text() << '\n';
  std::exit(1);
}

/// `f` at steps + 1 places; where it answers nothing (outside of its domain) there is no point.
template <class F>
Series sample(std::string label, double from, double to, int steps, F&& f, bool is_dashed = false) {
  Series out{std::move(label), {}, is_dashed};
  for (int i = 0; i <= steps; ++i) {
    const double x = i == steps ? to : from + (to - from) * i / steps;
    if (const std::optional<double> y = f(x)) out.points.emplace_back(x, *y);
  }
  return out;
}

[[nodiscard]] std::vector<Figure> bonding_figures();
[[nodiscard]] std::vector<Figure> redemption_figures();
[[nodiscard]] std::vector<Figure> tokenomics_figures();
[[nodiscard]] std::vector<Figure> stabilisation_figures();
[[nodiscard]] std::vector<Figure> markets_figures();
[[nodiscard]] std::vector<Figure> behaviour_figures();

}  // namespace homeostat::curves
