// Finding a named thing in a list from the daemon, and what to say when there is none.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>

#include "cli/exit_codes.hpp"
#include "core/text.hpp"

namespace homeostat::cli {

[[nodiscard]] inline tl::unexpected<Failure> unknown_name(const std::string& name, const std::string& kind,
                                                          const std::vector<std::string>& known) {
  return stop(ExitCode::refused, fmt::format("no {0} is called '{1}'{2} (homeostat {0}s lists them)", kind, name,
                                             did_you_mean(name, known)));
}

/// A pointer to the item of a repeated field whose name is `name`; `kind` is "metric", "parameter", "loop", "source".
template <class Items>
[[nodiscard]] auto find_named(const Items& items, const std::string& name, const std::string& kind)
    -> Outcome<const typename Items::value_type*> {
  std::vector<std::string> known;
  for (const auto& item : items) {
    if (item.name() == name) return &item;
    known.push_back(item.name());
  }
  return unknown_name(name, kind, known);
}

}  // namespace homeostat::cli
