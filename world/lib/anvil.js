// A local EVM node: finds Foundry's anvil, starts it, waits until it listens, stops it.
import { spawn } from "node:child_process";
import { accessSync, constants, readdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");

/// How long a node may take to listen: it needs about 0.2 s here, more on a machine that is compiling.
const kStartTimeoutMs = 30_000;
/// How long a node may take to write its state and end before it is killed.
const kStopTimeoutMs = 10_000;
/// Past states the node can still be asked about; without a limit it grows by 1 GB an hour for these alone.
const kStatesKept = 128;
/// Lines of the node's own output kept for an error message.
const kTailLines = 20;

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/// Candidates, best first: what the operator named, the npm package of this platform, the PATH.
function candidates() {
  const list = [];
  if (process.env.HOMEOSTAT_ANVIL) list.push(process.env.HOMEOSTAT_ANVIL);
  const scope = path.join(root, "node_modules/@foundry-rs");
  const cpu = process.arch === "x64" ? "amd64" : process.arch;
  try {
    const packages = readdirSync(scope).filter((name) => name === `anvil-${process.platform}-${cpu}`);
    list.push(...packages.map((name) => path.join(scope, name, "bin/anvil")));
  } catch {
    // No npm packages installed: the PATH may still have one.
  }
  list.push(...(process.env.PATH ?? "").split(path.delimiter).map((folder) => path.join(folder, "anvil")));
  return list;
}

export function findAnvil() {
  const found = candidates().find(isExecutable);
  if (found) return found;
  throw new Error(
    `no anvil for ${process.platform}-${process.arch}: run "npm ci", or set HOMEOSTAT_ANVIL to the program ` +
      `(on other platforms than x86-64 Linux install Foundry and put anvil on the PATH)`,
  );
}

/// Starts a node and resolves when it listens.
///   port            0 takes a free one
///   blockTime       seconds between blocks; 0 mines each transaction at once
///   slots           slots in an epoch: "safe" is so many blocks behind the head, "finalized" twice as many
///   stateFile       loads the chain from here and saves it here at the end; undefined: the chain lives in memory
///   onExit(reason)  called once if the node ends without having been asked to
export async function startAnvil({ port = 0, blockTime = 1, chainId = 31337, slots = 1, stateFile, extra = [], onExit } = {}) {
  const args = ["--host", "127.0.0.1", "--port", String(port), "--chain-id", String(chainId), "--accounts", "10"];
  // fifo: transactions of one batch keep their order.
  args.push("--order", "fifo", "--auto-impersonate", "--slots-in-an-epoch", String(slots), "--gas-limit", "100000000");
  args.push("--prune-history", String(kStatesKept));
  if (blockTime > 0) args.push("--block-time", String(blockTime));
  if (stateFile) args.push("--state", stateFile);
  const child = spawn(findAnvil(), [...args, ...extra], { stdio: ["ignore", "pipe", "pipe"] });

  // Whatever ends us, short of SIGKILL, ends the node too.
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);

  const tail = [];
  let stopping = false;
  const exited = new Promise((resolve) => {
    child.once("error", (error) => resolve(`could not start: ${error.message}`));
    child.once("exit", (code, signal) => resolve(`ended with ${signal ?? `exit code ${code}`}`));
  });

  exited.then(() => process.off("exit", kill));

  const boundPort = await listening(child, exited, tail);
  exited.then((reason) => {
    if (!stopping) onExit?.(`anvil ${reason}\n${tail.join("\n")}`);
  });

  async function stop() {
    stopping = true;
    child.kill("SIGINT"); // anvil saves its state on SIGINT
    const timer = setTimeout(() => child.kill("SIGKILL"), kStopTimeoutMs);
    await exited;
    clearTimeout(timer);
  }
  const address = `127.0.0.1:${boundPort}`;
  return { url: `http://${address}`, wsUrl: `ws://${address}`, chainId, pid: child.pid, stop, exited };
}

function listening(child, exited, tail) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new Error(`anvil did not listen within ${kStartTimeoutMs / 1000} s\n${tail.join("\n")}`));
    }, kStartTimeoutMs);
    exited.then((reason) => {
      clearTimeout(timer);
      reject(new Error(`anvil ${reason}\n${tail.join("\n")}`));
    });
    let rest = "";
    const read = (chunk) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop().slice(-1000);
      for (const line of lines) {
        if (line.trim() === "") continue;
        tail.push(line);
        if (tail.length > kTailLines) tail.shift();
        const match = /^Listening on .*:(\d+)$/.exec(line.trim());
        if (!match) continue;
        clearTimeout(timer);
        resolve(Number(match[1]));
      }
    };
    child.stdout.setEncoding("utf8").on("data", read);
    child.stderr.setEncoding("utf8").on("data", read);
  });
}
