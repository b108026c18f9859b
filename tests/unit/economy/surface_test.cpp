// The bonding surface: what its forms mean, numbers computed elsewhere to sixty digits, and what it refuses.
#include "economy/bonding/surface.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <numbers>

namespace homeostat::economy::bonding {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

Surface made(const SurfaceSettings& settings) {
  const auto surface = Surface::make(settings);
  if (!surface) ADD_FAILURE() << surface.error().text();
  return *surface;
}
Surface peg(std::vector<double> weights, double lambda = 4) {
  return made({.weights = std::move(weights), .lambda = lambda});
}
/// Within some units of the last place of a double.
void expect_close(double computed, double expected, double relative = 4e-15) {
  EXPECT_NEAR(computed, expected, relative * std::fabs(expected));
}

TEST(Surface, PegFormIsWorthItsBalancesAtThePegAndPricesEveryAssetAtOne) {
  for (const double lambda : {1.0, 4.0, 1e4, 1e8}) {
    const Surface s = peg({0.4, 0.3, 0.3}, lambda);
    const auto at = s.at(std::array{400.0, 300.0, 300.0});
    ASSERT_TRUE(at);
    expect_close(at->size, 1000);
    for (const double price : s.gradient(*at)) expect_close(price, 1);
  }
}

// ell_000 and ell_001 of the vectors: unequal weights, five and two assets, a withdrawal and a deposit of 1e-7.
TEST(Surface, SizePricesAndGrowthAgreeWithSixtyDigits) {
  const Surface five =
      peg({0.20222487566985645, 0.2266177979447317, 0.1197302402550501, 0.15381995620637265, 0.297607129923989}, 2);
  const std::array v{132669.24725790782, 166252.46627199, 125853.06499551843, 136943.78747688566, 274078.13360342954};
  const auto at = five.at(v);
  ASSERT_TRUE(at);
  expect_close(at->size, 834713.788265660759889579990927);
  expect_close(Surface::margin(*at), 0.446571662969353423692285723584);
  expect_close(five.gradient(*at)[2], 0.983622813072703192000595391526);
  const auto mint = five.mint(v, std::array{0.0, 0.0, 0.0, -2864.2064094376065, 0.0});
  ASSERT_TRUE(mint);
  expect_close(mint->growth, -2853.12228804842951617706795587);
  expect_close(mint->ratio(), -0.00341808453167707657672586168293);

  const Surface two = peg({0.4180559250392328, 0.5819440749607673}, 2);
  const auto small =
      two.mint(std::array{1.963832619470703, 3.2224678377619567}, std::array{0.0, 5.838492417878541e-07});
  ASSERT_TRUE(small);
  expect_close(small->growth, 0.000000577338447514575230954798636094);
}

TEST(Surface, StandardAxesAreTheFreeOnesTurnedByAnEighth) {
  const Surface standard = peg({0.7, 0.3}, 6);
  const Surface free = made({.weights = {0.7, 0.3}, .lambdas = {6, 1}, .rotations = {{0, 1, std::numbers::pi / 4}}});
  const std::array v{50.0, 70.0};
  expect_close(*free.invariant(v), *standard.invariant(v));
  expect_close(free.mint(v, std::array{3.0, 0.0})->growth, standard.mint(v, std::array{3.0, 0.0})->growth);
  const auto a = free.at(v), b = standard.at(v);
  expect_close(free.swap_in(*a, 0, 5, 1)->amount_out, standard.swap_in(*b, 0, 5, 1)->amount_out);
  expect_close(free.gradient(*a)[1], standard.gradient(*b)[1]);
  expect_close((*free.balances_at(9, std::array{1.0, 1.01}))[0], (*standard.balances_at(9, std::array{1.0, 1.01}))[0],
               1e-14);
}

// |r 1 - x|^2 = r^2; price of i in j is (r - x_j) / (r - x_i), dx_i/dx_j [Orbital].
TEST(Surface, WithoutBoundsAndTurnsASphereIsOrbital) {
  const Surface s = made({.centre = Centre::unbounded, .lambdas = {1, 1, 1}});
  const std::array x{100.0, 110.0, 95.0};
  const auto at = s.at(x);
  ASSERT_TRUE(at);
  double squares = 0;
  for (const double v : x) squares += (at->size - v) * (at->size - v);
  expect_close(squares, at->size * at->size);
  const Values g = s.gradient(*at);
  expect_close(g[1] / g[0], (at->size - x[1]) / (at->size - x[0]));
}

// Past its highest point a sphere comes down again: there the size has a root, but more of an asset would be worth
// less.
TEST(Surface, APriceBelowZeroIsOutsideOfTheDomain) {
  const Surface s = made({.centre = Centre::unbounded, .lambdas = {1, 1, 1}});
  EXPECT_TRUE(s.at(std::array{0.9, 0.3, 0.3}));
  const auto beyond = s.at(std::array{1.1, 0.3, 0.3});
  ASSERT_FALSE(beyond);
  EXPECT_EQ(
      beyond.error().text(),
      "balances: out of the surface's domain: the price of asset 0 would not be above zero, there is too much of it "
      "beside the others");
  EXPECT_EQ(s.mint(std::array{0.9, 0.3, 0.3}, std::array{0.3, 0.0, 0.0}).error().where, "deposit");
}

TEST(Surface, ABoxIsUsedUpExactlyAtItsCorner) {
  const SurfaceSettings box{
      .centre = Centre::box, .price_min = {0.5, 1}, .price_max = {2, 1}, .lambdas = {3, 1}, .rotations = {{0, 1, 0.6}}};
  const Surface s = made(box);
  EXPECT_LT((*s.balances_at(10, std::array{2.0, 1.0}))[0], 1e-13);
  EXPECT_LT((*s.balances_at(10, std::array{0.5, 1.0}))[1], 1e-13);
  const auto v = s.balances_at(10, std::array{1.1, 1.0});
  ASSERT_TRUE(v);
  const auto at = s.at(*v);
  expect_close(at->size, 10, 1e-14);
  expect_close(s.gradient(*at)[0] / s.gradient(*at)[1], 1.1, 1e-14);
  EXPECT_EQ(s.balances_at(10, std::array{2.1, 1.0}).error().where, "prices[0]");
}

// box_07 of the vectors: four assets, turned in every plane; the maxima lie on edges of the box as well as in its
// corners.
TEST(Surface, ABoxHasTheCentreAndTheBalancesOfItsPrices) {
  const Surface s = made({.centre = Centre::box,
                          .price_min = {0.536, 0.426, 0.798, 0.536},
                          .price_max = {0.94, 0.922, 2.358, 1.564},
                          .lambdas = {1.451, 28.328, 1.747, 1.324},
                          .rotations = {{0, 1, 0.1789478027142869},
                                        {0, 2, 0.20522630569531608},
                                        {0, 3, 0.2617842992166598},
                                        {1, 2, 0.0879929053126639},
                                        {1, 3, 0.1794360271767942},
                                        {2, 3, -0.01095548289287579}}});
  const std::array centre{3.31429161884108227520615567415, 27.5561262707703187224318410405,
                          1.14174718628805812429044132986, -0.244335562831305069733854061998};
  const std::array prices{0.694797361443499461586270626867, 0.783835846874748942703092779993,
                          2.17107850939567725845336099155, 0.711752580366506237830037662206};
  const std::array balances{0.488181854186448459426003944414, 3.15869123076736555932949721978,
                            10.9314196973194154125789212107, 17.2231539059216828166757082144};
  const auto v = s.balances_at(3.9260000000000001563, prices);
  ASSERT_TRUE(v);
  for (std::size_t i = 0; i < 4; ++i) {
    expect_close(s.geometry().centre[i], centre[i]);
    expect_close((*v)[i], balances[i]);
  }
  expect_close(*s.invariant(balances), 3.9260000000000001563, 1e-14);
}

TEST(Surface, SwapsKeepTheSizeAndInvertEachOther) {
  const Surface s = peg({0.5, 0.2, 0.3}, 10);
  const std::array v{40.0, 35.0, 25.0};
  const auto at = s.at(v);
  for (const double amount : {1e-9, 1e-3, 1.0, 20.0}) {
    const auto swap = s.swap_in(*at, 0, amount, 2);
    ASSERT_TRUE(swap) << swap.error().text();
    expect_close(*s.invariant(std::array{40 + amount, 35.0, 25 - swap->amount_out}), at->size);
    const auto back = s.swap_out(*at, 0, 2, swap->amount_out);
    expect_close(back->amount_in, amount, 1e-14);
    expect_close(back->price_after, swap->price_after, 1e-14);
  }
  EXPECT_GT(s.swap_in(*at, 0, 20, 2)->price_after, s.swap_in(*at, 0, 1, 2)->price_after);
}

TEST(Surface, AmountForAGrowthIsTheDepositThatGrowsSo) {
  const Surface s = peg({0.25, 0.25, 0.25, 0.25});
  const std::array v{10.0, 12.0, 9.0, 11.0};
  const auto at = s.at(v);
  for (const double amount : {1e-8, 0.5, 30.0, -1e-8, -4.0}) {
    const auto mint = s.mint(v, std::array{0.0, 0.0, amount, 0.0});
    ASSERT_TRUE(mint) << mint.error().text();
    expect_close(*s.amount_for(*at, 2, mint->growth), amount, 1e-14);
  }
}

TEST(Surface, AVeryFlatEllipseLosesNoDigits) {
  // c is 450,000 times longer than tau here: the naive discriminant has 8 digits left.
  const double s = 0.29609877111408056, c = 0.9551573261744535;
  const Surface flat = made({.centre = Centre::box,
                             .price_min = {0.05000000000002029, 1},
                             .price_max = {0.39731626989784118, 1},
                             .lambdas = {748956.475, 1},
                             .rotations = {{0, 1, std::atan2(s, c)}}});
  const auto at = flat.at(std::array{100.0, 100.0});
  ASSERT_TRUE(at);
  expect_close(at->size, 0.000295358168772127101033760290056, 1e-14);
}

TEST(Surface, RefusesSettingsAndNamesTheField) {
  const std::vector<double> three{0.4, 0.3, 0.3};
  struct Case {
    SurfaceSettings settings;
    std::string where;
  };
  const std::vector<Case> cases = {
      {{}, "assets"},
      {{.weights = {1}}, "assets"},
      {{.weights = std::vector<double>(17, 1.0 / 17)}, "assets"},
      {{.weights = {0.4, 0.4}}, "weights"},
      {{.weights = {1.4, -0.4}}, "weights[0]"},
      {{.weights = {0.5, kNan}}, "weights[1]"},
      {{.weights = three, .lambda = 0.99}, "lambda"},
      {{.weights = three, .lambda = 1e9}, "lambda"},
      {{.weights = three, .lambda = kNan}, "lambda"},
      {{.weights = three, .lambdas = {1, 2}}, "lambdas"},
      {{.weights = three, .lambdas = {1, 2, kInf}}, "lambdas[2]"},
      {{.weights = three, .rotations = {{0, 1, 1}}}, "rotations"},
      {{.weights = three, .lambdas = {1, 2, 3}, .rotations = {{0, 3, 1}}}, "rotations[0]"},
      {{.weights = three, .lambdas = {1, 2, 3}, .rotations = {{1, 1, 1}}}, "rotations[0]"},
      {{.weights = three, .lambdas = {1, 2, 3}, .rotations = {{0, 1, 1}, {0, 1, 7}}}, "rotations[1]"},
      {{.weights = three, .assets = 4}, "weights"},
      {{.centre = Centre::box, .price_min = {0.5, 1}, .price_max = {2}}, "price_max"},
      {{.centre = Centre::box, .price_min = {0.5, 0}, .price_max = {2, 1}}, "price_min[1]"},
      {{.centre = Centre::box, .price_min = {0.5, 1}, .price_max = {0.4, 1}}, "price_min[0]"},
      {{.centre = Centre::box, .price_min = {1, 1}, .price_max = {1, 1}}, "price_max"},  // a point, k = 1
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const auto surface = Surface::make(cases[i].settings);
    ASSERT_FALSE(surface) << i;
    EXPECT_EQ(surface.error().where, cases[i].where) << i << surface.error().text();
  }
  EXPECT_EQ(rotations_of(3, std::array{1.0, 2.0}).error().where, "angles");
  EXPECT_EQ(rotations_of(3, std::array{1.0, 2.0, 3.0})->back().second, 2u);
}

TEST(Surface, RefusesBadArgumentsAndNamesThem) {
  const Surface s = peg({0.5, 0.5}, 1.2);  // 1.2: all value in one asset is outside the domain
  const std::array v{10.0, 10.0};
  const auto at = s.at(v);
  ASSERT_TRUE(at);
  const Point before = *at;
  struct Case {
    std::function<Error()> call;
    std::string where;
  };
  const std::vector<Case> cases = {
      {[&] { return s.at(std::array{1.0}).error(); }, "balances"},
      {[&] {
         return s.at(std::array{1.0, -1.0}).error();
       },
       "balances[1]"},
      {[&] {
         return s.at(std::array{kNan, 1.0}).error();
       },
       "balances[0]"},
      {[&] {
         return s.at(std::array{1.0, kInf}).error();
       },
       "balances[1]"},
      {[&] {
         return s.at(std::array{1.0, 1e31}).error();
       },
       "balances[1]"},
      {[&] {
         return s.at(std::array{0.0, 0.0}).error();
       },
       "balances"},
      {[&] {
         return s.at(std::array{0.0, 20.0}).error();
       },
       "balances"},
      {[&] {
         return s.invariant(std::array{0.0, 20.0}).error();
       },
       "balances"},
      {[&] { return s.mint(v, std::array{1.0}).error(); }, "deposit"},
      {[&] {
         return s.mint(v, std::array{kNan, 1.0}).error();
       },
       "deposit[0]"},
      {[&] {
         return s.mint(v, std::array{-11.0, 1.0}).error();
       },
       "balances after[0]"},
      {[&] {
         return s.mint(v, std::array{-10.0, -10.0}).error();
       },
       "balances after"},
      {[&] {
         return s.mint(v, std::array{1000.0, 0.0}).error();
       },
       "deposit"},
      {[&] {
         return s.mint(*at, std::array{1000.0, 0.0}).error();
       },
       "deposit"},
      {[&] { return s.amount_for(*at, 2, 1).error(); }, "asset"},
      {[&] { return s.amount_for(*at, 0, -25).error(); }, "growth"},
      {[&] { return s.amount_for(*at, 0, 1000).error(); }, "growth"},
      {[&] { return s.swap_in(*at, 0, 1, 0).error(); }, "out"},
      {[&] { return s.swap_in(*at, 0, 0, 1).error(); }, "amount_in"},
      {[&] { return s.swap_in(*at, 0, -1, 1).error(); }, "amount_in"},
      {[&] { return s.swap_in(*at, 0, 1000, 1).error(); }, "amount_in"},
      {[&] { return s.swap_out(*at, 0, 1, 11).error(); }, "amount_out"},
      {[&] { return s.swap_out(*at, 2, 1, 1).error(); }, "in"},
      {[&] { return s.balances_at(0, v).error(); }, "size"},
      {[&] { return s.balances_at(1, std::array{1.0}).error(); }, "prices"},
      {[&] {
         return s.balances_at(1, std::array{1.0, 0.0}).error();
       },
       "prices[1]"},
      {[&] {
         return peg({0.5, 0.5}, 40).balances_at(1, std::array{1.2, 1.0}).error();
       },
       "prices[0]"},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const Error error = cases[i].call();
    EXPECT_EQ(error.where, cases[i].where) << i << ": " << error.text();
  }
  EXPECT_EQ(at->balances, before.balances);
  EXPECT_EQ(at->q, before.q);
}

TEST(Surface, TheWorkedExampleOfTheDocumentation) {
  const Surface s = peg({0.4, 0.3, 0.3});
  const std::array v{400.0, 300.0, 300.0};
  const auto at = s.at(v);
  EXPECT_NEAR(s.mint(v, std::array{100.0, 0.0, 0.0})->growth, 99.734, 5e-4);
  EXPECT_NEAR(s.gradient(*s.at(std::array{500.0, 300.0, 300.0}))[0], 0.99492, 5e-6);
  EXPECT_NEAR(s.gradient(*s.at(std::array{500.0, 300.0, 300.0}))[1], 1.00379, 5e-6);
  EXPECT_NEAR(s.mint(v, std::array{500.0, 0.0, 0.0})->growth, 495.10, 5e-3);
  EXPECT_NEAR(s.gradient(*s.at(std::array{900.0, 300.0, 300.0}))[0], 0.98359, 5e-6);
  EXPECT_NEAR(s.swap_in(*at, 0, 100, 1)->amount_out, 98.929, 5e-4);
  EXPECT_NEAR((*s.balances_at(1000, std::array{0.98, 1.0, 1.0}))[0], 524.32, 5e-3);
  // A hundredth of the pool in one asset, as the composed system's reference has it.
  EXPECT_NEAR(s.mint(v, std::array{10.0, 0.0, 0.0})->ratio(), 0.009997105906424414, 1e-17);
}

// From here all value in one asset is inside the domain of equal weights.
TEST(Surface, TheWholeReserveInOneAssetIsInTheDomainFromTheKnownLambda) {
  struct Case {
    std::size_t n;
    double lambda;
  };
  for (const auto& [n, lambda] : {Case{2, 1.38}, Case{3, 1.73}, Case{4, 1.94}, Case{8, 2.41}, Case{16, 2.91}}) {
    const std::vector<double> equal(n, 1.0 / static_cast<double>(n));
    std::vector<double> one(n, 0.0);
    one[0] = 100;
    EXPECT_FALSE(peg(equal, lambda - 0.01).at(one)) << n;
    EXPECT_TRUE(peg(equal, lambda + 0.01).at(one)) << n;
  }
}

}  // namespace
}  // namespace homeostat::economy::bonding
