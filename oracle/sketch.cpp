#include "oracle/sketch.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "core/check.hpp"

namespace homeostat::oracle {
namespace {

/// A fixed bijective mix of 64 bits (the finaliser of SplitMix64).
std::uint64_t mixed(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

// The two series of [Ertl 2017]; both end when the sum stops changing, within some 60 steps.
double sigma(double x) {
  if (x == 1) return std::numeric_limits<double>::infinity();
  double y = 1;
  double z = x;
  for (double before = -1; z != before;) {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  }
  return z;
}

double tau(double x) {
  if (x == 0 || x == 1) return 0;
  double y = 1;
  double z = 1 - x;
  for (double before = -1; z != before;) {
    x = std::sqrt(x);
    before = z;
    y *= 0.5;
    z -= (1 - x) * (1 - x) * y;
  }
  return z / 3;
}

std::uint64_t little_endian(const std::uint8_t* bytes) {
  std::uint64_t x = 0;
  for (int i = 7; i >= 0; --i) x = x << 8 | bytes[i];
  return x;
}

/// SipHash-2-4 of 32 bytes.
std::uint64_t sip_hash(const Word& word, const HashKey& key) {
  const std::uint64_t k0 = little_endian(key.data());
  const std::uint64_t k1 = little_endian(key.data() + 8);
  std::uint64_t a = k0 ^ 0x736f6d6570736575ULL;
  std::uint64_t b = k1 ^ 0x646f72616e646f6dULL;
  std::uint64_t c = k0 ^ 0x6c7967656e657261ULL;
  std::uint64_t d = k1 ^ 0x7465646279746573ULL;
  const auto round = [&] {
    a += b, b = std::rotl(b, 13) ^ a, a = std::rotl(a, 32);
    c += d, d = std::rotl(d, 16) ^ c;
    a += d, d = std::rotl(d, 21) ^ a;
    c += b, b = std::rotl(b, 17) ^ c, c = std::rotl(c, 32);
  };
  const auto absorb = [&](std::uint64_t m) {
    d ^= m;
    round(), round();
    a ^= m;
  };
  for (std::size_t i = 0; i < word.size(); i += 8) absorb(little_endian(word.data() + i));
  absorb(std::uint64_t{word.size()} << 56);
  c ^= 0xff;
  round(), round(), round(), round();
  return a ^ b ^ c ^ d;
}

}  // namespace

std::uint64_t sketch_hash(const Word& word, const std::optional<HashKey>& key) {
  if (key) return sip_hash(word, *key);
  std::uint64_t h = 0;
  for (std::size_t i = 0; i < word.size(); i += 8) {
    std::uint64_t limb = 0;
    for (std::size_t j = 0; j < 8; ++j) limb = limb << 8 | word[i + j];
    h = mixed((h ^ limb) + 0x9e3779b97f4a7c15ULL);
  }
  return h;
}

SlidingSketch::SlidingSketch(TimeGrid grid) : grid_(grid) {
  HOMEOSTAT_CHECK(grid.size() <= std::int64_t{1} << kSlotBits);
}

void SlidingSketch::add(std::int64_t bucket, std::uint64_t hash) {
  if (empty()) {
    newest_ = bucket;
    newest_slot_ = static_cast<std::int64_t>(grid_.slot(bucket));
    groups_.resize(kGroups);
    tops_.assign(kRegisters, 0);
  } else {
    advance(bucket);
    if (empty()) return add(bucket, hash);
  }
  const std::int64_t age = newest_ - bucket;
  if (age >= grid_.size()) return;
  const std::size_t index = hash >> (64 - kIndexBits);
  const int rank = std::min(std::countl_zero(hash << kIndexBits), 64 - kIndexBits) + 1;
  if (rank <= tops_[index]) return;
  if (age == 0) tops_[index] = static_cast<std::uint8_t>(rank);
  const auto in_group = static_cast<std::uint32_t>(index % kGroupRegisters);
  insert(index / kGroupRegisters, in_group << 6 | static_cast<std::uint32_t>(63 - rank), age);
}

void SlidingSketch::insert(std::size_t group, std::uint32_t key, std::int64_t age) {
  std::vector<Entry>& entries = groups_[group];
  const auto first = std::lower_bound(entries.begin(), entries.end(), key << kSlotBits);
  const auto is_of_register = [&](Entry e) { return register_of(e) == key >> 6; };
  // Higher ranks come before, the newest of them last; an equal one, if any, is `first` itself.
  if (first != entries.begin() && is_of_register(first[-1]) && age_of(first[-1]) <= age) return;
  if (first != entries.end() && *first >> kSlotBits == key && age_of(*first) <= age) return;
  auto last = first;
  while (last != entries.end() && is_of_register(*last) && age_of(*last) >= age) ++last;
  const std::int64_t slot = newest_slot_ >= age ? newest_slot_ - age : newest_slot_ - age + grid_.size();
  const Entry entry = key << kSlotBits | static_cast<Entry>(slot);
  if (first == last) {
    entries.insert(first, entry);
    return;
  }
  *first = entry;
  entries.erase(first + 1, last);
}

void SlidingSketch::advance(std::int64_t bucket) {
  if (empty() || bucket <= newest_) return;
  const std::int64_t oldest_age = grid_.size() - (bucket - newest_);  // from here on they fall out
  bool is_left = false;
  for (std::vector<Entry>& entries : groups_) {
    std::erase_if(entries, [&](Entry e) { return age_of(e) >= oldest_age; });
    is_left = is_left || !entries.empty();
  }
  newest_ = bucket;
  newest_slot_ = static_cast<std::int64_t>(grid_.slot(bucket));
  forget_tops();
  if (!is_left) *this = SlidingSketch(grid_);
}

void SlidingSketch::merge(const SlidingSketch& other) {
  HOMEOSTAT_CHECK(grid_ == other.grid_);
  if (other.empty()) return;
  advance(other.newest_);
  if (empty()) {
    *this = other;
    return;
  }
  for (std::size_t group = 0; group < kGroups; ++group) {
    for (const Entry e : other.groups_[group]) {
      const std::int64_t age = newest_ - other.newest_ + other.age_of(e);
      if (age < grid_.size()) insert(group, e >> kSlotBits, age);
    }
  }
}

SlidingSketch::Histogram SlidingSketch::histogram() const {
  Histogram histogram{};
  int hit = 0;
  for (const std::vector<Entry>& entries : groups_) {
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (i > 0 && register_of(entries[i]) == register_of(entries[i - 1])) continue;
      ++histogram[static_cast<std::size_t>(rank_of(entries[i]))];
      ++hit;
    }
  }
  histogram[0] = static_cast<int>(kRegisters) - hit;
  return histogram;
}

double SlidingSketch::estimate_of(const Histogram& histogram) {
  constexpr double kSize = kRegisters;
  double z = kSize * tau(1 - histogram[kRankMax] / kSize);
  for (std::size_t rank = kRankMax - 1; rank >= 1; --rank) z = 0.5 * (z + histogram[rank]);
  z += kSize * sigma(histogram[0] / kSize);
  constexpr double kAlpha = 0.7213475204444817;  // 1 / (2 ln 2)
  return kAlpha * kSize * kSize / z;
}

std::size_t SlidingSketch::memory_bytes() const {
  std::size_t bytes = sizeof(*this) + tops_.capacity() + groups_.capacity() * sizeof(groups_[0]);
  for (const std::vector<Entry>& entries : groups_) bytes += entries.capacity() * sizeof(Entry);
  return bytes;
}

void SlidingSketch::forget_tops() {
  tops_.assign(empty() ? 0 : kRegisters, 0);
}

/// Of what was read from bytes; sets the slot that follows from it.
bool SlidingSketch::is_consistent() {
  if (newest_ < -kIndexMax || newest_ > kIndexMax) return false;
  newest_slot_ = empty() ? 0 : static_cast<std::int64_t>(grid_.slot(newest_));
  if (groups_.empty()) return newest_ == 0;
  const auto is_sound = [&](const std::vector<Entry>& entries) {
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const Entry e = entries[i];
      if (rank_of(e) < 1 || rank_of(e) > kRankMax) return false;
      if (static_cast<std::int64_t>(e & ((1u << kSlotBits) - 1)) >= grid_.size()) return false;
      if (i == 0 || register_of(entries[i - 1]) < register_of(e)) continue;
      if (register_of(entries[i - 1]) > register_of(e)) return false;
      if (rank_of(entries[i - 1]) <= rank_of(e) || age_of(entries[i - 1]) <= age_of(e)) return false;
    }
    return true;
  };
  return groups_.size() == kGroups && std::all_of(groups_.begin(), groups_.end(), is_sound) &&
         std::any_of(groups_.begin(), groups_.end(), [](const auto& entries) { return !entries.empty(); });
}

}  // namespace homeostat::oracle
