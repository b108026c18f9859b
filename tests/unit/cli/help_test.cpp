// Help, documentation and completion cover every command, because they are made of the same tree.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "harness.hpp"

namespace homeostat::cli::test {
namespace {

using Words = std::vector<std::string>;

/// The names listed under "Commands:" of a help text.
Words commands_in(const std::string& help) {
  Words names;
  std::istringstream lines(help);
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (line == "Commands:") {
      inside = true;
    } else if (inside && line.rfind("  ", 0) == 0) {
      names.push_back(line.substr(2, line.find(' ', 2) - 2));
    } else {
      inside = false;
    }
  }
  return names;
}

/// Every command with its words, groups included.
std::vector<Words> all_commands() {
  std::vector<Words> all;
  for (const std::string& name : commands_in(run_command({"--help"}).out)) {
    all.push_back({name});
    for (const std::string& sub : commands_in(run_command({name, "--help"}).out)) all.push_back({name, sub});
  }
  return all;
}

std::string joined(const Words& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

TEST(Help, OfEveryCommandHasAnExampleAndFitsAScreen) {
  const auto all = all_commands();
  EXPECT_GE(all.size(), 30U);
  for (Words words : all) {
    const std::string name = joined(words);
    words.push_back("--help");
    const Ran r = run_command(words);
    EXPECT_EQ(r.code, ExitCode::ok) << name;
    EXPECT_NE(r.out.find("\nExamples:\n"), std::string::npos) << name;
    EXPECT_NE(r.out.find("homeostat " + name), std::string::npos) << name << ": the example shows another command";
    EXPECT_LE(std::count(r.out.begin(), r.out.end(), '\n'), 40) << name;
  }
}

TEST(Help, OfTheRootFitsAScreen) {
  const Ran r = run_command({"--help"});
  EXPECT_EQ(r.code, ExitCode::ok);
  EXPECT_LE(std::count(r.out.begin(), r.out.end(), '\n'), 48) << r.out;
}

TEST(Help, CommandAndOptionPrintTheSame) {
  EXPECT_EQ(run_command({"help", "guardian", "pause"}).out, run_command({"guardian", "pause", "--help"}).out);
}

TEST(Help, ListsEveryExitCode) {
  expect_golden("exit_codes.txt", run_command({"help", "exit-codes"}).out);
}

TEST(Documentation, NamesEveryCommandAndPrintsTheExitCodes) {
  std::ifstream file("docs/cli.md");
  const std::string text(std::istreambuf_iterator<char>(file), {});
  for (const Words& words : all_commands()) {
    EXPECT_NE(text.find("`homeostat " + joined(words)), std::string::npos) << joined(words);
  }
  EXPECT_NE(text.find(run_command({"help", "exit-codes"}).out), std::string::npos);
}

class Completion : public ::testing::TestWithParam<const char*> {};

TEST_P(Completion, KnowsEveryCommand) {
  const Ran r = run_command({"completion", GetParam()});
  EXPECT_EQ(r.code, ExitCode::ok);
  for (const Words& words : all_commands()) {
    EXPECT_NE(r.out.find(" " + joined(words)), std::string::npos) << joined(words);
  }
}

INSTANTIATE_TEST_SUITE_P(All, Completion, ::testing::Values("bash", "zsh", "fish"));

/// What a shell script prints.
std::string output_of(const std::string& command) {
  std::string out;
  FILE* pipe = popen(command.c_str(), "r");
  char buffer[512];
  while (std::fgets(buffer, sizeof buffer, pipe) != nullptr) out += buffer;
  pclose(pipe);
  return out;
}

TEST(BashCompletion, IsValidAndCompletesSubcommands) {
  const std::string script =
      (std::filesystem::temp_directory_path() / ("homeostat_completion_" + std::to_string(getpid()))).string();
  std::ofstream(script)
      << run_command({"completion", "bash"}).out
      << "COMP_WORDS=(homeostat guardian pau); COMP_CWORD=2; _homeostat; echo \"${COMPREPLY[*]}\"\n"
      << "COMP_WORDS=(homeostat --json st); COMP_CWORD=2; _homeostat; echo \"${COMPREPLY[*]}\"\n"
      << "COMP_WORDS=(homeostat guardian emergency o); COMP_CWORD=3; _homeostat; echo \"${COMPREPLY[*]}\"\n";
  EXPECT_EQ(std::system(("bash -n " + script).c_str()), 0);
  EXPECT_EQ(output_of("bash -c 'complete() { :; }; source " + script + "'"), "pause\nstatus\non off\n");
  std::filesystem::remove(script);
}

}  // namespace
}  // namespace homeostat::cli::test
