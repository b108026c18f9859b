#include "config/yaml.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <map>
#include <set>
#include <sstream>

namespace homeostat::config {

const Node* Node::find(std::string_view key) const {
  for (const Entry& entry : map) {
    if (entry.key == key) return &entry.value;
  }
  return nullptr;
}

namespace {

Mark mark_of(const YAML::Mark& mark) {
  if (mark.is_null()) return {};
  return {static_cast<std::size_t>(mark.line), static_cast<std::size_t>(mark.column)};
}

/// Ends the parse from inside yaml-cpp; never leaves this file.
struct Stop {
  YamlError error;
};

/// Builds the tree from the scanner's events. `open_` is the path from the root to the collection
/// being filled; its pointers stay valid because a parent is not grown while a child is open.
class TreeBuilder : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) stop(mark, "a second document ('---') begins here; a configuration is one document");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Node node;
    node.mark = mark_of(mark);
    if (anchor != 0) scalars_[anchor] = node;
    add(mark, std::move(node));
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_tag(mark, tag);
    Node node;
    node.kind = Node::Kind::scalar;
    node.mark = mark_of(mark);
    node.scalar = value;
    node.quoted = tag == "!";
    if (anchor != 0) scalars_[anchor] = node;
    add(mark, std::move(node));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto it = scalars_.find(anchor);
    if (it == scalars_.end()) stop(mark, "an alias may stand for a single value only, not for a map or a list");
    if (it->second.scalar.size() > kAliasedMax) {
      stop(mark, fmt::format("an aliased value may have at most {} characters", kAliasedMax));
    }
    Node node = it->second;
    node.mark = mark_of(mark);
    add(mark, std::move(node));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, Node::Kind::sequence);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, YAML::EmitterStyle::value) override {
    open(mark, tag, Node::Kind::map);
  }
  void OnMapEnd() override { close(); }

  Node root;
  std::vector<YamlError> duplicates;

 private:
  struct Open {
    Node* node;
    bool has_key = false;  ///< a map's newest entry still waits for its value
    std::set<std::string> keys;
  };

  [[noreturn]] static void stop(const YAML::Mark& mark, std::string message) {
    throw Stop{{mark_of(mark), std::move(message)}};
  }
  static void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!") {
      stop(mark, fmt::format("the tag '{}' has no meaning here; write the value plainly", tag.substr(0, 40)));
    }
  }

  void open(const YAML::Mark& mark, const std::string& tag, Node::Kind kind) {
    refuse_tag(mark, tag);
    if (open_.size() >= kDepthMax) stop(mark, fmt::format("nested deeper than {} levels", kDepthMax));
    Node node;
    node.kind = kind;
    node.mark = mark_of(mark);
    open_.push_back({add(mark, std::move(node))});
  }
  void close() { open_.pop_back(); }

  /// Puts `node` where it belongs and says where it now is.
  Node* add(const YAML::Mark& mark, Node node) {
    if (++nodes_ > kNodesMax) stop(mark, fmt::format("more than {} values", kNodesMax));
    if (open_.empty()) {
      root = std::move(node);
      return &root;
    }
    Open& parent = open_.back();
    if (parent.node->kind == Node::Kind::sequence) return &parent.node->sequence.emplace_back(std::move(node));
    if (parent.has_key) {
      parent.has_key = false;
      Node& value = parent.node->map.back().value;
      const Mark key_mark = value.mark;
      value = std::move(node);
      if (value.kind == Node::Kind::null) value.mark = key_mark;  // the scanner's is that of what follows
      return &value;
    }
    return add_key(mark, parent, node);
  }

  Node* add_key(const YAML::Mark& mark, Open& parent, const Node& node) {
    if (node.kind != Node::Kind::scalar || node.scalar.empty()) {
      stop(mark, "a key must be a name, not empty, a list or a map");
    }
    if (node.scalar == "<<") stop(mark, "merge keys ('<<') are not read; write the values out");
    if (!parent.keys.insert(node.scalar).second) {
      duplicates.push_back({node.mark, fmt::format("the key '{}' is given twice", node.scalar)});
    }
    Node::Entry& entry = parent.node->map.emplace_back();
    entry.key = node.scalar;
    entry.mark = node.mark;
    entry.value.mark = node.mark;
    parent.has_key = true;
    return nullptr;
  }

  std::vector<Open> open_;
  std::map<YAML::anchor_t, Node> scalars_;
  std::size_t nodes_ = 0;
  std::size_t documents_ = 0;
};

}  // namespace

tl::expected<Document, YamlError> parse_yaml(const std::string& text) {
  if (text.size() > kTextMax) {
    return tl::make_unexpected(YamlError{
        {}, fmt::format("the file has {} bytes; a configuration may have at most {}", text.size(), kTextMax)});
  }
  TreeBuilder builder;
  try {
    std::istringstream in(text);
    YAML::Parser parser(in);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Stop& s) {
    return tl::make_unexpected(s.error);
  } catch (const YAML::Exception& e) {
    return tl::make_unexpected(YamlError{mark_of(e.mark), "this is not YAML: " + e.msg});
  }
  return Document{std::move(builder.root), std::move(builder.duplicates)};
}

}  // namespace homeostat::config
