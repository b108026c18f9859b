#include "oracle/quorum.hpp"

#include <algorithm>
#include <cmath>

#include "core/math.hpp"

namespace homeostat::oracle {
namespace {

/// Makes the median absolute deviation of a normal distribution its standard deviation: 1 / quantile(3/4).
constexpr double kMadScale = 1.4826;

double median_of(const std::vector<Vote>& votes, std::vector<double>& scratch) {
  scratch.clear();
  for (const Vote& vote : votes) {
    if (!vote.left_out) scratch.push_back(vote.value);
  }
  return lower_quantile(scratch, 1, 2);
}

void leave_out_outliers(std::vector<Vote>& votes, const MetricSettings& m, std::uint32_t quorum, Agreement& result,
                        std::vector<double>& scratch) {
  const double median = median_of(votes, scratch);
  scratch.clear();
  for (const Vote& vote : votes) scratch.push_back(distance_between(median, vote.value, m));
  const double mad = lower_quantile(scratch, 1, 2);
  const double limit = std::max(m.outliers->mads * kMadScale * mad, m.outliers->floor);
  for (std::size_t left = votes.size(); left > std::max(1u, quorum); --left) {
    Vote* farthest = nullptr;
    double distance = limit;
    for (Vote& vote : votes) {
      const double d = vote.left_out ? 0 : distance_between(median, vote.value, m);
      if (d > distance) farthest = &vote, distance = d;
    }
    if (farthest == nullptr) return;
    farthest->left_out = true;
    ++result.left_out;
  }
}

/// The most votes, of those that do not agree, that agree with each other.
std::uint32_t rivals(const std::vector<Vote>& votes, const MetricSettings& m) {
  std::uint32_t most = 0;
  for (const Vote& centre : votes) {
    std::uint32_t count = 0;
    for (const Vote& vote : votes) {
      const bool together = !vote.agrees && distance_between(centre.value, vote.value, m) <= m.agree_within;
      count += together ? 1 : 0;
    }
    if (!centre.agrees) most = std::max(most, count);
  }
  return most;
}

/// Three votes of each source, value - confidence, value, value + confidence; the quartiles of all of them.
void weigh_by_confidence(const std::vector<Vote>& votes, Agreement& result, std::vector<double>& scratch) {
  scratch.clear();
  for (const Vote& vote : votes) {
    if (vote.left_out) continue;
    for (const double v : {vote.value - vote.confidence, vote.value, vote.value + vote.confidence})
      scratch.push_back(v);
  }
  const double low = lower_quantile(scratch, 1, 4);
  const double middle = lower_quantile(scratch, 1, 2);
  const double high = lower_quantile(scratch, 3, 4);
  result.value = middle;
  result.confidence = std::max(middle - low, high - middle);
}

}  // namespace

double distance_between(double from, double to, const MetricSettings& m) {
  if (from == to) return 0;
  if ((from > 0 && to > 0) || (from < 0 && to < 0)) return std::fabs(math::log(to / from));
  const double range = m.max - m.min;
  return std::fabs(to - from) / (range > 0 && std::isfinite(range) ? range : 1);
}

double lower_quantile(std::vector<double>& values, std::size_t numerator, std::size_t denominator) {
  const auto place = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) * numerator / denominator);
  std::nth_element(values.begin(), place, values.end());
  return *place;
}

void merge_groups(std::vector<Vote>& votes) {
  std::sort(votes.begin(), votes.end(), [](const Vote& a, const Vote& b) {
    return a.group != b.group ? a.group < b.group : a.value != b.value ? a.value < b.value : a.source < b.source;
  });
  std::size_t out = 0;
  for (std::size_t begin = 0, end = 0; begin < votes.size(); begin = end) {
    while (end < votes.size() && votes[end].group == votes[begin].group) ++end;
    votes[out++] = votes[begin + (end - begin - 1) / 2];
  }
  votes.resize(out);
}

Agreement count_votes(std::vector<Vote>& votes, const MetricSettings& m, std::uint32_t quorum) {
  Agreement result;
  std::vector<double> scratch;
  scratch.reserve(votes.size() * 3);
  if (m.outliers) leave_out_outliers(votes, m, quorum, result, scratch);
  result.value = median_of(votes, scratch);
  for (Vote& vote : votes) {
    vote.agrees = m.agree_within == 0 || distance_between(result.value, vote.value, m) <= m.agree_within;
    result.agreeing += vote.agrees ? 1 : 0;
  }
  const std::size_t twice = 2 * std::size_t{result.agreeing};
  const bool prevails = twice > votes.size() || (twice == votes.size() && rivals(votes, m) < result.agreeing);
  result.agrees = prevails && result.agreeing >= std::max(1u, quorum);
  if (m.aggregate == Aggregate::quartiles) weigh_by_confidence(votes, result, scratch);
  return result;
}

}  // namespace homeostat::oracle
