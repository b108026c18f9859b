// Changing or removing any key of every_key.yaml changes the loaded configuration, and exactly where it should.
//
// tests/golden/config/every_key.txt says what each change does, one line each:
//
//     KEY := OTHER VALUE -> values that become so; ...
//     KEY removed -> values that become so (the defaults); ...       or: refused: the message
//
// A key without such a line fails, and so does a key that a reader knows and every_key.yaml lacks: write it there and
// add `KEY := OTHER VALUE` here. HOMEOSTAT_GOLDEN_UPDATE=1 fills in what follows the arrow: read it before committing.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "core/state_hash.hpp"
#include "dump.hpp"
#include "every_key.hpp"

namespace homeostat::config {
namespace {

constexpr const char* kEffects = "tests/golden/config/every_key.txt";

void remove(Node& node, const std::string& prefix, const std::string& path) {
  const auto at = [&](const std::string& key) { return prefix + key == path; };
  std::erase_if(node.map, [&](const Node::Entry& entry) { return at(entry.key); });
  for (std::size_t i = 0; i < node.sequence.size(); ++i) {
    if (at(std::to_string(i))) return void(node.sequence.erase(node.sequence.begin() + std::ptrdiff_t(i)));
    remove(node.sequence[i], prefix + std::to_string(i) + ".", path);
  }
  for (Node::Entry& entry : node.map) remove(entry.value, prefix + entry.key + ".", path);
}

struct Change {
  std::string key;
  std::string value;  ///< empty = removed
  std::string effect;

  [[nodiscard]] std::string text() const { return key + (value.empty() ? " removed" : " := " + value); }
};

std::vector<Change> changes() {
  std::vector<Change> all;
  std::ifstream in(kEffects);
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line.front() == '#') continue;
    Change change;
    const std::size_t arrow = line.find(" -> ");
    if (arrow != std::string::npos) change.effect = line.substr(arrow + 4);
    const std::string what = line.substr(0, arrow);
    change.key = what.substr(0, what.find(' '));
    const std::size_t value = what.find(" := ");
    if (value != std::string::npos) change.value = what.substr(value + 4);
    all.push_back(std::move(change));
  }
  return all;
}

std::string joined(const std::set<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += (text.empty() ? "" : "; ") + line;
  return text;
}

/// What is so with `changed` and was not before; lines of what only went away say so.
std::string effect_of(const std::set<std::string>& before, const std::set<std::string>& changed) {
  const auto name_of = [](const std::string& line) { return line.substr(0, line.find(" = ")); };
  std::set<std::string> lines, names;
  for (const auto& line : changed) names.insert(name_of(line));
  for (const auto& line : changed) {
    if (before.count(line) == 0) lines.insert(line);
  }
  for (const auto& line : before) {
    if (names.count(name_of(line)) == 0) lines.insert(name_of(line) + " is gone");
  }
  return joined(lines);
}

std::string result_of(const Loaded& base, const Change& change) {
  Node root = every_key();
  Node* node = find(root, change.key);
  if (node == nullptr) return "there is no such key";
  if (change.value.empty()) {
    remove(root, "", change.key);
  } else {
    node->scalar = change.value;
  }
  const Loaded loaded = load(root);
  if (!loaded) return "refused: " + loaded.error().front().path + ": " + loaded.error().front().message;
  EXPECT_NE(loaded->digest(), base->digest()) << change.text();
  EXPECT_EQ(loaded->digest(), state_hash(loaded->text()).hex()) << change.text();
  return effect_of(Dump::of(*base), Dump::of(*loaded));
}

/// Another value of these asks for other values beside it, or is not supported at all: it may be refused.
bool is_tied_to_others(const std::string& key) {
  const std::set<std::string> ones = {"homeostat",
                                      "metrics.heat.unit",
                                      "metrics.heat.samples.0",
                                      "metrics.heat.samples.1",
                                      "metrics.price.samples.0",
                                      "parameters.fee.unit",
                                      "loops.pay.parameter",
                                      "loops.redeem_biased.law.rai_pi.variant",  // only one of them has a bias
                                      "loops.pay.law.economy.mechanism",
                                      "bundles.pair.members.0",
                                      "bundles.pair.members.1",
                                      "decoupling.road.loops.0",
                                      "loops.seventh.when_low",  // the gain says which way
                                      "loops.fourth.when_low",
                                      "decoupling.road.loops.1",
                                      "decoupling.poles.loops.0",
                                      "decoupling.poles.loops.1"};
  return ones.count(key) > 0 || key.ends_with(".kind") || key.ends_with(".aggregate") ||
         key.find(".recipients.") != std::string::npos;  // shares sum to one
}

TEST(EveryKey, ChangedOrRemovedChangesExactlyWhatItSays) {
  const Loaded base = load(every_key());
  ASSERT_TRUE(base) << base.error().front().text();
  std::ostringstream updated;
  for (const Change& change : changes()) {
    const std::string result = result_of(base, change);
    updated << change.text() << " -> " << result << "\n";
    EXPECT_FALSE(result.empty()) << change.text() << " changes nothing";
    const bool may_be_refused = change.value.empty() || is_tied_to_others(change.key);
    EXPECT_TRUE(may_be_refused || !result.starts_with("refused")) << change.text() << ": " << result;
    EXPECT_EQ(result, change.effect) << change.text();
  }
  if (std::getenv("HOMEOSTAT_GOLDEN_UPDATE") != nullptr) std::ofstream(kEffects) << updated.str();
}

TEST(EveryKey, HasAnotherValueAndAnEffectWhenRemoved) {
  std::set<std::string> changed, removed;
  for (const Change& change : changes()) (change.value.empty() ? removed : changed).insert(change.key);
  Node root = every_key();
  walk(root, "", [&](const std::string& path, Node& node) {
    if (node.kind != Node::Kind::scalar) return;
    EXPECT_EQ(changed.count(path), 1U) << "write into " << kEffects << ": " << path << " := ANOTHER VALUE";
    EXPECT_EQ(removed.count(path), 1U) << "write into " << kEffects << ": " << path << " removed";
  });
}

/// The path with names chosen by the author taken out: sources by their kind, since keys differ with it.
std::string kind_of_place(Node& root, const std::string& path) {
  std::vector<std::string> parts;
  std::istringstream in(path);
  for (std::string part; std::getline(in, part, '.');) parts.push_back(part);
  const bool is_named = parts.size() > 1 && find(root, parts[0])->kind == Node::Kind::map &&
                        (parts[0] == "sources" || parts[0] == "metrics" || parts[0] == "parameters" ||
                         parts[0] == "loops" || parts[0] == "bundles" || parts[0] == "decoupling");
  if (is_named) {
    const Node* kind = find(root, parts[0] + "." + parts[1])->find("kind");
    parts[1] = kind != nullptr ? kind->scalar : "*";
  }
  if (parts.size() > 3 && parts[1] == "keys") parts[2] = "*";
  if (parts.size() > 3 && (parts[2] == "contracts" || parts[2] == "values" || parts[2] == "providers")) parts[3] = "*";
  std::string text;
  for (const auto& part : parts) text += (text.empty() ? "" : ".") + part;
  return text;
}

/// The keys a reader knows in the map at `path`: those its message about a key it does not know lists.
std::vector<std::string> known_keys(const std::string& path) {
  Node root = every_key();
  Node* map = path.empty() ? &root : find(root, path);
  Node value;
  value.kind = Node::Kind::scalar;
  value.scalar = "1";
  map->map.push_back({"qqqqqqqqqqqqqqqqqqqq", {}, value});
  const Loaded loaded = load(root);
  std::vector<std::string> keys;
  if (loaded) return keys;
  for (const Diagnostic& d : loaded.error()) {
    const std::size_t at = d.message.find("; the keys here are ");
    if (at == std::string::npos) continue;
    std::istringstream list(d.message.substr(at + 20));
    for (std::string key; std::getline(list, key, ',');) keys.push_back(key.substr(key.find_first_not_of(' ')));
  }
  return keys;
}

TEST(EveryKey, IsThere) {
  Node root = every_key();
  std::set<std::string> present;
  std::vector<std::string> maps = {""};
  walk(root, "", [&](const std::string& path, Node& node) {
    present.insert(kind_of_place(root, path));
    if (node.kind == Node::Kind::map) maps.push_back(path);
  });
  std::size_t known = 0;
  for (const std::string& map : maps) {
    for (const std::string& key : known_keys(map)) {
      const std::string path = map.empty() ? key : map + "." + key;
      EXPECT_EQ(present.count(kind_of_place(root, path)), 1U) << "write into " << kKeys << ": " << path;
      ++known;
    }
  }
  EXPECT_GT(known, 200U);  // the message they are read from is still written so
}

}  // namespace
}  // namespace homeostat::config
