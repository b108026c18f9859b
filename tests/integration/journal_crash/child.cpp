// A writer to be killed: journal_crash_child DIRECTORY flood|steps
//
// Writes to stdout, 8 bytes each, every sequence number that is reported durable (first the one it starts
// from). `flood` appends as fast as the queue takes it; `steps` waits for each input. Never ends by itself.
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string_view>

#include "daemon/journal/journal.hpp"
#include "tests/integration/journal_crash/content.hpp"

namespace {

using namespace homeostat;
using namespace homeostat::journal;

void report(std::uint64_t seq) {
  if (::write(STDOUT_FILENO, &seq, sizeof seq) != sizeof seq) std::_Exit(3);
}

int run(const char* directory, bool one_by_one) {
  Settings settings{.directory = directory,
                    .retention = Duration::zero(),
                    .queue_max_bytes = 256 << 10,
                    .frame_max_bytes = 64 << 10,
                    .wal_restart_bytes = 256 << 10};
  auto opened = Journal::open(settings);
  if (!opened) {
    std::fprintf(stderr, "%s\n", opened.error().text().c_str());
    return 1;
  }
  Journal& journal = **opened;
  report(journal.durable_seq());
  journal.on_durable([](const Durable& durable) { report(durable.seq); });
  for (std::uint64_t next = journal.durable_seq() + 1;;) {
    if (!journal.append(crash_input(next))) {
      if (!journal.wait_durable(next - 1)) return 2;
      continue;
    }
    if (next % 10 == 0) {
      journal.put_decisions({{.id = next / 10, .seq = next, .parameter = "fee", .bytes = crash_input(next)}});
    }
    if (one_by_one && !journal.wait_durable(next)) return 2;
    const std::uint64_t durable = journal.durable_seq();
    if (next % 500 == 0) {
      journal.put_snapshot({.seq = durable, .policy_text = "p", .state = std::string(1'500'000, 's')});
    }
    ++next;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 4;
  return run(argv[1], std::string_view(argv[2]) == "steps");
}
