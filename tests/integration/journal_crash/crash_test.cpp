// Processes that die: by kill -9 at any point, and by a disk that refuses a flush or a write.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "daemon/journal/journal.hpp"
#include "tests/integration/journal_crash/content.hpp"

namespace homeostat::journal {
namespace {

struct CrashTest : testing::Test {
  CrashTest() {
    std::string name = (std::filesystem::temp_directory_path() / "journal-crash-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    directory = name;
    // The leak check of a traced process cannot work.
    ::setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
  }
  ~CrashTest() override { std::filesystem::remove_all(directory); }

  [[nodiscard]] std::filesystem::path journal_directory() const { return directory / "journal"; }
  [[nodiscard]] std::filesystem::path stderr_file() const { return directory / "stderr"; }

  std::filesystem::path directory;
};

/// A started program with its stdout as a pipe of 8-byte numbers.
class Child {
 public:
  Child(std::vector<std::string> command, const std::filesystem::path& stderr_file) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, stderr_file.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
    std::vector<char*> arguments;
    for (std::string& argument : command) arguments.push_back(argument.data());
    arguments.push_back(nullptr);
    EXPECT_EQ(::posix_spawn(&pid_, arguments[0], &actions, nullptr, arguments.data(), environ), 0) << command[0];
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    pipe_ = ends[0];
  }
  ~Child() {
    if (pid_ > 0) {
      kill_now();
      wait_status();
    }
    ::close(pipe_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// False at the end of the pipe.
  bool next(std::uint64_t& seq) { return ::read(pipe_, &seq, sizeof seq) == sizeof seq; }
  void kill_now() { ::kill(pid_, SIGKILL); }
  int wait_status() {
    int status = 0;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    return status;
  }

 private:
  pid_t pid_ = -1;
  int pipe_ = -1;
};

/// Sees each write to a file of a directory, between the steps of a commit too.
class Writes {
 public:
  explicit Writes(const std::filesystem::path& directory) : watch_(::inotify_init1(IN_CLOEXEC)) {
    EXPECT_GE(::inotify_add_watch(watch_, directory.c_str(), IN_MODIFY | IN_CREATE), 0) << directory;
  }
  ~Writes() { ::close(watch_); }
  Writes(const Writes&) = delete;
  Writes& operator=(const Writes&) = delete;

  /// Returns after `count` more of them; false if they stay away for ten seconds.
  bool wait_for(std::uint64_t count) {
    for (std::uint64_t seen = 0; seen < count;) {
      pollfd ready{watch_, POLLIN, 0};
      if (::poll(&ready, 1, 10'000) != 1) return false;
      alignas(inotify_event) char events[4096];
      const ssize_t size = ::read(watch_, events, sizeof events);
      for (ssize_t at = 0; at < size; ++seen) {
        at += static_cast<ssize_t>(sizeof(inotify_event) + reinterpret_cast<const inotify_event*>(events + at)->len);
      }
    }
    return true;
  }

 private:
  int watch_;
};

std::string read_text(const std::filesystem::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// Every kept input is the one that was appended under its number, none is missing; the last one.
std::uint64_t checked_last_seq(const std::filesystem::path& directory) {
  auto reader = JournalReader::open(directory);
  EXPECT_TRUE(reader) << (reader ? "" : reader.error().text());
  if (!reader) return 0;
  const auto report = reader->verify();
  EXPECT_TRUE(report) << (report ? "" : report.error().text());
  if (!report || report->last_seq == 0) return 0;
  std::uint64_t expected = report->first_seq;
  const auto read = reader->read(report->first_seq, [&](std::uint64_t seq, std::string_view input) {
    EXPECT_EQ(seq, expected);
    EXPECT_EQ(input, crash_input(seq)) << seq;
    return seq == expected++ && !testing::Test::HasFailure();
  });
  EXPECT_TRUE(read) << (read ? "" : read.error().text());
  return report->last_seq;
}

TEST_F(CrashTest, NothingReportedDurableIsLostByKill9) {
  const char* given = std::getenv("JOURNAL_KILL_ROUNDS");
  const int rounds = given != nullptr ? std::atoi(given) : 30;
  const unsigned seed = std::random_device{}();
  std::printf("seed %u, %d rounds\n", seed, rounds);
  std::mt19937 random(seed);
  std::uint64_t reported = 0;
  for (int round = 0; round < rounds; ++round) {
    std::filesystem::create_directories(journal_directory());
    Writes writes(journal_directory());
    Child child({CHILD_PROGRAM, journal_directory(), round % 3 == 0 ? "steps" : "flood"}, stderr_file());
    // From before it has opened to some hundred commits later; then some writes more, which end within any step of one.
    const auto reports = random() % 200;
    const auto writes_more = random() % 12;
    std::uint64_t seq = 0;
    for (std::uint64_t i = 0; i < reports && child.next(seq); ++i) {
      ASSERT_GE(seq, reported) << "seed " << seed << ", round " << round;
      reported = seq;
    }
    ASSERT_TRUE(writes.wait_for(writes_more)) << "seed " << seed << ", round " << round;
    child.kill_now();
    while (child.next(seq)) reported = std::max(reported, seq);
    const int status = child.wait_status();
    ASSERT_TRUE(WIFSIGNALED(status)) << "it ended by itself: " << read_text(stderr_file());
    if (!std::filesystem::exists(journal_directory() / kFileName)) continue;
    if (reported == 0) continue;  // perhaps not even the tables
    ASSERT_GE(checked_last_seq(journal_directory()), reported) << "seed " << seed << ", round " << round;
    ASSERT_FALSE(HasFailure()) << "seed " << seed << ", round " << round;
  }
  EXPECT_GT(reported, 0U);
}

/// Runs the child under strace with `injection`; it must end by itself as after a fatal error.
struct Outcome {
  std::uint64_t reported = 0;
  std::string complaint;
  int status = 0;
};
Outcome run_injected(const CrashTest& test, const std::string& call, const std::string& injection) {
  Child child({STRACE_PROGRAM, "-f", "-o", test.directory / "trace", "-e", "trace=" + call, "-e", "inject=" + injection,
               CHILD_PROGRAM, test.journal_directory(), "steps"},
              test.stderr_file());
  Outcome outcome;
  std::uint64_t seq = 0;
  while (child.next(seq)) outcome.reported = std::max(outcome.reported, seq);
  outcome.status = child.wait_status();
  outcome.complaint = read_text(test.stderr_file());
  return outcome;
}

void expect_fatal(const CrashTest& test, const Outcome& outcome) {
  EXPECT_TRUE(WIFEXITED(outcome.status));
  EXPECT_EQ(WEXITSTATUS(outcome.status), kFatalExitCode) << outcome.complaint;
  EXPECT_NE(outcome.complaint.find("FATAL"), std::string::npos) << outcome.complaint;
  EXPECT_NE(outcome.complaint.find("Nothing after input " + std::to_string(outcome.reported) + " was acknowledged"),
            std::string::npos)
      << outcome.complaint << "reported: " << outcome.reported;
  EXPECT_GT(outcome.reported, 0U);
  EXPECT_GE(checked_last_seq(test.journal_directory()), outcome.reported);
}

TEST_F(CrashTest, AFailedFlushEndsTheProcessBeforeTheNextReport) {
  // Only that one flush fails: the next would "succeed", as it does after a real error. (Counted by thread.)
  for (const int when : {20, 45, 90}) {
    const Outcome outcome = run_injected(*this, "fdatasync", "fdatasync:error=EIO:when=" + std::to_string(when));
    expect_fatal(*this, outcome);
    // A commit's own flush it was, not one of the housekeeping. (One without inputs carries decisions alone.)
    const std::string inputs = "cannot write inputs " + std::to_string(outcome.reported + 1) + "..";
    EXPECT_TRUE(outcome.complaint.find(inputs) != std::string::npos ||
                outcome.complaint.find("cannot write decisions") != std::string::npos)
        << outcome.complaint;
    EXPECT_NE(outcome.complaint.find("SQLITE_IOERR"), std::string::npos) << outcome.complaint;
    EXPECT_NE(outcome.complaint.find("not tried again"), std::string::npos) << outcome.complaint;
    ASSERT_FALSE(HasFailure()) << "at flush " << when;
  }
}

TEST_F(CrashTest, AFullDiskEndsTheProcessAndSaysWhatToDo) {
  const Outcome outcome = run_injected(*this, "pwrite64", "pwrite64:error=ENOSPC:when=60+");
  expect_fatal(*this, outcome);
  EXPECT_NE(outcome.complaint.find("The disk is full"), std::string::npos) << outcome.complaint;
  EXPECT_NE(outcome.complaint.find("Free space there"), std::string::npos) << outcome.complaint;
  // With space again it starts and goes on.
  Child child({CHILD_PROGRAM, journal_directory(), "steps"}, stderr_file());
  std::uint64_t seq = 0;
  while (seq < outcome.reported + 20) ASSERT_TRUE(child.next(seq)) << read_text(stderr_file());
}

TEST_F(CrashTest, ADiskThatCannotBeReadIsAStartUpErrorNotAnEmptyJournal) {
  {
    Child child({CHILD_PROGRAM, journal_directory(), "steps"}, stderr_file());
    std::uint64_t seq = 0;
    while (seq < 20) ASSERT_TRUE(child.next(seq));
  }
  const Outcome outcome = run_injected(*this, "pread64", "pread64:error=EIO:when=5+");
  EXPECT_TRUE(WIFEXITED(outcome.status));
  EXPECT_NE(WEXITSTATUS(outcome.status), 0);
  EXPECT_EQ(outcome.reported, 0U) << "nothing may be reported by a journal that did not open";
  EXPECT_GE(checked_last_seq(journal_directory()), 20U);
}

}  // namespace
}  // namespace homeostat::journal
