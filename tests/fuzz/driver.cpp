// Runs a fuzz target over the files of a corpus, and over every prefix and some single-byte changes of each:
// a small, repeatable share of what the fuzzer would try.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

void run(const std::vector<std::uint8_t>& bytes) {
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

std::size_t run_variants(std::vector<std::uint8_t> bytes) {
  std::size_t runs = 1;
  run(bytes);
  // About 400 positions of each kind, so that a large file does not take longer than a small one.
  const std::size_t step = bytes.size() / 400 + 1;
  for (std::size_t i = 0; i < bytes.size(); i += step) {
    run({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(i)});
    for (const std::uint8_t change : {0x01, 0x80, 0xff}) {
      bytes[i] ^= change;
      run(bytes);
      bytes[i] ^= change;
    }
    runs += 4;
  }
  return runs;
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t files = 0;
  std::size_t runs = 0;
  for (int i = 1; i < argc; ++i) {
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      std::ifstream file(entry.path(), std::ios::binary);
      runs += run_variants({std::istreambuf_iterator<char>(file), {}});
      ++files;
    }
  }
  std::printf("%zu files, %zu inputs\n", files, runs);
  return files > 0 ? 0 : 1;
}
