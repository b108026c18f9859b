#include "cli/table.hpp"

#include <gtest/gtest.h>

namespace homeostat::cli {
namespace {

TEST(DisplayWidth, CountsTerminalColumnsNotBytes) {
  EXPECT_EQ(display_width("fee"), 3U);
  EXPECT_EQ(display_width("\u00e9t\u00e9"), 3U);         // two bytes each
  EXPECT_EQ(display_width("e\u0301"), 1U);               // a combining accent takes no column
  EXPECT_EQ(display_width("\u4ee3\u5e01"), 4U);          // ideographs take two
  EXPECT_EQ(display_width("\x1b[1;31mbad\x1b[0m"), 3U);  // colour takes none
  EXPECT_EQ(display_width("\xff\xfe"), 2U);              // malformed bytes count one each
}

TEST(Clip, MarksWhatWasCutAndNeverExceedsTheWidth) {
  EXPECT_EQ(clip("velocity", 8), "velocity");
  EXPECT_EQ(clip("velocity", 5), "velo\u2026");
  EXPECT_EQ(clip("\u4ee3\u5e01\u4ee3", 4), "\u4ee3\u2026");  // half an ideograph is not shown
  EXPECT_EQ(clip("velocity", 0), "");
}

TEST(Clip, EndsAColourThatItCut) {
  EXPECT_EQ(clip("\x1b[31mhalted\x1b[0m", 4), "\x1b[31mhal\u2026\x1b[0m");
}

TEST(Printable, DisarmsTerminalControlFromElsewhere) {
  EXPECT_EQ(printable("a\x1b[2Jb"), "a\uFFFD[2Jb");
  EXPECT_EQ(printable("a\x1b[31mb"), "a\uFFFDb");
  EXPECT_EQ(printable("a\nb"), "a\uFFFDb");
  EXPECT_EQ(printable("a\nb", Keep::lines), "a\nb");
  EXPECT_EQ(printable("fee\u202e"), "fee\uFFFD");  // right-to-left override hides what follows
  EXPECT_EQ(printable("\xc3"), "\uFFFD");
}

TEST(Table, AlignsColumnsAndLeavesNoTrailingBlanks) {
  Table table({{"NAME"}, {"VALUE", Align::right}, {"WHY"}});
  table.add({{"fee"}, {"0.0125"}, {"above"}});
  table.add({{"\u4ee3\u5e01"}, {"7"}});
  EXPECT_EQ(table.render({}),
            "NAME   VALUE  WHY\n"
            "fee   0.0125  above\n"
            "\u4ee3\u5e01       7\n");
}

TEST(Table, CutsOnlyTheLastColumnToTheTerminal) {
  Table table({{"NAME"}, {"WHY"}});
  table.add({{"transaction_fee"}, {"velocity is above its set-point"}});
  EXPECT_EQ(table.render({.width = 34}),
            "NAME             WHY\n"
            "transaction_fee  velocity is abov\u2026\n");
}

TEST(Table, KeepsSomeOfTheLastColumnOnAVeryNarrowTerminal) {
  Table table({{"NAME"}, {"WHY"}});
  table.add({{"transaction_fee"}, {"velocity is above its set-point"}});
  EXPECT_EQ(table.render({.width = 5}),
            "NAME             WHY\n"
            "transaction_fee  velocity is\u2026\n");
}

TEST(Table, ColoursOnlyWhenAsked) {
  Table table({{""}});
  table.add({{"halted", Tone::bad}});
  EXPECT_EQ(table.render({}), "halted\n");
  EXPECT_EQ(table.render({.colour = true}), "\x1b[1;31mhalted\x1b[0m\n");
}

}  // namespace
}  // namespace homeostat::cli
