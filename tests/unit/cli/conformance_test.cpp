// The conformance command: the field's own vectors agree, differences and errors name their place.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "harness.hpp"

namespace homeostat::cli::test {
namespace {

/// A file of its own for one test, gone after it.
struct TemporaryFile {
  explicit TemporaryFile(const std::string& text, const std::string& name = "vectors.json") {
    std::string pattern = (std::filesystem::temp_directory_path() / "homeostat-conformance-XXXXXX").string();
    directory = mkdtemp(pattern.data());
    path = directory + "/" + name;
    std::ofstream(path) << text;
  }
  ~TemporaryFile() { std::filesystem::remove_all(directory); }
  std::string directory;
  std::string path;
};

Ran on_stdin(const std::string& lines) {
  return run_command({"conformance"}, {.typed = lines});
}

void expect_contains(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << part << "\nin\n" << text;
}

const std::string kGood =
    R"({"kind": "compose", "id": "a", "delta": "-100", "expect": {"rate": "999999999999999999999999900"}})";
const std::string kBad = R"({"kind": "compose", "id": "b", "delta": "-100", "expect": {"rate": "5"}})";

TEST(Conformance, AgreesWithEveryVectorOfTheFieldToTheLastDigit) {
  const Ran r = run_command({"conformance", "tests/golden/vectors/rai.json",
                             "tests/golden/vectors/rai_closed_loop.json", "tests/golden/vectors/fee_and_rebase.json"});
  EXPECT_EQ(r.code, ExitCode::ok) << r.err;
  expect_golden("conformance.txt", r.out);
}

TEST(Conformance, ADashIsStdinAndStandsAlone) {
  const Ran alone = run_command({"conformance", "-"}, {.typed = kGood + "\n"});
  EXPECT_EQ(alone.code, ExitCode::ok) << alone.err;
  EXPECT_EQ(alone.out, on_stdin(kGood + "\n").out);
  const Ran beside = run_command({"conformance", "-", "tests/golden/vectors/rai.json"}, {.typed = kGood});
  EXPECT_EQ(beside.code, ExitCode::usage);
  expect_contains(beside.err, "cannot stand beside files");
}

TEST(Conformance, AgreesWithTheVectorsOfTheBondingSurfaceWithinTheirTolerances) {
  const Ran r = run_command({"conformance", "tests/golden/vectors/ellipsoid.json", "tests/golden/vectors/eclp.json",
                             "tests/golden/vectors/imbalance_fee.json"});
  EXPECT_EQ(r.code, ExitCode::ok) << r.out << r.err;
  expect_golden("conformance_bonding.txt", r.out);
}

const std::string kLine =
    R"("kind": "imbalance_fee_line", "static": "0.01", "max": "0.95", "threshold": "0.3", "imbalance_after": "0.5")";

TEST(Conformance, RealNumbersAgreeWithinTheirToleranceAndNotBeyond) {
  EXPECT_EQ(on_stdin("{" + kLine + R"(, "fee_ref": "0.278571428571428571"})").code, ExitCode::ok);
  EXPECT_EQ(on_stdin("{" + kLine + R"(, "expect": {"fee_ref": 0.2785714285714286}})").code, ExitCode::ok);
  EXPECT_EQ(on_stdin("{" + kLine + R"(, "fee_ref": "0.27857142857144"})").code, ExitCode::divergence);
  const TemporaryFile file("[{" + kLine + R"(, "fee_ref": "0.28"}])");
  const Ran r = run_command({"conformance", file.path});
  EXPECT_EQ(r.code, ExitCode::divergence);
  expect_contains(r.out,
                  "fee_ref\n  expected  0.28\n  computed  0.2785714285714286\n  off by 0.00143, allowed 2.8e-15\n");
  expect_contains(run_command({"conformance", file.path, "--json"}).out,
                  R"("note": "off by 0.00143, allowed 2.8e-15")");
}

TEST(Conformance, ADocumentOfListsKnowsTheirKinds) {
  const TemporaryFile file(R"({"title": "t", "fee_line": [{"static": 0.01, "max": 0.95, "threshold": 0.3,
      "imbalance_after": 1, "fee_ref": "0.9"}]})");
  const Ran r = run_command({"conformance", file.path});
  EXPECT_EQ(r.code, ExitCode::divergence);
  expect_contains(r.out, "record 0 'fee_line[0]' (imbalance_fee_line): fee_ref");
}

TEST(Conformance, RefusesRealNumbersThatAreNone) {
  struct Case {
    std::string record;
    std::string message;
  };
  const std::string peg = R"({"form": "peg", "lam": 2, "w": [0.5, 0.5], )";
  const std::vector<Case> cases = {
      {peg + R"("v": [1, "x"]})", R"("field": "v[1]", "error": "must be a number within 0..1e+30)"},
      {peg + R"("v": [1, "nan"]})", R"("field": "v[1]")"},
      {peg + R"("v": [1, "1e999"]})", R"("field": "v[1]")"},
      {peg + R"("v": [1, -1]})", R"("field": "v[1]")"},
      {peg + R"("v": [1, 1, 1]})", R"("error": "must be 2 numbers, are 3")"},
      {peg + R"("v": []})", R"("field": "v", "error": "must be a list of 1..1000000 numbers")"},
      {peg + R"("v": [1, 1], "n": 3})", R"("field": "w", "error": "must be 3 numbers, are 2")"},
      {peg + R"("v": [1, 1], "n": 40})", R"("field": "n", "error": "must be a whole number within 2..16")"},
      {peg + R"("v": [1, 1], "grad": [1]})", R"("field": "grad", "error": "must be a list of 2 numbers")"},
      {peg + R"("v": [1, 1], "r": true})", R"("field": "r", "error": "must be a number)"},
      {peg + R"("v": [1, 1], "rr": 2})", R"("field": "rr", "error": "is not a field of this kind; did you mean 'r'?)"},
      {R"({"form": "box", "lam": [2, 2], "lo": [1, 1], "hi": [2, 2], "r": 1, "price_vector": [1, 1], "givens": [[0, 2, 1]]})",
       R"("field": "givens")"},
      {"{" + kLine + R"(, "expect": {"fee_ref": "half"}})", R"("field": "expect.fee_ref")"},
      {"{" + kLine + R"(, "expect": {"fees": 1}})", "is not computed by this kind; it computes fee_ref"},
      {R"({"kind": "invariant", "params": {"alpha": 1, "beta": 2, "c": 1}, "inputs": {}})",
       R"("field": "params.s", "error": "is missing")"},
  };
  for (const Case& c : cases) {
    const Ran r = on_stdin(c.record + "\n");
    EXPECT_EQ(r.code, ExitCode::refused) << c.record << r.out;
    expect_contains(r.out, c.message);
  }
}

TEST(Conformance, WhatAMechanismRefusesIsAResultThatDiffersFromANumber) {
  const std::string outside = R"({"form": "peg", "lam": 1, "w": [0.5, 0.5], "v": [100, 0])";
  EXPECT_EQ(on_stdin(outside + R"(, "r": "80"})").code, ExitCode::divergence);
  EXPECT_EQ(on_stdin(outside + R"(, "expect": {"reverts": true}})").code, ExitCode::ok);
}

TEST(Conformance, ShowsADifferenceInFullAndEndsWithDivergence) {
  const TemporaryFile file("[" + kGood + "," + kBad + "]");
  const Ran r = run_command({"conformance", file.path});
  EXPECT_EQ(r.code, ExitCode::divergence);
  expect_contains(r.out, "record 1 'b' (compose): rate\n  expected  5\n  computed  999999999999999999999999900\n");
  expect_contains(r.err, "1 of 2 records differ");
}

TEST(Conformance, ShowsOnlyAsManyDifferencesAsAsked) {
  const TemporaryFile file("[" + kBad + "," + kBad + "," + kBad + "]");
  const Ran r = run_command({"conformance", file.path, "--differences", "1"});
  expect_contains(r.out, "2 more values differ");
}

TEST(Conformance, JsonHasCountsDifferencesAndWhatCouldNotBeRead) {
  const TemporaryFile file("{\"vectors\": [" + kGood + "," + kBad + R"(, {"kind": "compose", "id": "c"}]})");
  const Ran r = run_command({"conformance", file.path, "--json"});
  EXPECT_EQ(r.code, ExitCode::refused);
  expect_contains(r.out, R"("records": 2, "passed": 1, "failed": 1, "rows": 2, "rows_passed": 1)");
  expect_contains(r.out, R"("name": "rate", "expected": "5", "computed": "999999999999999999999999900")");
  expect_contains(r.out, R"("record": "record 2 'c'", "field": "delta", "message": "is missing")");
}

TEST(Conformance, NamesFileRecordAndFieldOfAnError) {
  const TemporaryFile file(R"([{"kind": "closed_loop", "id": "x", "t0": 1, "initial_redemption_price": "1",
      "controller": {"variant": "pi_raw", "kp": "1", "ki": "1"}, "steps": [{"dt": 1, "market_prise": "1"}]}])");
  const Ran r = run_command({"conformance", file.path});
  EXPECT_EQ(r.code, ExitCode::refused);
  expect_contains(r.err, file.path + ": record 0 'x': steps[0].market_price: is missing");
}

TEST(Conformance, RefusesBadRecordsEachForItsReason) {
  struct Case {
    std::string record;
    std::string message;
  };
  const std::string pi = R"("variant": "pi_raw", "kp": "1", "ki": "1")";
  const std::vector<Case> cases = {
      {R"({})", R"("field": "kind", "error": "is missing")"},
      {R"({"kind": "composs", "delta": 1})", "did you mean 'compose'?"},
      {R"({"kind": 7})", R"("field": "kind", "error": "must be text, not an integer")"},
      {R"({"kind": "compose", "delta": 1, "delte": 2})",
       R"("field": "delte", "error": "is not a field of this kind; did you mean 'delta'?")"},
      {R"({"kind": "compose", "delta": 1.5})", "not a number with a point"},
      {R"({"kind": "compose", "delta": "1e5"})", "must be a whole number"},
      {R"({"kind": "compose", "delta": ")" + std::string(79, '9') + "\"}", "must be a whole number"},
      {R"({"kind": "decompose", "rate": "-1"})", "not a negative one"},
      {R"({"kind": "preview", "controller": {"variant": "pi_rw", "kp": "1", "ki": "1"}})", "did you mean 'pi_raw'?"},
      {R"({"kind": "preview", "controller": []})",
       R"("field": "controller", "error": "must be an object, not a list")"},
      {R"({"kind": "preview", "controller": {)" + pi + R"(, "kd": 1}})", R"("field": "controller.kd")"},
      {R"({"kind": "preview", "controller": {)" + pi + R"(}, "market_price": 1, "redemption_price": 1, "now": -1})",
       "whole seconds"},
      {R"({"kind": "closed_loop", "controller": {)" + pi + R"(}, "t0": 0, "initial_redemption_price": 1, "steps": []})",
       "1..100000 objects"},
      {R"({"kind": "closed_loop", "controller": {)" + pi +
           R"(}, "t0": 0, "initial_redemption_price": 1, "steps": [3]})",
       R"("field": "steps[0]")"},
      {R"({"kind": "ampleforth_rebase", "rate_valid": "yes"})", "is missing"},
      {R"({"kind": "compose", "delta": 1, "expect": {"rat": 1}})",
       "is not computed by this kind; did you mean 'rate'?"},
      {R"({"kind": "compose", "delta": 1, "expect": {"rate": 1.5}})", R"("field": "expect.rate")"},
      {R"({"kind": "compose", "delta": 1, "expect": 5})", R"("field": "expect", "error": "must be an object)"},
      {R"([1])", "must be a JSON object"},
      {R"({"kind": )", "is not JSON"},
  };
  for (const Case& c : cases) {
    const Ran r = on_stdin(c.record + "\n");
    EXPECT_EQ(r.code, ExitCode::refused) << c.record;
    expect_contains(r.out, c.message);
    EXPECT_EQ(r.out.find("\"computed\""), std::string::npos) << c.record;
  }
}

TEST(Conformance, AnswersRecordsOnStdinWithTheirValues) {
  const Ran r = on_stdin(
      R"({"id": "f", "kind": "eip1559", "parent_base_fee": 1000000000, "parent_gas_limit": "20000000", "parent_gas_used": "20000000"}

)" + kGood +
      "\n" + kBad + "\n");
  EXPECT_EQ(r.code, ExitCode::divergence);
  EXPECT_EQ(r.out,
            "{\"id\": \"f\", \"kind\": \"eip1559\", \"computed\": {\"base_fee\": \"1125000000\"}, \"passed\": null}\n"
            "{\"id\": \"a\", \"kind\": \"compose\", \"computed\": {\"rate\": \"999999999999999999999999900\"}, "
            "\"passed\": true}\n"
            "{\"id\": \"b\", \"kind\": \"compose\", \"computed\": {\"rate\": \"999999999999999999999999900\"}, "
            "\"passed\": false}\n");
}

TEST(Conformance, ALineWithoutEndIsRefusedAndTheNextOneAnswered) {
  const Ran r = on_stdin(std::string((16 << 20) + 1, ' ') + kGood + "\n" + kGood);
  EXPECT_EQ(r.code, ExitCode::refused);
  expect_contains(r.out, R"({"line": 1, "field": "", "error": "is longer than 16 MiB"})");
  expect_contains(r.out, R"("passed": true)");
}

TEST(Conformance, WhatAContractRevertsOnIsAResultThatCanBeExpected) {
  EXPECT_EQ(on_stdin(R"({"kind": "decompose", "rate": 0, "expect": {"reverts": true}})").code, ExitCode::ok);
  EXPECT_EQ(on_stdin(R"({"kind": "decompose", "rate": 0, "expect": {"delta": 1}})").code, ExitCode::divergence);
  EXPECT_EQ(on_stdin(R"({"kind": "decompose", "rate": 1, "expect": {"reverts": true}})").code, ExitCode::divergence);
}

TEST(Conformance, ARevertedStepLeavesTheStateAsItWas) {
  const Ran r = on_stdin(
      R"({"kind": "anti_windup", "controller": {"kp": 0, "ki": 0, "upper": 1, "lower": -1, "integral": "7", "last_time": 10},
"steps": [{"now": 10, "error": 1}, {"now": 20, "error": 0}]})"
      "\n");
  EXPECT_EQ(r.code, ExitCode::refused);  // a record is one line
  const Ran one = on_stdin(
      R"({"kind": "anti_windup", "controller": {"kp": 0, "ki": 0, "upper": 1, "lower": -1, "integral": "7", "last_time": 10}, "steps": [{"now": 10, "error": 1}, {"now": 20, "error": 0}]})");
  expect_contains(
      one.out,
      R"({"reverts": "now: must be later than the last update"}, {"output": "0", "p_output": "0", "i_output": "0", "integral": "7"})");
}

TEST(Conformance, ReadsJsonLinesAndNamesTheLine) {
  const TemporaryFile file(kGood + "\n\nnonsense\n" + kGood + "\n", "vectors.jsonl");
  const Ran r = run_command({"conformance", file.path});
  EXPECT_EQ(r.code, ExitCode::refused);
  expect_contains(r.err, file.path + ": line 3: is not JSON");
  expect_contains(r.out, "compose        2       2       0");
}

TEST(Conformance, FilesThatAreNotVectorsAreRefused) {
  for (const char* text : {"", "{}", "3", "{\"vectors\": 1}", "[1]", "[{}] x"}) {
    const TemporaryFile file(text);
    EXPECT_EQ(run_command({"conformance", file.path}).code, ExitCode::refused) << text;
  }
  EXPECT_EQ(run_command({"conformance", "/nowhere/vectors.json"}).code, ExitCode::error);
}

TEST(Conformance, ARecordWithoutExpectationProvesNothing) {
  const TemporaryFile file(R"({"kind": "compose", "delta": "1"})");
  const Ran r = run_command({"conformance", file.path});
  EXPECT_EQ(r.code, ExitCode::refused);
  expect_contains(r.err, "expect: is missing");
}

}  // namespace
}  // namespace homeostat::cli::test
