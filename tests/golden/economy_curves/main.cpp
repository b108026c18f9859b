// economy_curves: prints every figure of docs/economy, and the names of the mechanisms that laws may run, as JSON on
// standard output.
#include <array>
#include <charconv>
#include <string_view>

#include "economy/mechanism.hpp"
#include "tests/golden/economy_curves/curves.hpp"

namespace homeostat::curves {
namespace {

std::string text(double x) {
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), x, std::chars_format::general, 8).ptr;
  return {buffer.data(), end};
}

/// Labels are ours: nothing in them needs more than quotes.
std::string text(std::string_view words) {
  return '"' + std::string(words) + '"';
}
std::string text(const std::string& words) {
  return text(std::string_view(words));
}

std::string text(const Axis& axis) {
  return "{\"label\":" + text(axis.label) + ",\"min\":" + text(axis.min) + ",\"max\":" + text(axis.max) +
         ",\"log\":" + (axis.is_log ? "true}" : "false}");
}

std::string text(const Series& series) {
  std::string points;
  for (const auto& [x, y] : series.points) points += (points.empty() ? "[" : ",[") + text(x) + ',' + text(y) + ']';
  return "{\"label\":" + text(series.label) + ",\"dashed\":" + (series.is_dashed ? "true" : "false") + ",\"points\":[" +
         points + "]}";
}

std::string text(const Mark& mark) {
  return "{\"x\":" + text(mark.x) + ",\"y\":" + text(mark.y) + ",\"label\":" + text(mark.label) +
         ",\"below\":" + (mark.is_below ? "true}" : "false}");
}

std::string text(const Panel& panel);
std::string text(const Figure& figure);

template <class T>
std::string list(const std::vector<T>& items) {
  std::string out;
  for (const auto& item : items) out += (out.empty() ? "" : ",\n") + text(item);
  return '[' + out + ']';
}

std::string text(const Panel& panel) {
  return "{\"title\":" + text(panel.title) + ",\"x\":" + text(panel.x) + ",\"y\":" + text(panel.y) +
         ",\"categories\":" + list(panel.categories) + ",\"marks\":" + list(panel.marks) +
         ",\"series\":" + list(panel.series) + '}';
}

std::string text(const Figure& figure) {
  return "{\"name\":" + text(figure.name) + ",\"title\":" + text(figure.title) + ",\"panels\":" + list(figure.panels) +
         '}';
}

}  // namespace
}  // namespace homeostat::curves

int main() {
  using namespace homeostat::curves;
  std::vector<Figure> all;
  for (const auto& family : {bonding_figures(), redemption_figures(), tokenomics_figures(), stabilisation_figures(),
                             markets_figures(), behaviour_figures()}) {
    all.insert(all.end(), family.begin(), family.end());
  }
  std::vector<std::string> names;
  for (const auto& mechanism : homeostat::economy::mechanisms()) names.emplace_back(mechanism.name);
  std::cout << "{\"mechanisms\":" << list(names) << ",\"figures\":" << list(all) << "}\n";
}
