#include "core/expression.hpp"

#include <gtest/gtest.h>

#include <array>
#include <clocale>
#include <cmath>

namespace homeostat {
namespace {

double value(std::string_view text, std::vector<double> values = {}) {
  const auto e = Expression::parse(text);
  EXPECT_TRUE(e) << text << ": " << e.error().text();
  return e ? e->evaluate(values).value() : 0;
}

Error error_of(std::string_view text) {
  const auto e = Expression::parse(text);
  EXPECT_FALSE(e) << text;
  return e ? Error{} : e.error();
}

TEST(Expression, AVariableMayHaveTheNameOfAFunction) {
  const auto expression = Expression::parse("mean / max(mean, min, 1) + mean(min, 3)");
  ASSERT_TRUE(expression) << expression.error().text();
  EXPECT_EQ(expression->variables(), (std::vector<std::string>{"mean", "min"}));
  const double values[] = {8, 4};
  EXPECT_EQ(expression->evaluate(values).value(), 8.0 / 8 + 3.5);
  EXPECT_EQ(Expression::parse("clamp(mean)").error().text(), "column 11: too few parameters for function \"clamp\"");
}

TEST(Expression, ComputesWhatItSays) {
  EXPECT_EQ(value("1 + 2 * 3"), 7);
  EXPECT_EQ(value("-(1 + 2) * 3 / 2"), -4.5);
  EXPECT_EQ(value("a - -b", {5, 3}), 8);
  EXPECT_EQ(value("-a * b", {5, 3}), -15);
  EXPECT_EQ(value("a < b ? a : b", {3, 5}), 3);
  EXPECT_EQ(value("a >= b ? 1 : a == 3 ? 2 : 3", {3, 5}), 2);
  EXPECT_EQ(value("min(a, b, 4) + max(1, 2)", {3, 5}), 5);
  EXPECT_EQ(value("abs(-2) + sqrt(16) + clamp(11, 0, 10)"), 16);
  EXPECT_EQ(value("1e-3 * 2.5E3 + .5"), 3);
  EXPECT_EQ(value("inf + nan", {1, 2}), 3);  // plain names here
  EXPECT_EQ(value("8 / 4 / 2"), 1);
  EXPECT_EQ(value("10 - 4 - 3"), 3);
}

TEST(Expression, NamesItsVariablesSortedAndOnce) {
  const auto e = Expression::parse("viewers / max(creators, 1) + viewers").value();
  EXPECT_EQ(e.variables(), (std::vector<std::string>{"creators", "viewers"}));
  EXPECT_EQ(e.evaluate(std::array{2.0, 10.0}).value(), 15);
}

TEST(Expression, NeverGivesANumberThatIsNotFinite) {
  const auto e = Expression::parse("a / b").value();
  EXPECT_EQ(e.evaluate(std::array{1.0, 0.0}).error().code, ErrorCode::out_of_range);
  EXPECT_EQ(e.evaluate(std::array{1.0, 0.0}).error().message, "'a / b' has no finite value here (division by zero)");
  EXPECT_FALSE(e.evaluate(std::array{0.0, 0.0}));
  EXPECT_FALSE(Expression::parse("sqrt(a)")->evaluate(std::array{-1.0}));
  EXPECT_EQ(e.evaluate(std::array{1.0, 2.0}).value(), 0.5);
}

TEST(Expression, SaysWhatIsWrongAndWhere) {
  const std::vector<std::array<std::string, 2>> table = {
      {"", "column 1: the expression is empty"},
      {"a ^ 2", "column 3: there is no power operator '^'; write x * x"},
      {"a = 2", "column 3: '=' assigns, which an expression cannot; compare with '=='"},
      {"a && b", "column 3: there is no '&&' or '||'; nest the choice a ? b : c"},
      {"exp(a)",
       "column 1: there is no function 'exp'; there are min, max, abs, sqrt, clamp, mean, median, deviation, gini, hhi "
       "and nakamoto"},
      {"1 + mim(a, 2)",
       "column 5: there is no function 'mim'; there are min, max, abs, sqrt, clamp, mean, median, deviation, gini, hhi "
       "and nakamoto; did you mean 'min'?"},
      {"a, b", "column 2: a ',' outside a function's arguments"},
      {"\"x\"", "column 1: '\"' does not belong to an expression"},
      {"a \xc3\xb7 b", "column 3: a character outside ASCII does not belong to an expression"},
  };
  for (const auto& [text, message] : table) EXPECT_EQ(error_of(text).text(), message);
}

TEST(Expression, RefusesWhatDoesNotParse) {
  for (const char* text : {"a +", "(a", "a)", "a b", "2 a", "* a", "a / / b", "min()", "clamp(1, 2)", "a ? b", "a : b",
                           "sqrt(1, 2)", "()", "a < ", "1.2.3", "a !b", "1e", "a ? : b", "0x10"}) {
    const Error e = error_of(text);
    EXPECT_EQ(e.code, ErrorCode::malformed) << text;
    EXPECT_TRUE(e.where.starts_with("column ")) << text << e.where;
    EXPECT_FALSE(e.message.empty());
  }
  EXPECT_EQ(error_of(std::string(5000, '1')).code, ErrorCode::out_of_range);
}

TEST(Expression, HasStatisticsOfItsArguments) {
  EXPECT_EQ(value("mean(1, 2, 6)"), 3);
  EXPECT_EQ(value("median(9, 1, 2)"), 2);
  EXPECT_EQ(value("median(a, b)", {1, 2}), 1);
  EXPECT_EQ(value("deviation(2, 4, 4, 4, 5, 5, 7, 9)"), 2);
  EXPECT_EQ(value("gini(a, b, c, d)", {0, 0, 0, 8}), 0.75);
  EXPECT_EQ(value("hhi(50, 30, 20) + 0 * min(1)"), 0.38);
  EXPECT_EQ(value("nakamoto(40, 30, 20, 10)"), 2);
  EXPECT_EQ(value("gini(a, b) - gini(b, a)", {3, 5}), 0);  // the arguments stay as they are
  EXPECT_FALSE(Expression::parse("gini(a)")->evaluate(std::array{-1.0}));
  EXPECT_FALSE(Expression::parse("hhi(a, b)")->evaluate(std::array{0.0, 0.0}));
  const auto many = [](int n) {
    std::string text = "mean(1";
    for (int i = 1; i < n; ++i) text += ",1";
    return text + ")";
  };
  EXPECT_EQ(value(many(2045)), 1);  // as many as a text can hold
  EXPECT_EQ(error_of(many(2046)).code, ErrorCode::out_of_range);
}

TEST(Expression, NothingTranscendentalIsReachable) {
  for (const char* name : {"sin", "exp", "log", "ln", "log2", "pow", "rint", "sum", "avg", "tanh", "sign"}) {
    EXPECT_EQ(error_of(std::string(name) + "(1)").code, ErrorCode::unsupported) << name;
  }
  EXPECT_EQ(Expression::parse("_pi + _e")->variables().size(), 2u);  // names, not constants
}

TEST(Expression, DoesNotReorderArithmetic) {
  // (x + 1) - 1 and x + (1 - 1) differ for small x; a folding optimiser would give the second.
  EXPECT_EQ(value("x + 1 - 1", {1e-17}), 0);
  EXPECT_EQ(value("x * 3 / 3", {0.1}), 0.1 * 3 / 3);
  EXPECT_EQ(value("2 * x * 3 * x", {0.1}), 2 * 0.1 * 3 * 0.1);
}

TEST(Expression, ACopyHasItsOwnScratch) {
  const auto a = Expression::parse("x + y").value();
  Expression b = a;
  EXPECT_EQ(b.evaluate(std::array{1.0, 2.0}).value(), 3);
  EXPECT_EQ(a.evaluate(std::array{10.0, 20.0}).value(), 30);
  b = Expression::parse("x").value();
  EXPECT_EQ(b.evaluate(std::array{7.0}).value(), 7);
}

TEST(Expression, SurvivesDeepNesting) {
  const std::string deep = std::string(1000, '(') + "1" + std::string(1000, ')');
  EXPECT_EQ(value(deep), 1);
  const auto choices = Expression::parse([] {
    std::string s = "x";
    for (int i = 0; i < 300; ++i) s = "x<1?2:" + s;
    return s;
  }());
  ASSERT_TRUE(choices);
  EXPECT_EQ(choices->evaluate(std::array{5.0}).value(), 5);
}

}  // namespace
}  // namespace homeostat
