#!/usr/bin/env node
// Compiles contracts/*.sol with solc-js into contracts/build/<Name>.json ({abi, bytecode}) and skips the work when
// nothing changed. A warning is an error: a contract has no release in which it could be fixed.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);

const help = `Compile the contracts of the streaming economy.

Usage: node contracts/build.mjs [--force] [--out DIR]

  --force     compile even when nothing has changed
  --out DIR   where the artefacts go (default: contracts/build)
  --help      this text

Example: npm run contracts`;

const settings = {
  optimizer: { enabled: true, runs: 1000 },
  evmVersion: "cancun",
  outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
};

function readSources() {
  const names = readdirSync(here)
    .filter((name) => name.endsWith(".sol"))
    .sort();
  return Object.fromEntries(names.map((name) => [name, { content: readFileSync(path.join(here, name), "utf8") }]));
}

function resolveImport(name) {
  try {
    return { contents: readFileSync(require.resolve(name), "utf8") };
  } catch {
    return { error: `cannot find ${name}; run "npm ci" first` };
  }
}

function digestOf(sources) {
  const versions = ["solc", "@openzeppelin/contracts"].map((name) => require(`${name}/package.json`).version);
  return createHash("sha256")
    .update(JSON.stringify([versions, settings, sources]))
    .digest("hex");
}

function readStamp(out) {
  try {
    return readFileSync(path.join(out, "stamp"), "utf8");
  } catch {
    return "";
  }
}

/// Returns {artefacts} keyed by contract name, or throws an Error whose message lists every diagnostic.
function compile(sources) {
  const solc = require("solc");
  const input = { language: "Solidity", sources, settings };
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: resolveImport }));
  const diagnostics = (output.errors ?? []).filter((entry) => entry.severity !== "info");
  if (diagnostics.length > 0) throw new Error(diagnostics.map((entry) => entry.formattedMessage).join("\n"));
  const artefacts = {};
  for (const file of Object.keys(sources)) {
    for (const [name, contract] of Object.entries(output.contracts[file] ?? {})) {
      const bytecode = contract.evm.bytecode.object;
      if (bytecode) artefacts[name] = { abi: contract.abi, bytecode: `0x${bytecode}` };
    }
  }
  return artefacts;
}

export function buildContracts({ force = false, out = path.join(here, "build") } = {}) {
  const sources = readSources();
  const digest = digestOf(sources);
  if (!force && readStamp(out) === digest) return [];
  const artefacts = compile(sources);
  mkdirSync(out, { recursive: true });
  for (const [name, artefact] of Object.entries(artefacts)) {
    // Written aside and renamed, so that a reader beside us never sees half a file.
    const temporary = path.join(out, `${name}.json.${process.pid}.tmp`);
    writeFileSync(temporary, JSON.stringify(artefact, null, 1));
    renameSync(temporary, path.join(out, `${name}.json`));
  }
  writeFileSync(path.join(out, "stamp"), digest);
  return Object.keys(artefacts);
}

function main(args) {
  if (args.includes("--help")) return console.log(help);
  const unknown = args.filter((arg, i) => !["--force", "--out"].includes(arg) && args[i - 1] !== "--out");
  if (unknown.length > 0) throw new Error(`unknown argument ${unknown[0]}; known: --force, --out DIR, --help`);
  const outAt = args.indexOf("--out");
  const options = { force: args.includes("--force") };
  if (outAt >= 0) options.out = path.resolve(args[outAt + 1] ?? "");
  const built = buildContracts(options);
  console.log(built.length > 0 ? `contracts: built ${built.join(", ")}` : "contracts: up to date");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    main(process.argv.slice(2));
  } catch (error) {
    console.error(`contracts: ${error.message}`);
    process.exit(1);
  }
}
