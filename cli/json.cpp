#include "cli/json.hpp"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/message.h>
#include <google/protobuf/timestamp.pb.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>

#include <fmt/format.h>

#include "cli/format.hpp"
#include "cli/table.hpp"
#include "core/format.hpp"

namespace homeostat::cli {
namespace {

using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  return text;
}

/// QUALITY_RATE_LIMITED -> rate_limited: the prefix is the enum's own name, as the style of the contract asks.
std::string enum_word(const EnumValueDescriptor& value) {
  std::string prefix;
  for (const char c : value.type()->name()) {
    if (c >= 'A' && c <= 'Z' && !prefix.empty()) prefix += '_';
    prefix += c;
  }
  const std::string word = lower(value.name());
  prefix = lower(prefix) + "_";
  return word.rfind(prefix, 0) == 0 ? word.substr(prefix.size()) : word;
}

bool is_duration(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
         field.message_type() == google::protobuf::Duration::descriptor();
}

class JsonWriter {
 public:
  explicit JsonWriter(bool indented) : indented_(indented) {}
  [[nodiscard]] std::string take() { return std::move(out_); }

  void message(const Message& m) {
    const Reflection& reflection = *m.GetReflection();
    open('{');
    for (int i = 0; i < m.GetDescriptor()->field_count(); ++i) {
      const FieldDescriptor& field = *m.GetDescriptor()->field(i);
      if (field.containing_oneof() != nullptr && !reflection.HasField(m, &field)) continue;
      key(is_duration(field) ? field.name() + "_s" : field.name());
      if (field.is_map()) {
        map(m, field);
      } else if (field.is_repeated()) {
        open('[');
        for (int k = 0; k < reflection.FieldSize(m, &field); ++k) {
          element();
          value(m, field, k);
        }
        close(']');
      } else {
        value(m, field, -1);
      }
    }
    close('}');
  }

 private:
  /// One value of `field`; `index` -1 = not repeated.
  void value(const Message& m, const FieldDescriptor& field, int index) {
    const Reflection& r = *m.GetReflection();
    const bool many = index >= 0;
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        out_ += fmt::format("{}", many ? r.GetRepeatedInt32(m, &field, index) : r.GetInt32(m, &field));
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        out_ += fmt::format("{}", many ? r.GetRepeatedInt64(m, &field, index) : r.GetInt64(m, &field));
        break;
      case FieldDescriptor::CPPTYPE_UINT32:
        out_ += fmt::format("{}", many ? r.GetRepeatedUInt32(m, &field, index) : r.GetUInt32(m, &field));
        break;
      case FieldDescriptor::CPPTYPE_UINT64:
        out_ += fmt::format("{}", many ? r.GetRepeatedUInt64(m, &field, index) : r.GetUInt64(m, &field));
        break;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        real(many ? r.GetRepeatedDouble(m, &field, index) : r.GetDouble(m, &field));
        break;
      case FieldDescriptor::CPPTYPE_FLOAT:
        real(many ? r.GetRepeatedFloat(m, &field, index) : r.GetFloat(m, &field));
        break;
      case FieldDescriptor::CPPTYPE_BOOL:
        out_ += (many ? r.GetRepeatedBool(m, &field, index) : r.GetBool(m, &field)) ? "true" : "false";
        break;
      case FieldDescriptor::CPPTYPE_ENUM:
        out_ += quoted(enum_word(*(many ? r.GetRepeatedEnum(m, &field, index) : r.GetEnum(m, &field))));
        break;
      case FieldDescriptor::CPPTYPE_STRING:
        out_ += quoted(many ? r.GetRepeatedString(m, &field, index) : r.GetString(m, &field));
        break;
      case FieldDescriptor::CPPTYPE_MESSAGE:
        if (!many && !r.HasField(m, &field)) {
          out_ += "null";
        } else {
          nested(many ? r.GetRepeatedMessage(m, &field, index) : r.GetMessage(m, &field));
        }
        break;
    }
  }

  void nested(const Message& m) {
    if (const auto* t = dynamic_cast<const google::protobuf::Timestamp*>(&m)) {
      out_ += quoted(text_of(instant_of(*t)));
    } else if (const auto* d = dynamic_cast<const google::protobuf::Duration*>(&m)) {
      real(duration_of(*d).in_seconds());
    } else {
      message(m);
    }
  }

  /// Sorted by key: protobuf's own order of a map is not stable.
  void map(const Message& m, const FieldDescriptor& field) {
    const Reflection& r = *m.GetReflection();
    std::map<std::string, const Message*> entries;
    for (int i = 0; i < r.FieldSize(m, &field); ++i) {
      const Message& entry = r.GetRepeatedMessage(m, &field, i);
      entries[entry.GetReflection()->GetString(entry, entry.GetDescriptor()->map_key())] = &entry;
    }
    open('{');
    for (const auto& [name, entry] : entries) {
      key(name);
      value(*entry, *entry->GetDescriptor()->map_value(), -1);
    }
    close('}');
  }

  void real(double x) { out_ += std::isfinite(x) ? fmt::format("{}", x == 0 ? 0.0 : x) : "null"; }

  void key(const std::string& name) {
    element();
    out_ += quoted(name);
    out_ += indented_ ? ": " : ":";
  }
  void open(char bracket) {
    out_ += bracket;
    ++depth_;
    first_ = true;
  }
  void element() {
    if (!first_) out_ += ',';
    first_ = false;
    newline();
  }
  void close(char bracket) {
    --depth_;
    if (!first_) newline();
    first_ = false;
    out_ += bracket;
  }
  void newline() {
    if (indented_) out_.append("\n").append(2 * depth_, ' ');
  }

  bool indented_;
  bool first_ = true;
  std::size_t depth_ = 0;
  std::string out_;
};

std::string write(const Message& message, bool indented) {
  JsonWriter writer(indented);
  writer.message(message);
  return writer.take();
}

}  // namespace

std::string pretty_json(const Message& message) {
  return write(message, true);
}
std::string line_json(const Message& message) {
  return write(message, false);
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
          out += c;
        }
    }
  }
  return printable(out, Keep::valid) + '"';
}

}  // namespace homeostat::cli
