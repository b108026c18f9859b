// decoupling. Names, signs and singular matrices are judged by engine::check, which knows the loops.
#include <fmt/format.h>

#include "config/readers.hpp"

namespace homeostat::config {
namespace {

/// Rows of numbers, as many of each as there are loops.
bool read_matrix(const Field& field, Context& context, std::size_t size, std::vector<double>& out) {
  const auto wrong = [&](const Field& at) {
    at.error(fmt::format("is {0} rows of {0} numbers, one row and one column for each loop", size),
             "[[2, 0.5], [0.4, 1]]");
    return false;
  };
  const Node& rows = *field.node();
  if (rows.kind != Node::Kind::sequence || rows.sequence.size() != size) return wrong(field);
  bool all = true;
  for (std::size_t i = 0; i < size; ++i) {
    const Field row(&rows.sequence[i], fmt::format("{}.{}", field.path(), i), &context);
    if (row.node()->kind != Node::Kind::sequence || row.node()->sequence.size() != size) return wrong(row);
    for (std::size_t j = 0; j < size; ++j) {
      double x = 0;
      all &= Field(&row.node()->sequence[j], fmt::format("{}.{}", row.path(), j), &context).number(x);
      out.push_back(x);
    }
  }
  return all;
}

}  // namespace

void read_decoupling(const Field& field, Context& context, std::vector<controller::DecouplingSettings>& out) {
  if (!field.is_given()) return;
  Section::each(field, context, [&](const std::string& name, const Field& entry) {
    controller::DecouplingSettings settings{.name = name, .loops = {}, .is_gain = false, .matrix = {}};
    Section s(entry, context);
    const bool has_loops =
        s.required("loops", "the loops that fight, in the order of the matrix").names(settings.loops);
    const Field gain = s.optional("gain");
    const Field decoupler = s.optional("decoupler");
    if (gain.is_given() == decoupler.is_given()) {
      return s.error(gain.is_given()
                         ? "gain and decoupler are two ways to say the same; keep one of them"
                         : "'gain' or 'decoupler' is missing: how far each parameter (column) moves each metric (row), "
                           "or what each loop (column) adds to each parameter (row)");
    }
    settings.is_gain = gain.is_given();
    if (!has_loops || !read_matrix(gain.is_given() ? gain : decoupler, context, settings.loops.size(), settings.matrix))
      return;
    out.push_back(std::move(settings));
  });
}

}  // namespace homeostat::config
