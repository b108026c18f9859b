// The map of the catalogue in tests/README.md is true: every number has its line, every file it names has a test whose
// name begins with that number, and what has none is called open.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { root } from "./lib/paths.mjs";

const kCases = { R: 17, F: 11, C: 8, L: 4, V: 12 };
const readme = readFileSync(path.join(root, "tests/README.md"), "utf8");
const rows = [...readme.matchAll(/^\| ([RFCLV]\d+) \| [^|]+ \| ([^|]*) \| ([^|]*)\|$/gm)].map(([, number, tests, breaks]) => ({ number, tests, breaks }));
const files = (tests) => [...tests.matchAll(/`([^`]+)`(?:: ([^,]+))?/g)].map(([, file, name]) => ({ file, name: name?.trim() }));

test("every case of the catalogue has one line", () => {
  const wanted = Object.entries(kCases).flatMap(([letter, count]) => Array.from({ length: count }, (_, i) => `${letter}${i + 1}`));
  assert.deepEqual(rows.map((row) => row.number), wanted);
});

test("every test that the map names is there", () => {
  for (const { number, tests } of rows) {
    if (tests.includes("**open**")) continue;
    assert.ok(files(tests).length > 0, `${number} names no file and is not called open`);
    for (const { file, name } of files(tests)) {
      const full = path.join(root, "tests", file);
      assert.ok(existsSync(full), `${number}: ${file} is not there`);
      assert.ok(readFileSync(full, "utf8").includes(name ?? `${number}_`), `${number}: ${file} has no test '${name ?? `${number}_`}'`);
    }
  }
});

test("every case says on which break its tests were seen to fail", () => {
  const unseen = rows.filter((row) => row.breaks.trim() === "").map((row) => row.number);
  assert.deepEqual(unseen, []);
});

test("what is open is listed", () => {
  const open = rows.filter((row) => row.tests.includes("**open**")).map((row) => row.number);
  assert.equal(/^Open: (.*)\.$/m.exec(readme)?.[1], open.length > 0 ? open.join(", ") : "none");
});

const lessons = readFileSync(path.join(root, "docs/lessons.md"), "utf8");

test("everything that others ran into has its test, or says why it cannot occur", () => {
  const troubles = [...lessons.matchAll(/^\| (\d+) \|(?:[^|]*\|){3}([^|]*)\|$/gm)];
  assert.deepEqual(troubles.map(([, number]) => Number(number)), Array.from({ length: 24 }, (_, i) => i + 1));
  for (const [, number, shown] of troubles) {
    const named = [...shown.matchAll(/`([^`]+)`: (\w+)/g)];
    assert.ok(named.length > 0 || shown.includes("cannot occur: "), `${number}: neither a test nor a reason`);
    for (const [, file, name] of named) {
      assert.ok(readFileSync(path.join(root, "tests", file), "utf8").includes(name), `${number}: ${file} has no test '${name}'`);
    }
  }
});
