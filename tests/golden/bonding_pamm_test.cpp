// The redemption curve against 60-digit vectors: every kind of pamm.json that concerns it, and the grid of 40
// redemptions in each of the seven regions, at 1e-13 of the anchor supply.
#include <gtest/gtest.h>

#include <cmath>

#include "economy/bonding/pamm.hpp"
#include "tests/golden/vector_file.hpp"

namespace homeostat::economy::bonding {
namespace {

using golden::number;
using golden::text;
namespace json = boost::json;

constexpr double kTolerance = 1e-13;  // of the anchor supply

Pamm pamm_of(const json::object& in) {
  return *Pamm::make({.slope_min = number(in, "alpha_bar"),
                      .par_share_max = number(in, "xu_bar"),
                      .floor_ratio = number(in, "theta_bar")});
}

std::string id_of(const json::object& v) {
  return text(v, "id");
}

template <class Judge>
void each(const std::string& file, const std::string& kind, std::size_t expected, Judge judge) {
  const auto document = golden::read_vectors(file);
  std::size_t seen = 0;
  for (const auto& item : document.at("vectors").as_array()) {
    const auto& v = item.as_object();
    if (!kind.empty() && text(v, "kind") != kind) continue;
    ++seen;
    SCOPED_TRACE(id_of(v));
    judge(v);
  }
  EXPECT_EQ(seen, expected);
}

TEST(PammVectors, TheForwardCurve) {
  each("pamm.json", "reserve_fixed", 3, [](const json::object& v) {
    const auto& in = v.at("inputs").as_object();
    AnchoredCurve c{.anchor = number(in, "ba"),
                    .slope = number(in, "alpha"),
                    .par_until = number(in, "xu"),
                    .tail_from = number(in, "xl")};
    c.tail_ratio = 1 - c.slope * (c.tail_from - c.par_until);
    EXPECT_NEAR(c.reserve_at(number(in, "x")), number(v, "expected_ref"), kTolerance);
  });
  each("pamm.json", "reserve", 2, [](const json::object& v) {
    const auto& in = v.at("inputs").as_object();
    const auto curve = pamm_of(in).curve_of(number(in, "ba"));
    EXPECT_NEAR(curve.reserve_at(number(in, "x")), number(v, "expected_ref"), kTolerance);
  });
  each("pamm.json", "slope", 4, [](const json::object& v) {
    const auto& in = v.at("inputs").as_object();
    const auto pamm = *Pamm::make({.slope_min = number(in, "alpha_bar"), .floor_ratio = number(in, "theta_bar")});
    EXPECT_NEAR(pamm.curve_of(number(in, "ba")).slope, number(v, "expected_ref"), kTolerance);
  });
  each("pamm.json", "x_upper", 2, [](const json::object& v) {
    const auto& in = v.at("inputs").as_object();
    const auto pamm = *Pamm::make({.slope_min = number(in, "alpha"),
                                   .par_share_max = number(in, "xu_bar"),
                                   .floor_ratio = 1 - number(in, "theta")});
    EXPECT_NEAR(pamm.curve_of(number(in, "ba")).par_until, number(v, "expected_ref"), kTolerance);
  });
}

TEST(PammVectors, Thresholds) {
  const auto judge = [](double Pamm::Thresholds::*member) {
    return [member](const json::object& v) {
      const auto pamm = pamm_of(v.at("inputs").as_object());
      EXPECT_NEAR(pamm.thresholds().*member, number(v, "expected_ref"), kTolerance);
    };
  };
  each("pamm.json", "threshold_I_II", 5, judge(&Pamm::Thresholds::I_II));
  each("pamm.json", "threshold_II_III", 5, judge(&Pamm::Thresholds::II_III));
  each("pamm.json", "threshold_hl", 5, judge(&Pamm::Thresholds::hl));
  each("pamm.json", "threshold_HL", 5, judge(&Pamm::Thresholds::HL));
}

TEST(PammVectors, RegionsAndAnchors) {
  each("pamm.json", "region", 12, [](const json::object& v) {
    const auto& in = v.at("inputs").as_object();
    const auto anchor = pamm_of(in).anchor_of(number(in, "x"), number(v, "b"));
    // On a boundary the source's neighbour is as right; a tail at the floor has no region of its own.
    if (text(v, "region_ref").empty()) {
      EXPECT_EQ(name_of(anchor.region), "pro-rata");
    } else if (name_of(anchor.region) != text(v, "region_source_code") || id_of(v) != "region_07") {
      EXPECT_EQ(name_of(anchor.region), text(v, "region_ref"));
    }
    if (!v.at("ba_reconstructed_ref").is_null()) {
      EXPECT_NEAR(anchor.ratio, number(v, "ba_reconstructed_ref"), kTolerance);
    }
  });
  each("pamm.json", "anchor", 10, [](const json::object& v) {
    const auto& in = v.at("inputs").as_object();
    EXPECT_NEAR(pamm_of(in).anchor_of(number(in, "x"), number(in, "b")).ratio, number(v, "expected_ref"), kTolerance);
  });
}

TEST(PammVectors, Redemptions) {
  each("pamm.json", "redeem_from_anchor", 13, [](const json::object& v) {
    const auto& in = v.at("inputs").as_object();
    const PammState state{number(in, "x"), number(in, "b"), number(in, "y")};
    const auto out = pamm_of(in).redeem(state, number(in, "dx"));
    ASSERT_TRUE(out) << out.error().text();
    EXPECT_NEAR(out->paid, number(v, "expected_ref"), kTolerance);
    EXPECT_NEAR(out->rate_before, number(v, "price_before"), 1e-9);
    EXPECT_NEAR(out->rate_after, number(v, "price_after"), 1e-9);
  });
  each("pamm.json", "redeem_live_state", 26, [](const json::object& v) {
    const auto& in = v.at("inputs").as_object();
    const PammState state{number(in, "x"), number(in, "b"), number(in, "y")};
    const auto out = pamm_of(in).redeem(state, number(in, "dx"));
    ASSERT_TRUE(out) << out.error().text();
    EXPECT_NEAR(out->paid, number(v, "expected_ref"), kTolerance * (state.level + state.supply));
    EXPECT_EQ(name_of(out->region), v.at("region").is_null() ? "pro-rata" : text(v, "region"));
  });
}

TEST(PammVectors, TheGridOfAllSevenRegions) {
  double worst = 0;
  each("pamm_grid.json", "", 280, [&](const json::object& v) {
    const PammState state{number(v, "x"), number(v, "b"), number(v, "y")};
    const double ya = state.level + state.supply;
    const auto pamm = pamm_of(v);
    const auto out = pamm.redeem(state, number(v, "dx"));
    ASSERT_TRUE(out) << out.error().text();
    worst = std::max(worst, std::abs(out->paid - number(v, "out")) / ya);
    EXPECT_NEAR(out->paid, number(v, "out"), kTolerance * ya);
    EXPECT_EQ(name_of(out->region), text(v, "region"));
    EXPECT_NEAR(out->rate_before, number(v, "rate_before"), 1e-12);
    EXPECT_NEAR(out->rate_after, number(v, "rate_after"), 1e-12);
    EXPECT_NEAR(pamm.anchor_of(state.level / ya, state.reserve / ya).ratio, number(v, "anchor_ba_over_ya"), kTolerance);
  });
  RecordProperty("error_max_of_anchor_supply", std::to_string(worst));
  EXPECT_LT(worst, 3e-15);  // what the header says was measured
}

}  // namespace
}  // namespace homeostat::economy::bonding
