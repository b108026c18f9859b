#include "core/expression.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include <muParserBase.h>

#include "core/check.hpp"
#include "core/statistics.hpp"
#include "core/text.hpp"

namespace homeostat {
namespace {

constexpr const char* kNameCharacters = "0123456789_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
/// Not a character of the language.
constexpr char kFunctionMark = '$';
constexpr std::array<std::string_view, 11> kFunctions = {"min",    "max",       "abs",  "sqrt", "clamp",   "mean",
                                                         "median", "deviation", "gini", "hhi",  "nakamoto"};

mu::value_type minimum(const mu::value_type* x, int n) {
  return *std::min_element(x, x + n);
}
mu::value_type maximum(const mu::value_type* x, int n) {
  return *std::max_element(x, x + n);
}
mu::value_type absolute(mu::value_type x) {
  return std::fabs(x);
}
mu::value_type square_root(mu::value_type x) {
  return std::sqrt(x);
}
mu::value_type clamp(mu::value_type x, mu::value_type low, mu::value_type high) {
  return x < low ? low : x > high ? high : x;
}

/// A statistic of the arguments: `Of` a copy of them, since some are sorted.
template <double (*Of)(std::span<double>)>
mu::value_type statistic(const mu::value_type* x, int n) {
  // An argument takes two characters of the text, so the text's own limit is theirs.
  constexpr std::size_t kArgumentsMax = kExpressionLengthMax / 2;
  HOMEOSTAT_CHECK(static_cast<std::size_t>(n) <= kArgumentsMax);
  std::array<double, kArgumentsMax> copy;
  std::copy(x, x + n, copy.begin());
  return Of(std::span(copy).first(static_cast<std::size_t>(n)));
}
double mean_of(std::span<double> x) {
  return mean(x);
}
double deviation_of(std::span<double> x) {
  return deviation(x);
}
double hhi_of(std::span<double> x) {
  return hhi(x);
}
double nakamoto_of(std::span<double> x) {
  return nakamoto(x);
}

mu::value_type negated(mu::value_type x) {
  return -x;
}
mu::value_type unchanged(mu::value_type x) {
  return x;
}

/// A decimal literal such as 12, 0.5, .5 or 1e-3, read without locale.
int read_number(const char* text, int* used, mu::value_type* value) {
  const char* end = text + std::char_traits<char>::length(text);
  // from_chars would also take "inf" and "nan", which are names here.
  if (!(*text >= '0' && *text <= '9') && !(*text == '.' && text[1] >= '0' && text[1] <= '9')) return 0;
  const auto [stop, status] = std::from_chars(text, end, *value);
  if (status != std::errc{}) return 0;
  *used += static_cast<int>(stop - text);
  return 1;
}

/// muParser's grammar without its mathematics.
class Grammar : public mu::ParserBase {
 public:
  Grammar() {
    EnableOptimizer(false);  // it folds and reorders arithmetic, differently from version to version
    AddValIdent(read_number);
    InitCharSets();
    InitFun();
    InitConst();
    InitOprt();
  }

 protected:
  void InitCharSets() override {
    DefineNameChars((std::string(kNameCharacters) + kFunctionMark).c_str());
    DefineOprtChars("+-*/<>=!");
    DefineInfixOprtChars("+-");
  }
  /// As in_grammar() writes them.
  void InitFun() override {
    DefineFun("$in", minimum);
    DefineFun("$ax", maximum);
    DefineFun("$bs", absolute);
    DefineFun("$qrt", square_root);
    DefineFun("$lamp", clamp);
    DefineFun("$ean", statistic<mean_of>);
    DefineFun("$edian", statistic<median>);
    DefineFun("$eviation", statistic<deviation_of>);
    DefineFun("$ini", statistic<gini>);
    DefineFun("$hi", statistic<hhi_of>);
    DefineFun("$akamoto", statistic<nakamoto_of>);
  }
  void InitConst() override {}
  void InitOprt() override {
    DefineInfixOprt("-", negated);
    DefineInfixOprt("+", unchanged);
  }
};

bool is_name_character(char c) {
  return std::string_view(kNameCharacters).find(c) != std::string_view::npos;
}

tl::unexpected<Error> malformed_at(std::size_t column, std::string message) {
  return fail(ErrorCode::malformed, "column " + std::to_string(column), std::move(message));
}

tl::unexpected<Error> unknown_character(std::string_view text, std::size_t i) {
  const char c = text[i];
  const std::string column = "column " + std::to_string(i + 1);
  if (c == '^') return fail(ErrorCode::unsupported, column, "there is no power operator '^'; write x * x");
  if (c == '&' || c == '|') {
    return fail(ErrorCode::unsupported, column, "there is no '&&' or '||'; nest the choice a ? b : c");
  }
  const bool printable = c >= 32 && c < 127;
  return fail(ErrorCode::malformed, column,
              (printable ? std::string("'") + c + "'" : std::string("a character outside ASCII")) +
                  " does not belong to an expression");
}

std::string names_of_functions() {
  std::string out(kFunctions[0]);
  for (std::size_t i = 1; i < kFunctions.size(); ++i) {
    out += i + 1 < kFunctions.size() ? ", " : " and ";
    out += kFunctions[i];
  }
  return out;
}

/// What muParser would take but the language does not have: assignment, logic, strings, several results,
/// functions by name. Leaves the structure to muParser.
Result<> screen(std::string_view text) {
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (is_name_character(c)) {
      std::size_t end = i;
      while (end < text.size() && is_name_character(text[end])) ++end;
      const std::string_view word = text.substr(i, end - i);
      const std::size_t after = text.find_first_not_of(" \t\n", end);
      const bool is_call = after != std::string_view::npos && text[after] == '(' && (c < '0' || c > '9');
      const bool is_function = std::find(kFunctions.begin(), kFunctions.end(), word) != kFunctions.end();
      if (is_call && !is_function) {
        return fail(ErrorCode::unsupported, "column " + std::to_string(i + 1),
                    "there is no function '" + std::string(word) + "'; there are " + names_of_functions() +
                        did_you_mean(word, kFunctions));
      }
      i = end - 1;
    } else if (c == '(') {
      ++depth;
    } else if (c == ')') {
      --depth;
    } else if (c == ',' && depth <= 0) {
      return malformed_at(i + 1, "a ',' outside a function's arguments");
    } else if (c == '=' && next == '=') {
      ++i;
    } else if ((c == '<' || c == '>' || c == '!') && next == '=') {
      ++i;
    } else if (c == '=') {
      return malformed_at(i + 1, "'=' assigns, which an expression cannot; compare with '=='");
    } else if (std::string_view("+-*/<>?:,. \t\n").find(c) == std::string_view::npos) {
      return unknown_character(text, i);
    }
  }
  return {};
}

/// Calls `call(begin, word)` for every function that is called in a screened text.
template <class Call>
void for_each_call(std::string_view text, const Call& call) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!is_name_character(text[i])) continue;
    std::size_t end = i;
    while (end < text.size() && is_name_character(text[end])) ++end;
    const std::size_t after = text.find_first_not_of(" \t\n", end);
    if (after != std::string_view::npos && text[after] == '(') call(i);
    i = end - 1;
  }
}

/// The text for muParser, which has one name space for functions and variables: the first letter of a function's name
/// becomes a mark that nobody can write. So a metric may be called `mean`, and columns stay what they are.
std::string in_grammar(std::string_view text) {
  std::string out(text);
  for_each_call(text, [&](std::size_t i) { out[i] = kFunctionMark; });
  return out;
}

/// The names in muParser's words as they were written.
void as_written(std::string& message) {
  for (const std::string_view name : kFunctions) {
    const std::string marked = kFunctionMark + std::string(name.substr(1));
    for (auto at = message.find(marked); at != std::string::npos; at = message.find(marked)) message[at] = name[0];
  }
}

std::string sentence_of(const mu::ParserError& e) {
  std::string message = e.GetMsg();
  as_written(message);
  // "Unexpected token \"/\" found at position 2." -> the column is said in `where`.
  for (const char* said_in_where : {" at position", " at expression position"}) {
    if (const auto at = message.find(said_in_where); at != std::string::npos) message.erase(at);
  }
  if (!message.empty() && message.back() == '.') message.pop_back();
  if (!message.empty() && message[0] >= 'A' && message[0] <= 'Z') message[0] = static_cast<char>(message[0] + 32);
  return message.empty() ? "cannot be parsed" : message;
}

}  // namespace

struct Expression::Program {
  std::string text;
  std::vector<std::string> names;
  Grammar grammar;
  std::vector<double> values;  ///< what the names are bound to, in their order

  void compile() {
    grammar.SetExpr(in_grammar(text));
    for (const auto& [name, unused] : grammar.GetUsedVar()) names.push_back(name);
    std::sort(names.begin(), names.end());
    values.assign(names.size(), 0);
    for (std::size_t i = 0; i < names.size(); ++i) grammar.DefineVar(names[i], &values[i]);
    grammar.Eval();  // compiles the bytecode
  }
};

Result<Expression> Expression::parse(std::string_view text) {
  if (text.size() > kExpressionLengthMax) {
    return fail(ErrorCode::out_of_range, "",
                "an expression has at most " + std::to_string(kExpressionLengthMax) + " characters");
  }
  if (text.find_first_not_of(" \t\n") == std::string_view::npos) {
    return malformed_at(1, "the expression is empty");
  }
  if (auto screened = screen(text); !screened) return tl::make_unexpected(std::move(screened.error()));
  auto program = std::make_unique<Program>();
  program->text = text;
  try {
    program->compile();
  } catch (const mu::ParserError& e) {
    const auto position = static_cast<std::size_t>(std::max(e.GetPos(), 0));
    return malformed_at(std::min(position, text.size()) + 1, sentence_of(e));
  }
  return Expression(std::move(program));
}

Expression::Expression(std::unique_ptr<Program> program) : program_(std::move(program)) {}
Expression::~Expression() = default;
Expression::Expression(Expression&&) noexcept = default;
Expression& Expression::operator=(Expression&&) noexcept = default;
Expression::Expression(const Expression& o) : program_(std::make_unique<Program>()) {
  program_->text = o.program_->text;
  program_->compile();
}
Expression& Expression::operator=(const Expression& o) {
  if (this != &o) *this = Expression(o);
  return *this;
}

const std::string& Expression::text() const {
  return program_->text;
}
const std::vector<std::string>& Expression::variables() const {
  return program_->names;
}

double Expression::value(std::span<const double> values) const {
  HOMEOSTAT_CHECK(values.size() == program_->values.size());
  std::copy(values.begin(), values.end(), program_->values.begin());
  try {
    return program_->grammar.Eval();
  } catch (const mu::ParserError&) {
    return std::numeric_limits<double>::quiet_NaN();
  }
}

Result<double> Expression::evaluate(std::span<const double> values) const {
  const double x = value(values);
  if (std::isfinite(x)) return x;
  return fail(ErrorCode::out_of_range, "",
              std::string("'") + text() + "' has no finite value here" + (std::isnan(x) ? "" : " (division by zero)"));
}

}  // namespace homeostat
