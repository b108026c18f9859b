#!/usr/bin/env node
// The reporter: writes the metrics that homeostatd acts on into StreamMetricsOracle, so that contracts and auditors can
// read on the chain what the controller saw. Only readings that the daemon itself trusts are written.
import { readFileSync } from "node:fs";
import path from "node:path";
import { createPublicClient, createWalletClient, defineChain, http } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { artefact, bytes32, kDefaultVar, nameOf, readWorld } from "./lib/chain.js";
import { connectMetrics } from "./lib/daemon.js";
import { brief, makeBackoff, makeLog, parseOptions, run, sleep, stopSignal, wholeNumber } from "./lib/program.js";
import { refusalText } from "./lib/refusal.js";

const log = makeLog("reporter");

const help = `Record homeostatd's metrics in the StreamMetricsOracle contract.

Usage: node world/reporter.mjs [options]

  --daemon ADDR   homeostatd's gRPC address (default 127.0.0.1:7400)
  --ca FILE       use TLS and trust this authority (default: plain text, for loopback)
  --cert FILE, --key FILE   our own certificate, when the daemon asks for one
  --var DIR       where world.json and the reporter's key are (default: var/world)
  --every SEC     seconds between two records (default 15)
  --help          this text

Example: node world/reporter.mjs --every 60`;

const kDecimals = 6;
const kGas = 200_000n;
const kReceiptTimeoutMs = 30_000;
/// The qualities that the controller acts on.
const kTrusted = new Set(["QUALITY_OK", "QUALITY_DEGRADED", "QUALITY_RATE_LIMITED"]);
const kBackoff = { firstMs: 500, maxMs: 15_000 };

function makeRecorder(world, privateKey) {
  const { abi } = artefact("StreamMetricsOracle");
  const address = world.contracts.metrics_oracle;
  const account = privateKeyToAccount(privateKey);
  const chain = defineChain({
    id: world.chain_id,
    name: "world",
    nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
    rpcUrls: { default: { http: [world.rpc] } },
  });
  const transport = http(world.rpc, { timeout: 10_000, retryCount: 0 });
  const client = createPublicClient({ chain, transport, pollingInterval: 250, cacheTime: 0 });
  const wallet = createWalletClient({ chain, transport, account });

  async function record({ name, value, time_s }) {
    const args = [bytes32(name), BigInt(Math.round(value * 10 ** kDecimals)), BigInt(Math.floor(time_s))];
    try {
      await client.simulateContract({ address, abi, functionName: "report", args, account });
    } catch (error) {
      const reason = refusalText(error, kDecimals);
      if (!reason) throw error;
      return reason;
    }
    const hash = await wallet.writeContract({ address, abi, functionName: "report", args, gas: kGas });
    await client.waitForTransactionReceipt({ hash, timeout: kReceiptTimeoutMs });
    return undefined;
  }

  async function lastTimes() {
    const ids = await client.readContract({ address, abi, functionName: "metricIds" });
    const read = (id) => client.readContract({ address, abi, functionName: "metricOf", args: [id] });
    return new Map(await Promise.all(ids.map(async (id) => [nameOf(id), Number((await read(id)).observedAt)])));
  }
  return { record, lastTimes };
}

/// One round: every metric that the contract knows, that is trusted and newer than its last record.
async function report(daemon, recorder) {
  const last = await recorder.lastTimes();
  const due = (await daemon.metrics()).filter(
    ({ name, value, quality, time_s }) =>
      last.has(name) &&
      kTrusted.has(quality) &&
      value >= 0 &&
      time_s !== undefined &&
      Math.floor(time_s) > last.get(name),
  );
  const outcomes = await inTurn(due, async (metric) => ({ metric, reason: await recorder.record(metric) }));
  const recorded = outcomes
    .filter(({ reason }) => !reason)
    .map(({ metric }) => `${metric.name} ${metric.value.toPrecision(4)}`);
  if (recorded.length > 0) log.info(`recorded ${recorded.join(", ")}`);
  for (const { metric, reason } of outcomes) if (reason) log.warn(`${metric.name}: ${reason}`);
}

/// One after the other: they come from one account, whose transactions are numbered.
async function inTurn(items, task) {
  const results = [];
  for (const item of items) results.push(await task(item));
  return results;
}

async function main() {
  const options = parseOptions(help, {
    daemon: { type: "string", default: "127.0.0.1:7400" },
    ca: { type: "string" },
    cert: { type: "string" },
    key: { type: "string" },
    var: { type: "string", default: kDefaultVar },
    every: { type: "string", default: "15" },
  });
  const everyMs = wholeNumber("every", options.every, 1, 86_400) * 1000;
  const stop = stopSignal();
  const world = readWorld(path.join(path.resolve(options.var), "world.json"));
  const recorder = makeRecorder(world, readFileSync(world.key_files.reporter, "utf8").trim());
  const { ca, cert, key } = options;
  const daemon = connectMetrics({ address: options.daemon, tls: { ca, cert, key } });
  const backoff = makeBackoff(kBackoff.firstMs, kBackoff.maxMs);
  let complaint = "";
  while (!stop.aborted) {
    try {
      await report(daemon, recorder);
      backoff.reset();
      complaint = "";
      await sleep(everyMs, stop);
    } catch (error) {
      const text = brief(error);
      // The same complaint is made once, not once an attempt.
      if (!stop.aborted && text !== complaint) log.warn(`${(complaint = text)}; trying again`);
      await sleep(backoff.next(), stop);
    }
  }
  daemon.close();
  log.info("stopped");
}

run(log, main);
