// Reading of the vector files of economy/ in tests: numbers are JSON numbers or decimal text of any length.
#pragma once

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace homeostat::golden {

inline boost::json::value read_vectors(const std::string& name) {
  std::ifstream in(std::string(HOMEOSTAT_GOLDEN_DIR) + "/vectors/" + name);
  std::stringstream text;
  text << in.rdbuf();
  boost::json::error_code error;
  auto value = boost::json::parse(text.str(), error);
  if (error) ADD_FAILURE() << name << ": " << error.message();
  return value;
}

inline double number(const boost::json::value& x) {
  if (x.is_string()) return std::strtod(x.get_string().c_str(), nullptr);
  if (x.is_int64()) return static_cast<double>(x.get_int64());
  if (x.is_uint64()) return static_cast<double>(x.get_uint64());
  return x.get_double();
}
inline double number(const boost::json::object& o, std::string_view name) {
  const auto* x = o.if_contains(name);
  if (x == nullptr) ADD_FAILURE() << "no field " << name;
  return x == nullptr ? 0 : number(*x);
}
inline std::string text(const boost::json::object& o, std::string_view name) {
  const auto* x = o.if_contains(name);
  return x != nullptr && x->is_string() ? std::string(x->get_string()) : std::string();
}
inline std::vector<double> numbers(const boost::json::value& list) {
  std::vector<double> out;
  for (const auto& x : list.as_array()) out.push_back(number(x));
  return out;
}

}  // namespace homeostat::golden
