// Every command against a real gRPC server with fixed data: what it prints, to the letter, and how it ends.
#include <gtest/gtest.h>

#include <filesystem>

#include "fake_daemon.hpp"
#include "harness.hpp"

namespace homeostat::cli::test {
namespace {

using Words = std::vector<std::string>;
using ::testing::Test;

class Commands : public Test {
 protected:
  static void SetUpTestSuite() { daemon = std::make_unique<FakeDaemon>(); }
  static void TearDownTestSuite() { daemon.reset(); }

  static Ran run(Words words, const Terminal& terminal = {}) {
    words.insert(words.end(), {"--endpoint", daemon->endpoint()});
    return run_command(words, terminal);
  }
  static std::unique_ptr<FakeDaemon> daemon;
};
std::unique_ptr<FakeDaemon> Commands::daemon;

struct Golden {
  const char* name;
  Words words;
};

class ReadCommand : public Commands, public ::testing::WithParamInterface<Golden> {};

TEST_P(ReadCommand, PrintsATableForPeople) {
  const Ran r = run(GetParam().words);
  EXPECT_EQ(r.code, ExitCode::ok) << r.err;
  expect_golden(std::string(GetParam().name) + ".txt", r.out);
}

TEST_P(ReadCommand, PrintsOnlyJsonOnStdoutForPrograms) {
  Words words = GetParam().words;
  words.push_back("--json");
  const Ran r = run(words);
  EXPECT_EQ(r.code, ExitCode::ok) << r.err;
  expect_golden(std::string(GetParam().name) + ".json", r.out);
}

INSTANTIATE_TEST_SUITE_P(All, ReadCommand,
                         ::testing::Values(Golden{"status", {"status"}}, Golden{"metrics", {"metrics"}},
                                           Golden{"loops", {"loops"}}, Golden{"parameters", {"parameters"}},
                                           Golden{"one_parameter", {"parameters", "transaction_fee"}},
                                           Golden{"sources", {"sources"}}, Golden{"adjustments", {"adjustments"}},
                                           Golden{"explain", {"explain", "17"}}, Golden{"preview", {"preview"}},
                                           Golden{"config", {"config"}}, Golden{"backup", {"backup"}},
                                           Golden{"watch", {"watch", "--events", "3"}}),
                         [](const auto& p) { return std::string(p.param.name); });

TEST_F(Commands, DrawAPanelOnATerminalThatFitsIt) {
  const Ran r = run({"watch", "--events", "3"}, {.is_terminal = true, .columns = 60, .rows = 12});
  EXPECT_EQ(r.code, ExitCode::ok) << r.err;
  EXPECT_EQ(r.out.rfind("\x1b[2J\x1b[H", 0), 0U);
  EXPECT_EQ(std::count(r.out.begin(), r.out.end(), '\n'), 11);
}

TEST_F(Commands, ColourOnlyOnATerminalAndNotAgainstNoColor) {
  const Terminal terminal{.is_terminal = true, .columns = 200, .rows = 50};
  EXPECT_NE(run({"status"}, terminal).out.find("\x1b[33mdegraded"), std::string::npos);
  EXPECT_EQ(run({"status"}).out.find('\x1b'), std::string::npos);
  EXPECT_EQ(run({"status", "--no-color"}, terminal).out.find('\x1b'), std::string::npos);
  Terminal plain = terminal;
  plain.environment["NO_COLOR"] = "1";
  EXPECT_EQ(run({"status"}, plain).out.find('\x1b'), std::string::npos);
}

TEST_F(Commands, SuggestTheNearestNameForAnUnknownOne) {
  const Ran r = run({"parameters", "transacton_fee"});
  EXPECT_EQ(r.code, ExitCode::refused);
  EXPECT_NE(r.err.find("no parameter is called 'transacton_fee'; did you mean 'transaction_fee'?"), std::string::npos)
      << r.err;
  EXPECT_EQ(r.out, "");
}

TEST_F(Commands, SayWhichDecisionsAreKept) {
  const Ran r = run({"explain", "99"});
  EXPECT_EQ(r.code, ExitCode::refused);
  EXPECT_EQ(r.err, "homeostat: no decision 99; 1 to 17 are kept\n");
}

TEST_F(Commands, ReachTheDaemonNamedByTheEnvironment) {
  Terminal terminal;
  terminal.environment["HOMEOSTAT_ENDPOINT"] = daemon->endpoint();
  EXPECT_EQ(run_command({"status"}, terminal).code, ExitCode::ok);
}

TEST_F(Commands, ListNamesForCompletion) {
  EXPECT_EQ(run({"names", "loops"}).out, "creator_rewards\nvelocity_to_fee\n");
}

TEST_F(Commands, TellAWrongFileAtReloadAsARefusal) {
  const Ran r = run({"reload"});
  EXPECT_EQ(r.code, ExitCode::refused);
  EXPECT_NE(r.err.find("streaming.yaml:3:5"), std::string::npos) << r.err;
}

TEST_F(Commands, GiveUpOnASlowDaemonAfterTheTimeout) {
  const Ran r = run({"log-level", "debug", "--timeout", "50ms"});
  EXPECT_EQ(r.code, ExitCode::timeout);
  EXPECT_NE(r.err.find("did not answer within 50 ms"), std::string::npos) << r.err;
}

TEST_F(Commands, StopWatchingOnceWhenTheDaemonDrains) {
  const Ran r = run({"watch", "--once"});
  EXPECT_EQ(r.code, ExitCode::unavailable);
  EXPECT_NE(r.err.find("draining"), std::string::npos) << r.err;
}

class GuardianCommand : public Commands, public ::testing::WithParamInterface<Golden> {};

TEST_P(GuardianCommand, ShowsItsPlanAndSendsItAfterYes) {
  const Ran r = run(GetParam().words, {.is_terminal = true, .columns = 0, .rows = 0, .typed = "y\n"});
  EXPECT_EQ(r.code, ExitCode::ok) << r.err;
  const auto orders = daemon->orders();
  ASSERT_FALSE(orders.empty());
  expect_golden("guardian_" + std::string(GetParam().name) + ".txt", r.err + "\n" + orders.back() + "\n");
}

TEST_P(GuardianCommand, SendsNothingAfterNo) {
  const std::size_t before = daemon->orders().size();
  const Ran r = run(GetParam().words, {.is_terminal = true, .columns = 0, .rows = 0, .typed = "n\n"});
  EXPECT_EQ(r.code, ExitCode::error);
  EXPECT_NE(r.err.find("cancelled, nothing was sent"), std::string::npos) << r.err;
  EXPECT_EQ(daemon->orders().size(), before);
}

TEST_P(GuardianCommand, SendsNothingWithoutATerminalOrYes) {
  const std::size_t before = daemon->orders().size();
  EXPECT_EQ(run(GetParam().words).code, ExitCode::usage);
  EXPECT_EQ(daemon->orders().size(), before);
}

TEST_P(GuardianCommand, AsksNothingWithYes) {
  Words words = GetParam().words;
  words.insert(words.begin() + 2, "--yes");
  const Ran r = run(words);
  EXPECT_EQ(r.code, ExitCode::ok) << r.err;
  EXPECT_EQ(r.err.find("Proceed"), std::string::npos);
}

TEST_P(GuardianCommand, NeedsAReason) {
  Words words = GetParam().words;
  words[std::find(words.begin(), words.end(), "--reason") - words.begin() + 1] = " ";
  const Ran r = run(words);
  EXPECT_EQ(r.code, ExitCode::usage);
  EXPECT_NE(r.err.find("--reason must say why"), std::string::npos) << r.err;
}

INSTANTIATE_TEST_SUITE_P(
    All, GuardianCommand,
    ::testing::Values(
        Golden{"pause", {"guardian", "pause", "transaction_fee", "--for", "2h", "--reason", "maintenance"}},
        Golden{"pause_all", {"guardian", "pause", "--reason", "incident"}},
        Golden{"resume", {"guardian", "resume", "transaction_fee", "--reason", "over"}},
        Golden{"override", {"guardian", "override", "transaction_fee", "0.02", "--for", "1h30m", "--reason", "spam"}},
        Golden{"clear_override", {"guardian", "clear-override", "reward_rate", "--reason", "over"}},
        Golden{"shift", {"guardian", "shift", "creator_rewards", "0.02", "--for", "6h", "--reason", "launch"}},
        Golden{"clear_shift", {"guardian", "clear-shift", "creator_rewards", "--reason", "over"}},
        Golden{"emergency_on", {"guardian", "emergency", "on", "--for", "30m", "--reason", "bank run"}},
        Golden{"emergency_off", {"guardian", "emergency", "off", "--reason", "calm"}},
        Golden{"veto", {"guardian", "veto", "5", "--reason", "bad price"}},
        Golden{"clear_halt", {"guardian", "clear-halt", "token_velocity", "--reason", "checked"}}),
    [](const auto& p) { return std::string(p.param.name); });

TEST_F(Commands, RefuseAnOverrideOutsideTheBoundsBeforeAsking) {
  const Ran r = run({"guardian", "override", "transaction_fee", "0.2", "--for", "1h", "--reason", "x", "--yes"});
  EXPECT_EQ(r.code, ExitCode::refused);
  EXPECT_NE(r.err.find("0.2 ratio is outside the bounds of transaction_fee: 0.001 to 0.05, in steps of 0.0001"),
            std::string::npos)
      << r.err;
}

TEST_F(Commands, TakeANegativeShiftWhereverItStands) {
  const std::vector<Words> lines = {
      {"guardian", "shift", "creator_rewards", "-0.02", "--yes", "--for", "6h", "--reason", "calm"},
      {"guardian", "shift", "creator_rewards", "-2e-2", "--for", "6h", "--reason", "calm", "-y"},
      {"guardian", "shift", "--yes", "--for", "6h", "--reason", "calm", "creator_rewards", "-0.02"},
      {"guardian", "shift", "creator_rewards", "-.02", "--yes", "--for", "6h", "--reason", "calm"},
  };
  for (const Words& words : lines) {
    const Ran r = run(words);
    EXPECT_EQ(r.code, ExitCode::ok) << words[3] << ": " << r.err;
    EXPECT_NE(r.err.find("becomes 0.02 "), std::string::npos) << r.err;
  }
}

TEST_F(Commands, SayThatAnOptionBehindTheDoubleDashIsNone) {
  const Ran r =
      run({"guardian", "shift", "creator_rewards", "--for", "6h", "--reason", "calm", "--", "-0.02", "--yes"});
  EXPECT_EQ(r.code, ExitCode::usage);
  EXPECT_NE(r.err.find("'--yes' stands behind '--', where nothing is an option; write it before"), std::string::npos)
      << r.err;
}

TEST_F(Commands, RefuseAVetoOfWhatWasSentAlready) {
  EXPECT_EQ(run({"guardian", "veto", "17", "--reason", "x", "--yes"}).code, ExitCode::conflict);
}

TEST_F(Commands, EndDeniedAndConflictWithTheirOwnCodes) {
  EXPECT_EQ(run({"guardian", "resume", "--reason", "x", "--yes", "--actor", "mallory"}).code, ExitCode::denied);
  EXPECT_EQ(run({"guardian", "resume", "--reason", "again", "--yes"}).code, ExitCode::conflict);
}

TEST_F(Commands, NeedAnActorWhenUserIsNotSet) {
  Terminal nobody;
  nobody.environment.clear();
  const Ran r = run({"guardian", "resume", "--reason", "x", "--yes"}, nobody);
  EXPECT_EQ(r.code, ExitCode::usage);
  EXPECT_NE(r.err.find("--actor"), std::string::npos);
}

TEST(Unreachable, SaysWhereAndWhatToTry) {
  const Ran r = run_command({"status", "--endpoint", "127.0.0.1:1"});
  EXPECT_EQ(r.code, ExitCode::unavailable);
  EXPECT_EQ(r.err,
            "homeostat: no daemon answers at 127.0.0.1:1; is homeostatd running? Try ./run, or name another "
            "with --endpoint (HOMEOSTAT_ENDPOINT)\n");
}

TEST(Unreachable, EndsWatchToo) {
  EXPECT_EQ(run_command({"watch", "--endpoint", "127.0.0.1:1"}).code, ExitCode::unavailable);
}

TEST_F(Commands, PrintBothVersions) {
  const Ran r = run({"version"});
  EXPECT_EQ(r.code, ExitCode::ok);
  EXPECT_NE(r.out.find("\nhomeostatd 0.1.0 at 127.0.0.1:"), std::string::npos) << r.out;
  EXPECT_NE(run({"version", "--json"}).out.find(R"("compiler":"g++ 12.2")"), std::string::npos);
}

TEST(Version, NeedsNoDaemon) {
  const Ran r = run_command({"version", "--endpoint", "127.0.0.1:1"});
  EXPECT_EQ(r.code, ExitCode::ok);
  EXPECT_EQ(r.out.rfind("homeostat ", 0), 0U);
}

struct Wrong {
  const char* claim;
  Words words;
  const char* says;
};

class UsageError : public ::testing::TestWithParam<Wrong> {};

TEST_P(UsageError, IsNamedAndNothingIsSent) {
  const Ran r = run_command(GetParam().words);
  EXPECT_EQ(r.code, ExitCode::usage);
  EXPECT_NE(r.err.find(GetParam().says), std::string::npos) << r.err;
  EXPECT_EQ(r.out, "");
}

INSTANTIATE_TEST_SUITE_P(
    All, UsageError,
    ::testing::Values(
        Wrong{"NoCommand", {}, "Usage: homeostat"},
        Wrong{"UnknownCommand", {"statsu"}, "unknown command 'statsu'; did you mean 'status'?"},
        Wrong{"UnknownSubcommand",
              {"guardian", "puase"},
              "homeostat guardian: unknown command 'puase'; did you mean 'pause'?"},
        Wrong{"UnknownOption", {"status", "--jsno"}, "unknown option '--jsno'; did you mean '--json'?"},
        Wrong{"ExtraArgument", {"status", "now"}, "homeostat status: unknown argument 'now'"},
        Wrong{"MissingReason", {"guardian", "pause"}, "--reason is required"},
        Wrong{"MissingDuration", {"guardian", "override", "fee", "1", "--reason", "x"}, "--for is required"},
        Wrong{"BadDuration", {"guardian", "pause", "--for", "2 hours", "--reason", "x"}, "--for: "},
        Wrong{"NegativeDuration", {"guardian", "pause", "--for=-2h", "--reason", "x"}, "longer than zero"},
        Wrong{"BadTimeout", {"status", "--timeout", "soon"}, "--timeout: "},
        Wrong{"BadLimit", {"adjustments", "--limit", "0"}, "--limit"},
        Wrong{"BadId", {"explain", "first"}, "'first' is not a decision's id"},
        Wrong{"BadState", {"guardian", "emergency", "maybe", "--reason", "x"}, "STATE"},
        Wrong{"CertificateWithoutKey", {"status", "--cert", "/dev/null"}, "--cert and --key belong together"},
        Wrong{"UnknownHelp", {"help", "gaurdian"}, "no help on 'gaurdian'; did you mean 'guardian'?"}),
    [](const auto& p) { return std::string(p.param.claim); });

TEST(Tls, NamesTheFileThatCannotBeRead) {
  const Ran r = run_command({"status", "--ca", "/nowhere/ca.pem"});
  EXPECT_EQ(r.code, ExitCode::error);
  EXPECT_EQ(r.err, "homeostat: --ca: cannot read /nowhere/ca.pem\n");
}

}  // namespace
}  // namespace homeostat::cli::test
