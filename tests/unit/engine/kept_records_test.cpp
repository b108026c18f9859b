#include "engine/kept_records.hpp"

#include <gtest/gtest.h>

#include <map>

#include "core/archive.hpp"
#include "core/random.hpp"

namespace homeostat::engine {
namespace {

DecisionRecord record(std::uint64_t id) {
  DecisionRecord r;
  r.id = id;
  r.slot = 7 * id;
  r.parameter = "fee " + std::to_string(id);
  return r;
}

// Beside the plainest thing that does the same.
TEST(KeptRecords, AreWhatAMapOfThemWouldBe) {
  Random random(7);
  KeptRecords kept;
  std::map<std::uint64_t, DecisionRecord> map;
  std::uint64_t next = 1;
  const auto is_needed = [](const DecisionRecord& r) { return r.answer == Answer::waiting; };
  for (int round = 0; round < 3000; ++round) {
    for (std::uint64_t n = random.below(12); n-- > 0; next += 1 + (random.chance(0.3) ? random.below(40) : 0)) {
      DecisionRecord r = record(next);
      if (random.chance(0.3)) r.answer = Answer::waiting;
      kept.put(r);
      map.emplace(next, r);
    }
    if (!map.empty() && random.chance(0.5)) {  // one is answered
      const auto it = std::next(map.begin(), static_cast<std::ptrdiff_t>(random.below(map.size())));
      it->second.answer = kept.at(it->first).answer = Answer::applied;
      kept.put(kept.at(it->first));
    }
    const std::size_t left = random.below(60);
    kept.forget(left, is_needed);
    for (auto it = map.begin(); map.size() > left && it != map.end();) {
      it = is_needed(it->second) ? std::next(it) : map.erase(it);
    }
    ASSERT_EQ(kept.size(), map.size());
    for (std::uint64_t id = next > 80 ? next - 80 : 0; id <= next; ++id) {
      const DecisionRecord* found = kept.find(id);
      ASSERT_EQ(found != nullptr, map.contains(id)) << id;
      if (found != nullptr) ASSERT_EQ(found->slot, 7 * id);
    }
    if (round % 100 == 0) ASSERT_EQ(archive_bytes(kept), archive_bytes(map));
  }
}

TEST(KeptRecords, AreReadBackAsTheyWereAndRefusedOutOfOrder) {
  KeptRecords kept;
  for (const std::uint64_t id : {3, 4, 9}) kept.put(record(id));
  const std::string bytes = archive_bytes(kept);
  KeptRecords read;
  Reader reader(bytes);
  reader(read);
  EXPECT_TRUE(reader.is_done());
  EXPECT_EQ(archive_bytes(read), bytes);

  Writer twice;
  twice.varint(2);
  for (int i = 0; i < 2; ++i) twice(std::uint64_t{4}), twice(record(4));
  Reader wrong(twice.bytes());
  wrong(read);
  EXPECT_FALSE(wrong.ok());
}

}  // namespace
}  // namespace homeostat::engine
