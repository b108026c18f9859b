#include "tests/unit/simulator/held_out.hpp"

#include <algorithm>
#include <cmath>

namespace homeostat::simulator::testing {
namespace {

constexpr double kStepS = 30;
constexpr double kNoise = 0.002;

std::string digits(std::size_t i) {
  return std::to_string(i + 1);
}

/// A truth over time: corners in |ln|, straight between them.
struct Path {
  std::vector<std::pair<double, double>> corners;  ///< t_s, ln(value / first)

  [[nodiscard]] double at(double t) const {
    if (t <= corners.front().first) return corners.front().second;
    for (std::size_t i = 1; i < corners.size(); ++i) {
      if (t > corners[i].first) continue;
      const auto& [t0, x0] = corners[i - 1];
      const auto& [t1, x1] = corners[i];
      return x0 + (x1 - x0) * (t - t0) / (t1 - t0);
    }
    return corners.back().second;
  }
  void go(double seconds, double by) {
    corners.emplace_back(corners.back().first + seconds, corners.back().second + by);
  }
};

class Maker {
 public:
  Maker(Shape shape, std::uint64_t seed) : random_(seed * 31 + static_cast<std::uint64_t>(shape)) {
    series_.id = std::string(name_of(shape)) + "_" + std::to_string(seed);
    series_.t0 = Instant::from_unix_seconds(1'700'000'000);
    series_.is_linear = true;
    series_.baseline_s = 7200;
  }

  IncidentSeries make(Shape shape) {
    switch (shape) {
      case Shape::minority_lies: minority(); break;
      case Shape::even_split: even_split(); break;
      case Shape::thin_pump: thin_pump(); break;
      case Shape::rate_donation: rate_donation(); break;
      case Shape::real_crash: real("ETH/USD", random_.uniform(100, 50'000), 0.45); break;
      case Shape::real_depeg: real("USDX/USD", 1, 0.22); break;
      case Shape::real_thin: real("OBSCURE/USD", random_.uniform(1e-6, 10), 0.12); break;
      case Shape::outage: outage(); break;
      case Shape::frozen_minority: frozen(); break;
      case Shape::slow_drift: slow_drift(); break;
    }
    return std::move(series_);
  }

 private:
  struct Asset {
    const char* name;
    double value;
    double rate;  ///< |ln| per hour that its real moves stay below
  };

  Asset any_asset() {
    switch (random_.below(3)) {
      case 0: return {"BTC/USD", random_.uniform(100, 100'000), 0.4};
      case 1: return {"USDX/USD", 1, 0.2};
      default: return {"OBSCURE/USD", random_.uniform(1e-6, 10), 0.1};
    }
  }

  void name_sources(std::size_t n, const std::string& prefix = "venue_") {
    for (std::size_t i = 0; i < n; ++i) series_.sources.push_back(prefix + digits(i));
    skew_.clear();
    for (std::size_t i = 0; i < n; ++i) skew_.push_back(random_.uniform(-kNoise, kNoise));
  }

  /// A real path of a few legs, each slower than `rate` per hour.
  Path real_path(double rate, double hours) {
    Path path{{{0, 0}}};
    while (path.corners.back().first < hours * 3600) {
      const double seconds = random_.uniform(900, 7200);
      const double speed = random_.uniform(-rate, rate * 0.8);
      path.go(seconds, random_.chance(0.3) ? 0 : speed * seconds / 3600);
    }
    return path;
  }

  /// Rows every kStepS: what each source says is decided by `cell(source, t, honest value)`.
  template <class Cell>
  void rows(double value, const Path& path, double end, Cell cell) {
    for (double t = 0; t <= end; t += kStepS) {
      IncidentRow row{.t_s = t, .truth = value * std::exp(path.at(t))};
      for (std::size_t i = 0; i < series_.sources.size(); ++i) {
        const double honest = row.truth * (1 + skew_[i] + random_.uniform(-kNoise, kNoise) / 4);
        row.cells.push_back(cell(i, t, honest));
      }
      series_.rows.push_back(std::move(row));
    }
  }
  static IncidentCell says(double value) { return {.online = true, .value = value}; }

  std::size_t minority_of(std::size_t n) { return 1 + random_.below((n - 1) / 2); }

  void minority() {
    const Asset asset = any_asset();
    series_.asset = asset.name;
    const std::size_t n = 3 + random_.below(9);
    name_sources(n);
    const std::size_t liars = minority_of(n);
    const double begin = random_.uniform(300, 3600);
    const double end = begin + random_.uniform(60, 7200);
    const double factor = std::exp(random_.uniform(-6, 6));
    const std::uint64_t manner = random_.below(4);
    rows(asset.value, real_path(asset.rate, 4), 4 * 3600, [&](std::size_t i, double t, double honest) {
      if (i >= liars || t < begin || t > end) return says(honest);
      switch (manner) {
        case 0: return says(honest * factor);
        case 1: return says(0);
        case 2: return says(honest * (random_.chance(0.5) ? factor : 1));
        default: return says(honest * std::exp(random_.uniform(-3, 3)));
      }
    });
  }

  void even_split() {
    const Asset asset = any_asset();
    series_.asset = asset.name;
    const std::size_t n = 2 * (2 + random_.below(4));
    name_sources(n);
    const double begin = random_.uniform(600, 3600);
    const double end = begin + random_.uniform(60, 7200);
    const double factor = std::exp((random_.chance(0.5) ? 1 : -1) * random_.uniform(0.3, 3));
    rows(asset.value, real_path(asset.rate / 4, 5), 5 * 3600, [&](std::size_t i, double t, double honest) {
      return says(i < n / 2 && t >= begin && t <= end ? honest * factor : honest);
    });
  }

  void thin_pump() {
    series_.asset = "OBSCURE/USD";
    name_sources(2 + random_.below(5));
    const double size = random_.uniform(0.5, 3) * (random_.chance(0.7) ? 1 : -1);
    const double up = random_.uniform(30, 900);
    const double plateau = random_.uniform(0, 0.8 * (1200 + 1200 * size * size));
    const double down = random_.uniform(30, 1200);
    const double begin = random_.uniform(600, 1800);
    Path truth{{{0, 0}, {begin + up + plateau, 0}}};
    truth.go(down, random_.chance(0.5) ? 0 : random_.uniform(-0.6, 0));  // it may be worth less afterwards
    Path seen{{{0, 0}, {begin, 0}, {begin + up, size}, {begin + up + plateau, size}}};
    seen.go(down, truth.corners.back().second - size);
    rows(random_.uniform(1e-5, 10), truth, begin + up + plateau + down + 7200,
         [&](std::size_t, double t, double honest) { return says(honest * std::exp(seen.at(t) - truth.at(t))); });
  }

  void rate_donation() {
    series_.asset = "vault share price";
    name_sources(1 + random_.below(4), "node_rpc");
    for (double& s : skew_) s = 0;
    const double jump = std::exp(random_.uniform(0.06, 2) * (random_.chance(0.8) ? 1 : -1));
    const double begin = random_.uniform(600, 7200);
    const double end = random_.chance(0.5) ? 1e9 : begin + random_.uniform(60, 7200);
    Path growth{{{0, 0}}};
    growth.go(6 * 3600, 1e-5);
    for (double t = 0; t <= 6 * 3600; t += kStepS) {
      IncidentRow row{.t_s = t, .truth = 1.1 * std::exp(growth.at(t))};
      row.cells.assign(series_.sources.size(), says(row.truth * (t >= begin && t < end ? jump : 1)));
      series_.rows.push_back(std::move(row));
    }
    series_.is_linear = false;
  }

  void real(const char* asset, double value, double rate) {
    series_.asset = asset;
    name_sources(3 + random_.below(5));
    series_.must_track = MustTrack{.lag_s = 7200, .error_ratio = 0.05};
    rows(value, real_path(rate, 12), 12 * 3600, [](std::size_t, double, double honest) { return says(honest); });
  }

  void outage() {
    const Asset asset = any_asset();
    series_.asset = asset.name;
    const std::size_t n = 3 + random_.below(4);
    name_sources(n);
    const std::size_t silent = 1 + random_.below(n);
    const double begin = random_.uniform(600, 3600);
    const double end = begin + random_.uniform(60, 6 * 3600);
    rows(asset.value, real_path(asset.rate * 0.6, 9), 9 * 3600, [&](std::size_t i, double t, double honest) {
      return i < silent && t >= begin && t <= end ? IncidentCell{} : says(honest);
    });
  }

  void frozen() {
    const Asset asset = any_asset();
    series_.asset = asset.name;
    const std::size_t n = 3 + random_.below(6);
    name_sources(n);
    const std::size_t stuck = minority_of(n);
    const double begin = random_.uniform(600, 3600);
    std::vector<double> last(n, 0);
    rows(asset.value, real_path(asset.rate, 6), 6 * 3600, [&](std::size_t i, double t, double honest) {
      if (i >= stuck || t < begin) last[i] = honest;
      return says(last[i]);
    });
  }

  void slow_drift() {
    const Asset asset = any_asset();
    series_.asset = asset.name;
    const std::size_t n = 3 + random_.below(6);
    name_sources(n);
    const std::size_t liars = minority_of(n);
    const double per_hour = random_.uniform(-0.3, 0.3);
    const double end = random_.uniform(3600, 5 * 3600);
    rows(asset.value, real_path(asset.rate / 3, 8), 8 * 3600, [&](std::size_t i, double t, double honest) {
      return says(i < liars && t <= end ? honest * std::exp(per_hour * t / 3600) : honest);
    });
  }

  Random random_;
  IncidentSeries series_;
  std::vector<double> skew_;
};

}  // namespace

const char* name_of(Shape shape) {
  switch (shape) {
    case Shape::minority_lies: return "minority_lies";
    case Shape::even_split: return "even_split";
    case Shape::thin_pump: return "thin_pump";
    case Shape::rate_donation: return "rate_donation";
    case Shape::real_crash: return "real_crash";
    case Shape::real_depeg: return "real_depeg";
    case Shape::real_thin: return "real_thin";
    case Shape::outage: return "outage";
    case Shape::frozen_minority: return "frozen_minority";
    case Shape::slow_drift: return "slow_drift";
  }
  return "?";
}

IncidentSeries make_held_out(Shape shape, std::uint64_t seed) {
  return Maker(shape, seed).make(shape);
}

IncidentSeries varied(IncidentSeries series, Random& random) {
  const double stretch = random.uniform(0.5, 2.5);
  // A peg and a rate are what they are; a price has any unit.
  const bool is_price = std::fabs(series.rows.front().truth - 1) > 0.3;
  const double scale = is_price ? std::exp(random.uniform(-4, 4)) : 1;
  const std::size_t copies = random.below(3);
  const std::size_t n = series.sources.size();
  for (std::size_t c = 0; c < copies; ++c) {
    for (std::size_t i = 0; i < n; ++i) series.sources.push_back("more" + digits(c) + "_" + series.sources[i]);
  }
  for (IncidentRow& row : series.rows) {
    row.t_s *= stretch;
    row.truth *= scale;
    for (IncidentCell& cell : row.cells) cell.value *= scale;
    for (std::size_t k = 0; k < copies * n; ++k) {
      IncidentCell cell = row.cells[k % n];
      cell.value *= 1 + random.uniform(-0.001, 0.001);
      row.cells.push_back(cell);
    }
  }
  return series;
}

}  // namespace homeostat::simulator::testing
