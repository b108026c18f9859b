#include "daemon/convert/names.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "core/text.hpp"

namespace homeostat::convert {
Error unknown_name(std::string_view kind, std::string_view name, const std::vector<std::string>& known,
                   std::string_view where) {
  constexpr std::size_t kListMax = 10;
  const std::string_view nearest = nearest_name(name, known);
  std::string hint;
  if (!nearest.empty()) {
    hint = fmt::format("did you mean \"{}\"?", nearest);
  } else if (known.empty()) {
    hint = "the policy has none";
  } else {
    const auto shown = static_cast<std::ptrdiff_t>(std::min(known.size(), kListMax));
    hint = fmt::format("known are {}{}", fmt::join(known.begin(), known.begin() + shown, ", "),
                       known.size() > kListMax ? fmt::format(" and {} more", known.size() - kListMax) : "");
  }
  return Error{ErrorCode::unknown_name, std::string(where), fmt::format("no {} \"{}\"; {}", kind, name, hint)};
}

Result<const engine::ParameterView*> find_parameter(const engine::View& view, std::string_view name,
                                                    std::string_view where) {
  if (const auto* parameter = find_by_name(view.parameters, name)) {
    return parameter;
  }
  return tl::make_unexpected(unknown_name("parameter", name, names_of(view.parameters), where));
}

}  // namespace homeostat::convert
