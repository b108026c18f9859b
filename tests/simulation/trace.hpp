// What happened in a run, as one digest, and as text for who wants to read it.
#pragma once

#include <cstdio>
#include <string_view>

#include <fmt/format.h>

#include "core/state_hash.hpp"
#include "tests/simulation/timeline.hpp"

namespace homeostat::simulation {

class Trace {
 public:
  Trace(const Timeline& timeline, bool prints) : timeline_(timeline), prints_(prints) {}

  template <class... Args>
  void note(fmt::format_string<Args...> text, Args&&... args) {
    line_.clear();
    fmt::format_to(std::back_inserter(line_), "{:.3f} ", timeline_.elapsed().in_seconds());
    fmt::format_to(std::back_inserter(line_), text, std::forward<Args>(args)...);
    digest_ = chain(digest_, std::string_view(line_.data(), line_.size()));
    if (prints_) fmt::print("{}\n", std::string_view(line_.data(), line_.size()));
  }
  [[nodiscard]] const StateHash& digest() const { return digest_; }

 private:
  const Timeline& timeline_;
  bool prints_;
  fmt::memory_buffer line_;
  StateHash digest_;
};

}  // namespace homeostat::simulation
