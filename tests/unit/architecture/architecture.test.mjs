// The architecture, checked: who may include whom, what a pure folder must not touch, and that the text of the
// repository speaks of the project alone.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../..");
const tracked = execFileSync("git", ["-C", root, "ls-files", "--cached", "--others", "--exclude-standard"], { encoding: "utf8" })
  .split("\n")
  .filter(Boolean);
const read = (file) => readFileSync(path.join(root, file), "utf8");
const sources = tracked.filter((f) => /\.(cpp|hpp)$/.test(f));

// An arrow of the design: the folder on the left may include those on the right, and itself.
const mayInclude = {
  core: [],
  oracle: ["core"],
  controller: ["core"],
  guardian: ["core"],
  economy: ["core"],
  engine: ["core", "oracle", "controller", "guardian", "economy"],
  config: ["core", "oracle", "controller", "guardian", "economy", "engine"],
  simulator: ["core", "oracle", "controller", "guardian", "economy", "engine", "config"],
  "daemon/journal": ["core"],
  "daemon/sources": ["core", "oracle"],
  "daemon/telemetry": ["core", "oracle", "guardian", "engine"],
  "daemon/http": ["core", "oracle", "guardian", "engine"],
  "daemon/convert": ["core", "oracle", "guardian", "economy", "engine", "proto", "daemon/api/backend.hpp"],
  "daemon/api": ["core", "oracle", "guardian", "economy", "engine", "proto", "daemon/convert"],
  "daemon/app": ["core", "oracle", "guardian", "engine", "config", "daemon/api", "daemon/http", "daemon/journal", "daemon/sources", "daemon/telemetry"],
  cli: ["core", "oracle", "controller", "guardian", "economy", "engine", "config", "simulator", "proto", "daemon/convert", "daemon/journal"],
};
const folders = Object.keys(mayInclude).sort((a, b) => b.length - a.length);
const folderOf = (file) => (file.startsWith("homeostat/v1/") ? "proto" : folders.find((f) => file.startsWith(`${f}/`)));

test("every include follows an arrow of the design", () => {
  const wrong = [];
  for (const file of sources) {
    const from = folderOf(file);
    if (!from) continue; // tests and benchmarks may see everything
    for (const [, target] of read(file).matchAll(/^#include "([^"]+)"/gm)) {
      const to = folderOf(target);
      if (!to) wrong.push(`${file} includes "${target}": write the path from the root`);
      else if (to !== from && !mayInclude[from].includes(to) && !mayInclude[from].includes(target)) wrong.push(`${file} includes ${target}`);
    }
  }
  assert.deepEqual(wrong, []);
});

const pure = ["core", "oracle", "controller", "guardian", "economy", "engine"];
const impure = {
  "a clock": /_clock::now|\btime\(nullptr\)|gettimeofday|clock_gettime/,
  "a thread or lock": /<(thread|mutex|atomic|future|condition_variable|shared_mutex)>/,
  "files, sockets or the environment": /<(fstream|filesystem|iostream|sys\/socket\.h|unistd\.h)>|\bgetenv\(|\bfopen\(/,
  "unseeded randomness": /random_device|\brand\(\)/,
  "a log": /spdlog|std::(cout|cerr)/,
  "libm transcendentals": /std::(pow|exp|exp2|log|log2|log10|log1p|expm1|sin|cos|tan|tanh|cbrt)\(/,
  "iteration order of hashed containers": /for \([^;)]*: [^)]*unordered/,
};
// What is shared is counted, as by std::shared_ptr: which thread lets go of it last decides nothing.
const counts = "core/pile.hpp";
test("pure folders stay pure", () => {
  const wrong = [];
  for (const file of sources.filter((f) => pure.some((p) => f.startsWith(`${p}/`)))) {
    const code = read(file).replace(/\/\/.*$/gm, "");
    for (const [what, pattern] of Object.entries(impure)) if (pattern.test(file === counts ? code.replace("<atomic>", "") : code)) wrong.push(`${file}: ${what}`);
  }
  assert.deepEqual(wrong, []);
});

test("pure folders throw nothing", () => {
  const wrong = sources.filter((f) => pure.some((p) => f.startsWith(`${p}/`)) && /\bthrow\b/.test(read(f).replace(/\/\/.*$/gm, "")));
  assert.deepEqual(wrong, []);
});

test("a message of the contract documents every field", () => {
  const bare = [];
  for (const file of tracked.filter((f) => /^proto\/.*\.proto$/.test(f))) {
    for (const [i, line] of read(file).split("\n").entries()) {
      // A field is documented beside it or above it, or by its type's own comment; only a unit can never be guessed.
      if (/^\s+(double|sfixed64|uint64|int64)\s+\w+ = \d+;\s*$/.test(line) && !/(id|slot|ticks|sequence|generation|epoch|decisions|missed_slots|reorgs|emitted|applied|rejected|timed_out|finalized|last_decision|bytes)/.test(line)) {
        bare.push(`${file}:${i + 1}: ${line.trim()}`);
      }
    }
  }
  assert.deepEqual(bare, []);
});

test("the precision of floating point is the same everywhere", () => {
  assert.match(read("cmake/homeostat.cmake"), /-ffp-contract=off/);
  const flags = read("CMakePresets.json") + read("cmake/homeostat.cmake");
  assert.doesNotMatch(flags, /-ffast-math|-march=native|-Ofast/);
});
