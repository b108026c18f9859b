#include "economy/tokenomics/apportion.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>

#include <boost/multiprecision/cpp_int.hpp>

#include "core/check.hpp"
#include "economy/argument.hpp"
#include "economy/tokenomics/share.hpp"

namespace homeostat::economy::tokenomics {

namespace {

using Narrow = std::uint64_t;
using Wide = unsigned __int128;

constexpr int kBins = 4096;
constexpr int kBinBits = 12;
constexpr int kDoubleBits = 62;
/// Below it all are candidates: clearing the histogram would cost more than it saves.
constexpr std::size_t kFew = 512;

template <class Word>
constexpr int kBits = sizeof(Word) * 8;

/// a x b = high x 2^bits + low.
Narrow product(Narrow a, Narrow b, Narrow& low) {
  const Wide p = Wide{a} * b;
  low = static_cast<Narrow>(p);
  return static_cast<Narrow>(p >> 64);
}
Wide product(Wide a, Wide b, Wide& low) {
  const auto a0 = static_cast<Narrow>(a), a1 = static_cast<Narrow>(a >> 64);
  const auto b0 = static_cast<Narrow>(b), b1 = static_cast<Narrow>(b >> 64);
  const Wide p00 = Wide{a0} * b0, p01 = Wide{a0} * b1, p10 = Wide{a1} * b0, p11 = Wide{a1} * b1;
  const Wide middle = (p00 >> 64) + static_cast<Narrow>(p01) + static_cast<Narrow>(p10);
  low = (middle << 64) | static_cast<Narrow>(p00);
  return p11 + (p01 >> 64) + (p10 >> 64) + (middle >> 64);
}

int leading_zeros(Narrow x) {
  return std::countl_zero(x);
}
int leading_zeros(Wide x) {
  const auto high = static_cast<Narrow>(x >> 64);
  return high != 0 ? std::countl_zero(high) : 64 + std::countl_zero(static_cast<Narrow>(x));
}

/// floor((2^(2 bits) - 1) / divisor) - 2^bits for a divisor with its top bit set.
Narrow reciprocal(Narrow divisor) {
  return static_cast<Narrow>(~Wide{0} / divisor);
}
Wide reciprocal(Wide divisor) {
  using boost::multiprecision::uint256_t;
  const uint256_t all = (uint256_t(~Wide{0}) << 128) | uint256_t(~Wide{0});
  const uint256_t quotient = all / uint256_t(divisor);
  return static_cast<Wide>(uint256_t(quotient - (uint256_t(1) << 128)));
}

/// Divides two words by one that stays the same, with two multiplications [Möller, Granlund 2011, algorithm 4].
template <class Word>
struct Divider {
  Word divisor;  ///< top bit set
  Word inverse;

  explicit Divider(Word d) : divisor(d), inverse(reciprocal(d)) {}

  /// For high < divisor.
  Word divide(Word high, Word low, Word& remainder) const {
    Word q0 = 0;
    Word q1 = product(inverse, high, q0);
    q0 += low;
    q1 += high + (q0 < low ? 1 : 0) + 1;
    Word r = low - q1 * divisor;
    if (r > q0) {
      --q1;
      r += divisor;
    }
    if (r >= divisor) [[unlikely]] {
      ++q1;
      r -= divisor;
    }
    remainder = r;
    return q1;
  }
};

/// Gives one unit to each of the `count` largest remainders; equal ones: the lower index first.
template <class Word>
void give_rest(std::size_t count, std::span<const Word> remainders, std::span<Amount> amounts,
               ApportionScratch& scratch) {
  constexpr int kShift = kBits<Word> - kBinBits;
  const std::size_t n = remainders.size();
  auto& candidates = scratch.candidates;
  candidates.clear();
  if (n <= kFew) {
    for (std::size_t i = 0; i < n; ++i) candidates.push_back(static_cast<std::uint32_t>(i));
  } else {
    std::size_t bin = kBins, above = 0;
    while (above + scratch.histogram[bin - 1] < count) above += scratch.histogram[--bin];
    --bin;  // the bin of the last one
    for (std::size_t i = 0; i < n; ++i) {
      const auto its = static_cast<std::size_t>(remainders[i] >> kShift);
      amounts[i] += its > bin ? 1 : 0;
      if (its == bin) candidates.push_back(static_cast<std::uint32_t>(i));
    }
    count -= above;
  }
  const auto last = candidates.begin() + static_cast<std::ptrdiff_t>(count);
  if (last != candidates.end()) {
    std::nth_element(candidates.begin(), last, candidates.end(), [&](std::uint32_t a, std::uint32_t b) {
      return remainders[a] != remainders[b] ? remainders[a] > remainders[b] : a < b;
    });
  }
  for (auto i = candidates.begin(); i != last; ++i) ++amounts[*i];
}

/// budget = whole x total + rest, so that quota_i = whole x weight_i + rest x weight_i / total, the last in two words.
template <class Word>
void divide(Amount budget, Wide total, std::span<const Amount> weights, std::span<Amount> amounts,
            std::vector<Word>& remainders, ApportionScratch& scratch) {
  const Wide whole = static_cast<Wide>(budget) / total;
  const int shift = leading_zeros(static_cast<Word>(total));
  const Divider<Word> divider(static_cast<Word>(total) << shift);
  // Shifted with the divisor; the remainders come out shifted too, which keeps their order.
  const Word rest = static_cast<Word>(static_cast<Wide>(budget) - whole * total) << shift;
  const std::size_t n = weights.size();
  const bool binned = n > kFew;
  remainders.resize(n);
  if (binned) scratch.histogram.assign(kBins, 0);
  Wide given = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const Wide weight = static_cast<Wide>(weights[i]);
    Word low = 0, remainder = 0;
    const Word high = product(rest, static_cast<Word>(weight), low);
    const Wide amount = whole * weight + divider.divide(high, low, remainder);
    remainders[i] = remainder;
    amounts[i] = static_cast<Amount>(amount);
    given += amount;
    if (binned) ++scratch.histogram[static_cast<std::size_t>(remainder >> (kBits<Word> - kBinBits))];
  }
  const auto left = static_cast<std::size_t>(static_cast<Wide>(budget) - given);
  HOMEOSTAT_CHECK(left < n);
  if (left > 0) give_rest<Word>(left, remainders, amounts, scratch);
}

Result<> check_sizes(Amount budget, std::size_t weights, std::size_t amounts) {
  if (auto ok = require_amount("budget", budget); !ok) return ok;
  if (weights == 0) return fail(ErrorCode::missing, "weights", "must have at least one element");
  if (weights > kParticipantsMax) {
    return fail(ErrorCode::out_of_range, "weights",
                "must be at most " + std::to_string(kParticipantsMax) + ", are " + std::to_string(weights));
  }
  return require_same_size("amounts", amounts, "weights", weights);
}

tl::unexpected<Error> all_zero(std::string_view name) {
  return fail(ErrorCode::missing, std::string(name), "must have one above 0");
}

}  // namespace

Result<> apportion(Amount budget, std::span<const Amount> weights, std::span<Amount> amounts,
                   ApportionScratch& scratch) {
  if (auto ok = check_sizes(budget, weights.size(), amounts.size()); !ok) return ok;
  Wide total = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (!is_amount(weights[i])) [[unlikely]] {
      return require_amount("weights[" + std::to_string(i) + "]", weights[i]);
    }
    total += static_cast<Wide>(weights[i]);
  }
  if (total == 0) return all_zero("weights");
  if (total >> 64 == 0) {
    divide<Narrow>(budget, total, weights, amounts, scratch.narrow, scratch);
  } else {
    divide<Wide>(budget, total, weights, amounts, scratch.wide, scratch);
  }
  return {};
}

Result<> integer_weights(std::string_view name, std::span<const double> weights, std::vector<Amount>& out) {
  double largest = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (!is_in(weights[i], {})) [[unlikely]]
      return require_each(name, weights, {});
    largest = std::max(largest, weights[i]);
  }
  if (largest == 0) return all_zero(name);
  int exponent = 0;
  (void)std::frexp(largest, &exponent);  // largest < 2^exponent
  out.resize(weights.size());
  const int shift = kDoubleBits + 1 - exponent;
  const double scale = std::ldexp(1.0, shift);
  const bool is_plain = std::isfinite(scale);  // a power of two: multiplying by it is what ldexp does, and faster
  for (std::size_t i = 0; i < weights.size(); ++i) {
    out[i] = static_cast<std::int64_t>(is_plain ? weights[i] * scale : std::ldexp(weights[i], shift));
  }
  return {};
}

Result<> apportion(Amount budget, std::span<const double> weights, std::span<Amount> amounts,
                   ApportionScratch& scratch) {
  if (auto ok = check_sizes(budget, weights.size(), amounts.size()); !ok) return ok;
  if (auto ok = integer_weights("weights", weights, scratch.weights); !ok) return ok;
  return apportion(budget, scratch.weights, amounts, scratch);
}

Result<std::vector<Amount>> apportion(Amount budget, std::span<const Amount> weights) {
  ApportionScratch scratch;
  std::vector<Amount> amounts(weights.size());
  if (auto ok = apportion(budget, weights, amounts, scratch); !ok) return tl::make_unexpected(std::move(ok.error()));
  return amounts;
}

Result<std::vector<Amount>> apportion(Amount budget, std::span<const double> weights) {
  ApportionScratch scratch;
  std::vector<Amount> amounts(weights.size());
  if (auto ok = apportion(budget, weights, amounts, scratch); !ok) return tl::make_unexpected(std::move(ok.error()));
  return amounts;
}

}  // namespace homeostat::economy::tokenomics
