// YAML as this project reads it: maps, sequences and scalars, each with its place in the file. Stricter
// than the standard: one document, no duplicate keys, no tags, no merge keys; an alias (`*day`) may
// stand only for a scalar, so that a small file can never unfold into a large one.
//
// yaml-cpp does the scanning; its exceptions end here.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

namespace homeostat::config {

inline constexpr std::size_t kTextMax = 1u << 20;  ///< bytes of a configuration: 1 MiB
inline constexpr std::size_t kDepthMax = 32;       ///< nested maps and sequences
inline constexpr std::size_t kNodesMax = 100'000;  ///< maps, sequences and scalars in all
inline constexpr std::size_t kAliasedMax = 256;    ///< characters of a scalar that an alias may repeat

/// A place in the text, from 0.
struct Mark {
  std::size_t line = 0;
  std::size_t column = 0;
};

struct Node {
  enum class Kind { null, scalar, sequence, map };
  struct Entry;

  Kind kind = Kind::null;
  Mark mark;
  std::string scalar;
  bool quoted = false;  ///< a quoted scalar is text, never a number
  std::vector<Node> sequence;
  std::vector<Entry> map;  ///< in the order of the file

  /// The value under `key`, or null if there is none.
  [[nodiscard]] const Node* find(std::string_view key) const;
};

struct Node::Entry {
  std::string key;
  Mark mark;
  Node value;
};

struct YamlError {
  Mark mark;
  std::string message;
};

struct Document {
  Node root;
  std::vector<YamlError> duplicates;  ///< keys given twice; the first one is found by Node::find
};

/// The document in `text`. An error means that nothing after it can be read.
[[nodiscard]] tl::expected<Document, YamlError> parse_yaml(const std::string& text);

}  // namespace homeostat::config
