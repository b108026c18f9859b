// Every file in tests/golden/config/good loads; every file in bad/ is refused with exactly the messages
// in the .txt beside it. After a deliberate change of messages, HOMEOSTAT_GOLDEN_UPDATE=1 writes them anew:
// read the difference before it is committed.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "config/config.hpp"

namespace homeostat::config {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> files_in(const std::string& folder) {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".yaml") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::string content(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string all(const std::vector<Diagnostic>& list) {
  std::string text;
  for (const Diagnostic& d : list) text += d.text() + "\n";
  return text;
}

std::optional<std::string> fixture_environment(std::string_view name) {
  if (name == "SPREAD") return "a, b: c";
  return std::nullopt;
}

struct Golden : testing::TestWithParam<fs::path> {};
std::string name_of(const testing::TestParamInfo<fs::path>& info) {
  return info.param.stem().string();
}

struct Good : Golden {};
TEST_P(Good, Loads) {
  const Loaded loaded = load_file(GetParam().string(), fixture_environment);
  EXPECT_TRUE(loaded) << all(loaded.error());
}

struct Bad : Golden {};
TEST_P(Bad, IsRefusedWithTheseMessages) {
  const fs::path path = GetParam();
  const Loaded loaded = load_text(content(path), path.filename().string(), fixture_environment);
  ASSERT_FALSE(loaded);
  const fs::path expected = fs::path(path).replace_extension(".txt");
  if (std::getenv("HOMEOSTAT_GOLDEN_UPDATE") != nullptr) std::ofstream(expected) << all(loaded.error());
  EXPECT_EQ(all(loaded.error()), content(expected));
}

INSTANTIATE_TEST_SUITE_P(Config, Good, testing::ValuesIn(files_in("tests/golden/config/good")), name_of);
INSTANTIATE_TEST_SUITE_P(Config, Bad, testing::ValuesIn(files_in("tests/golden/config/bad")), name_of);

}  // namespace
}  // namespace homeostat::config
