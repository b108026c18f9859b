#!/usr/bin/env node
// Starts the whole world of the streaming economy: a local chain, the contracts, the users, the executor, the reporter.
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { deploy } from "./deploy.mjs";
import { startAnvil } from "./lib/anvil.js";
import { kDefaultVar } from "./lib/chain.js";
import { makeLog, parseOptions, run, stopSignal, wholeNumber } from "./lib/program.js";

const here = path.dirname(fileURLToPath(import.meta.url));
const log = makeLog("world");

const help = `Start a local chain with the streaming economy on it: contracts, users, the executor that stores
homeostatd's adjustments, and the reporter that records its metrics. Ends everything it started at Ctrl-C
or SIGTERM, or when a part of it fails.

Usage: node world/start.mjs [options]

  --port N          the chain's JSON-RPC port for HTTP and WebSocket, 0 takes a free one (default 8545)
  --block-time SEC  seconds between blocks (default 1)
  --chain-id N      (default 31337)
  --state FILE      load the chain from FILE if it exists and save it there at the end (default: it lives in memory)
  --keep-blocks N   blocks whose transactions and logs the node remembers (default 3600; 0 is all: 1 GB an hour)
  --var DIR         where world.json and the keys go (default: var/world)
  --users N         2 to 2000; the traffic grows with them, 240 make about 50 transactions a second (default 240)
  --seed N          of the users and of what happens to them (default 1)
  --calm            no cycles and no shocks
  --cooldown SEC    the contract's least seconds between two adjustments of one parameter (default 2)
  --daemon ADDR     homeostatd's gRPC address (default 127.0.0.1:7400); it may start later
  --no-traffic      no users: only the chain, the contracts, the executor and the reporter
  --no-executor     neither executor nor reporter: only the chain, the contracts and the users
  --help            this text

It prints "world: ready" when world.json is written and the chain can be read.

Examples:
  node world/start.mjs
  node world/start.mjs --port 0 --var /tmp/world --no-executor --seed 7`;

/// A part that has not ended this long after it was asked to is killed.
const kStopTimeoutMs = 10_000;

/// Runs one of our own programs as a child; its lines carry their own prefix. `ended` resolves with how it ended.
function startProgram(name, args) {
  const child = spawn(process.execPath, [path.join(here, name), ...args], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const ended = new Promise((resolve) => {
    child.once("error", (error) => resolve(`${name} could not start: ${error.message}`));
    child.once("exit", (code, signal) => resolve(`${name} ended with ${signal ?? `exit code ${code}`}`));
  });
  async function stop() {
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), kStopTimeoutMs);
    await ended;
    clearTimeout(timer);
  }
  return { ended, stop };
}

function programs(options, varDir, seed) {
  const list = [];
  if (!options["no-traffic"]) {
    const calm = options.calm ? ["--calm"] : [];
    list.push(["traffic.mjs", ["--var", varDir, "--seed", String(seed), ...calm]]);
  }
  if (!options["no-executor"]) {
    list.push(["executor.mjs", ["--var", varDir, "--daemon", options.daemon]]);
    list.push(["reporter.mjs", ["--var", varDir, "--daemon", options.daemon]]);
  }
  return list;
}

async function main() {
  const options = parseOptions(help, {
    port: { type: "string", default: "8545" },
    "block-time": { type: "string", default: "1" },
    "chain-id": { type: "string", default: "31337" },
    state: { type: "string" },
    "keep-blocks": { type: "string", default: "3600" },
    var: { type: "string", default: kDefaultVar },
    users: { type: "string", default: "240" },
    seed: { type: "string", default: "1" },
    calm: { type: "boolean", default: false },
    cooldown: { type: "string", default: "2" },
    daemon: { type: "string", default: "127.0.0.1:7400" },
    "no-traffic": { type: "boolean", default: false },
    "no-executor": { type: "boolean", default: false },
  });
  const number = (name, min, max) => wholeNumber(name, options[name], min, max);
  const users = number("users", 2, 2000);
  const seed = number("seed", 0, 0xffffffff);
  const cooldown = number("cooldown", 0, 86_400);
  const keepBlocks = number("keep-blocks", 0, 1e9);
  const varDir = path.resolve(options.var);
  mkdirSync(varDir, { recursive: true });

  const stopped = stopSignal();
  const failure = new Promise((resolve) => stopped.addEventListener("abort", () => resolve(undefined)));
  let nodeFailed;
  const nodeFailure = new Promise((resolve) => (nodeFailed = resolve));
  const node = await startAnvil({
    port: number("port", 0, 65_535),
    blockTime: number("block-time", 1, 3600),
    chainId: number("chain-id", 1, 1e9),
    stateFile: options.state && path.resolve(options.state),
    extra: keepBlocks > 0 ? ["--transaction-block-keeper", String(keepBlocks)] : [],
    onExit: nodeFailed,
  });
  log.info(`chain ${node.chainId} at ${node.url}`);

  let children = [];
  try {
    await deploy({ rpcUrl: node.url, wsUrl: node.wsUrl, varDir, users, cooldown });
    if (!stopped.aborted) {
      children = programs(options, varDir, seed).map(([name, args]) => startProgram(name, args));
      log.info(`ready: ${path.join(varDir, "world.json")}`);
    }
    const reason = await Promise.race([failure, nodeFailure, ...children.map((child) => child.ended)]);
    if (!stopped.aborted) {
      log.warn(reason);
      process.exitCode = 1;
    }
  } finally {
    await Promise.all(children.map((child) => child.stop()));
    await node.stop();
  }
  log.info("stopped");
}

run(log, main);
