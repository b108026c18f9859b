#!/usr/bin/env node
// Compiles the Chainlink contracts that the tests run against, from the sources of the npm package
// @chainlink/contracts, into contracts/build/chainlink/all.json; skips the work when nothing changed. The proxy and FluxAggregator are Solidity 0.6.6, as they stand on the main networks; the rest is 0.8.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);
export const folder = path.join(here, "../build/chainlink");

const kOld = "@chainlink/contracts/src/v0.6";
const kNew = "@chainlink/contracts/src/v0.8";
const sets = [
  { compiler: "solc-0.6", evmVersion: "istanbul", files: [`${kOld}/EACAggregatorProxy.sol`, `${kOld}/FluxAggregator.sol`, `${kOld}/SimpleReadAccessController.sol`] },
  {
    compiler: "solc",
    evmVersion: "cancun",
    files: [
      `${kNew}/tests/MockV3Aggregator.sol`,
      `${kNew}/dev/Flags.sol`,
      `${kNew}/dev/ArbitrumSequencerUptimeFeed.sol`,
      "contracts/test/BoundedAggregator.sol",
    ],
  },
];

const read = (name) => readFileSync(name.startsWith("contracts/test/") ? path.join(here, path.basename(name)) : require.resolve(name), "utf8");

function resolveImport(name) {
  try {
    return { contents: read(name) };
  } catch {
    return { error: `cannot find ${name}; run "npm ci" first` };
  }
}

/// The artefacts of one set by contract name. Warnings are the authors' business: these are not our contracts.
function compile({ compiler, evmVersion, files }) {
  const input = {
    language: "Solidity",
    sources: Object.fromEntries(files.map((file) => [file, { content: read(file) }])),
    settings: {
      evmVersion,
      optimizer: { enabled: true, runs: 1000 },
      outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
    },
  };
  const solc = require(compiler);
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: resolveImport }));
  const errors = (output.errors ?? []).filter((entry) => entry.severity === "error");
  if (errors.length > 0) throw new Error(errors.map((entry) => entry.formattedMessage).join("\n"));
  const artefacts = {};
  for (const file of files) {
    const name = path.basename(file, ".sol");
    const contract = output.contracts[file][name];
    artefacts[name] = { abi: contract.abi, bytecode: `0x${contract.evm.bytecode.object}` };
  }
  return artefacts;
}

function digest() {
  const versions = ["solc", "solc-0.6", "@chainlink/contracts"].map((name) => require(`${name}/package.json`).version);
  const own = [fileURLToPath(import.meta.url), path.join(here, "BoundedAggregator.sol")].map((file) => readFileSync(file, "utf8"));
  return createHash("sha256").update(JSON.stringify([versions, sets, own])).digest("hex");
}

/// {Name: {abi, bytecode}}, compiled now or earlier.
export function chainlinkContracts() {
  const stamp = path.join(folder, "all.json");
  const now = digest();
  try {
    const kept = JSON.parse(readFileSync(stamp, "utf8"));
    if (kept.digest === now) return kept.artefacts;
  } catch {
    // Not compiled yet.
  }
  const artefacts = Object.assign({}, ...sets.map(compile));
  mkdirSync(folder, { recursive: true });
  // Written aside and renamed, so that a reader beside us never sees half a file.
  const temporary = `${stamp}.${process.pid}.tmp`;
  writeFileSync(temporary, JSON.stringify({ digest: now, artefacts }));
  renameSync(temporary, stamp);
  return artefacts;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(`chainlink: ${Object.keys(chainlinkContracts()).join(", ")}`);
}
