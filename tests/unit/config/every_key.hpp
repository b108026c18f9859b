// every_key.yaml as a tree that tests change before it is loaded.
#pragma once

#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#include "config/config.hpp"
#include "config/yaml.hpp"

namespace homeostat::config {

inline constexpr const char* kKeys = "tests/golden/config/good/every_key.yaml";

inline Node every_key() {
  std::ifstream in(kKeys, std::ios::binary);
  auto document = parse_yaml({std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()});
  if (!document) throw std::runtime_error(document.error().message);
  return std::move(document->root);
}

inline void write(const Node& node, const std::string& indent, std::string& out) {
  const auto value = [&](const Node& child) {
    if (child.kind != Node::Kind::scalar) {
      out += "\n";
      return write(child, indent + "  ", out);
    }
    out += child.quoted ? " \"" + child.scalar + "\"\n" : " " + child.scalar + "\n";
  };
  for (const Node::Entry& entry : node.map) {
    out += indent + entry.key + ":";
    value(entry.value);
  }
  for (const Node& child : node.sequence) {
    out += indent + "-";
    value(child);
  }
}

inline Loaded load(const Node& root) {
  std::string text;
  write(root, "", text);
  return load_text(text, "every_key.yaml", [](std::string_view) { return std::nullopt; });
}

/// Calls `see(path, node)` for everything below `node`; list items are counted from 0.
template <class See>
void walk(Node& node, const std::string& path, const See& see) {
  const auto below = [&](const std::string& key, Node& child) {
    const std::string place = path.empty() ? key : path + "." + key;
    see(place, child);
    walk(child, place, see);
  };
  for (Node::Entry& entry : node.map) below(entry.key, entry.value);
  for (std::size_t i = 0; i < node.sequence.size(); ++i) below(std::to_string(i), node.sequence[i]);
}

inline Node* find(Node& root, const std::string& path) {
  Node* found = nullptr;
  walk(root, "", [&](const std::string& at, Node& node) {
    if (at == path) found = &node;
  });
  return found;
}

}  // namespace homeostat::config
