// Reading a map of the file key by key. A Section knows which keys its reader asked for, so the keys
// that nobody asked for are the unknown ones: what is read and what is allowed cannot drift apart.
//
//     Section s(node, "loops.creator_reward", context);
//     s.required("metric", "the metric this loop reads").name(loop.metric);
//     s.optional("deadband").ratio(loop.pid.deadband, {.min = 0});
//
// A Field that is absent or already wrong reads nothing, answers false and leaves its target alone.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostic.hpp"
#include "config/environment.hpp"
#include "config/values.hpp"
#include "config/yaml.hpp"

namespace homeostat::config {

/// Collects what is wrong, in the places of the file as it is on disk.
class Report {
 public:
  Report(std::string file, const Substituted& source) : file_(std::move(file)), source_(source) {}

  void error(Mark mark, std::string path, std::string message, std::string nearest = {});
  void warn(Mark mark, std::string path, std::string message, std::string nearest = {});
  /// For places that are already those of the file.
  void error_in_file(Mark mark, std::string message);

  [[nodiscard]] bool has_errors() const { return !errors_.empty(); }
  /// In the order of the file.
  [[nodiscard]] std::vector<Diagnostic> errors() const;
  [[nodiscard]] std::vector<Diagnostic> warnings() const;

 private:
  void add(std::vector<Diagnostic>& list, Mark in_file, std::string path, std::string message, std::string nearest);

  std::string file_;
  const Substituted& source_;
  std::vector<Diagnostic> errors_;
  std::vector<Diagnostic> warnings_;
};

/// What every reader needs besides its own node.
struct Context {
  Report& report;
  Duration day = Duration::hours(24);
};

struct DurationRange {
  Duration min = Duration::zero();
  Duration max = Duration::days(3650);
};
struct NumberRange {
  double min = std::numeric_limits<double>::lowest();
  double max = std::numeric_limits<double>::max();
  bool above_min = false;  ///< min itself is not allowed
};
struct IntegerRange {
  std::uint64_t min = 0;
  std::uint64_t max = std::numeric_limits<std::uint32_t>::max();
};

class Field {
 public:
  Field(const Node* node, std::string path, Context* context)
      : node_(node), path_(std::move(path)), context_(context) {}

  [[nodiscard]] bool is_given() const { return node_ != nullptr; }
  [[nodiscard]] const Node* node() const { return node_; }
  [[nodiscard]] const std::string& path() const { return path_; }

  // Each reads into `out` and says whether it did; otherwise the error is reported.
  bool text(std::string& out) const;  ///< any scalar, not empty
  bool name(std::string& out) const;  ///< letters, digits, _ . - and at most kNameMax of them
  bool flag(bool& out) const;         ///< true or false
  bool integer(std::uint64_t& out, IntegerRange range) const;
  bool integer(std::uint32_t& out, IntegerRange range) const;
  bool number(double& out, NumberRange range = {}) const;  ///< without a unit
  bool duration(Duration& out, DurationRange range = {}) const;
  bool ratio(double& out, NumberRange range = {}) const;
  bool rate_per_s(double& out, NumberRange range = {}) const;
  bool quantity(double& out, std::string_view unit, NumberRange range = {}) const;
  bool decimal(Decimal& out, std::string_view unit, int decimals) const;
  /// The text by a parser of config/values.hpp.
  template <class T, class Parser>
  bool parsed(T& out, Parser parser) const;
  /// One of `names`; the index of the one given.
  bool one_of(std::size_t& out, const std::vector<std::string_view>& names) const;
  /// A list of names; a single name is a list of one.
  bool names(std::vector<std::string>& out) const;
  /// The node as a map; reports anything else.
  [[nodiscard]] bool is_map() const;

  /// Reports something wrong with this field's value (or, if absent, nothing).
  void error(std::string message, std::string nearest = {}) const;
  void warn(std::string message, std::string nearest = {}) const;

 private:
  /// The scalar's text; none, and reported, if it is not one.
  std::optional<std::string_view> scalar(std::string_view what) const;
  bool in_range(double x, NumberRange range, std::string_view unit) const;

  const Node* node_;
  std::string path_;
  Context* context_;
};

inline constexpr std::size_t kNameMax = 64;

class Section {
 public:
  /// `node` must be a map, or the section is empty and that is reported.
  Section(const Node& node, std::string path, Context& context);
  /// Of a field; empty if the field is absent.
  explicit Section(const Field& field, Context& context);
  /// Reports the keys that nobody asked for.
  ~Section();
  Section(const Section&) = delete;
  Section& operator=(const Section&) = delete;

  [[nodiscard]] Field optional(std::string_view key);
  /// Reports the key if it is absent; `what` says what it is for.
  [[nodiscard]] Field required(std::string_view key, std::string_view what);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string path_of(std::string_view key) const;
  /// Which keys are right cannot be told (what decides it is wrong), so none is called unknown.
  void ignore_rest() { reports_unknown_ = false; }
  /// Reports something wrong with the section as a whole.
  void error(std::string message, std::string nearest = {}) const;

  /// Calls `read(name, field)` for every entry of a map whose keys are names chosen by the author.
  static void each(const Field& field, Context& context,
                   const std::function<void(const std::string& name, const Field& entry)>& read);

 private:
  const Node* node_;
  std::string path_;
  Context* context_;
  std::vector<std::string_view> known_;
  bool reports_unknown_ = true;
};

template <class T, class Parser>
bool Field::parsed(T& out, Parser parser) const {
  const auto value = scalar("a value");
  if (!value) return false;
  auto result = parser(*value);
  if (!result) {
    error(result.error().message, result.error().nearest);
    return false;
  }
  out = std::move(*result);
  return true;
}

}  // namespace homeostat::config
