// Windows remember partial sums; whatever happens in between, the result has the bits of adding all buckets up at once.
#include "oracle/window.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <map>

#include "core/archive.hpp"
#include "core/random.hpp"
#include "tests/unit/oracle/fixture.hpp"

namespace homeostat::oracle {
namespace {

using testing::at;

/// Every bucket that ever was, added up anew for each question.
class Reference {
 public:
  explicit Reference(TimeGrid grid) : grid_(grid) {}

  void add(Instant t, double value) {
    const std::int64_t index = grid_.index(t);
    newest_ = buckets_.empty() ? index : std::max(newest_, index);
    if (index <= newest_ - grid_.size()) return;
    buckets_[index].sum += value;
    ++buckets_[index].count;
  }
  [[nodiscard]] SumWindow::Total total(Instant t) const {
    SumWindow::Total total;
    if (buckets_.empty()) return total;
    const std::int64_t last = std::max(grid_.index(t), newest_);
    for (std::int64_t i = last - grid_.size() + 1; i <= newest_; ++i) {
      const auto found = buckets_.find(i);
      total.sum += found == buckets_.end() ? 0 : found->second.sum;
      total.count += found == buckets_.end() ? 0 : found->second.count;
    }
    return total;
  }

 private:
  TimeGrid grid_;
  std::int64_t newest_ = 0;
  std::map<std::int64_t, SumWindow::Total> buckets_;
};

TEST(Window, HasTheBitsOfAddingAllBucketsUpAnewInWhateverOrderValuesAndQuestionsCome) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const TimeGrid grid(Duration::seconds(40), 1 + static_cast<std::uint32_t>(random.next_u64() % 40));
    SumWindow window(grid);
    Reference reference(grid);
    double now = 0;
    for (int step = 0; step < 3000; ++step) {
      const std::uint64_t what = random.next_u64() % 100;
      if (what < 50) now += static_cast<double>(random.next_u64() % 1000) / 1000;
      if (what == 50) now += static_cast<double>(random.next_u64() % 100);
      // Mostly now, sometimes late; values whose sum depends on the order in which they are added.
      const double late = what % 10 == 0 ? static_cast<double>(random.next_u64() % 60) : 0;
      const double value = static_cast<double>(random.next_u64() % 1'000'000'007) / 3.0e5;
      if (what % 3 != 0) {
        window.add(at(now - late), value);
        reference.add(at(now - late), value);
      }
      if (what == 99) {
        Writer writer;
        writer(window);
        const std::string bytes = writer.take();
        Reader reader(bytes);
        reader(window);
        ASSERT_TRUE(reader.is_done());
      }
      // A question may also be of a moment that is past, or ahead of all values.
      const double asked = what % 7 == 0 ? now + static_cast<double>(random.next_u64() % 50) - 10 : now;
      const SumWindow::Total got = window.total(at(asked));
      const SumWindow::Total expected = reference.total(at(asked));
      ASSERT_EQ(got.count, expected.count);
      ASSERT_EQ(std::bit_cast<std::uint64_t>(got.sum), std::bit_cast<std::uint64_t>(expected.sum)) << "step " << step;
    }
  }
}

}  // namespace
}  // namespace homeostat::oracle
