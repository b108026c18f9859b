// Finding something by the name a person typed: the thing itself, or an error with the nearest name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "engine/view.hpp"

namespace homeostat::convert {

/// unknown_name: `no <kind> "feee"; did you mean "fee"?`, or the known names when none is near.
[[nodiscard]] Error unknown_name(std::string_view kind, std::string_view name, const std::vector<std::string>& known,
                                 std::string_view where);

/// The element of `items` whose `name` is `name`; nullptr if there is none.
template <class Item>
[[nodiscard]] const Item* find_by_name(const std::vector<Item>& items, std::string_view name) {
  for (const Item& item : items) {
    if (item.name == name) {
      return &item;
    }
  }
  return nullptr;
}

template <class Item>
[[nodiscard]] std::vector<std::string> names_of(const std::vector<Item>& items) {
  std::vector<std::string> names;
  names.reserve(items.size());
  for (const Item& item : items) {
    names.push_back(item.name);
  }
  return names;
}

/// The parameter of that name; error unknown_name.
[[nodiscard]] Result<const engine::ParameterView*> find_parameter(const engine::View& view, std::string_view name,
                                                                  std::string_view where);

}  // namespace homeostat::convert
