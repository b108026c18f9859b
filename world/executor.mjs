#!/usr/bin/env node
// The EVM executor: takes adjustments from homeostatd, stores each in StreamEcosystem, answers what came of it.
//
// Adjustments are handled one at a time, in the order in which they come. Whatever happens in between - a lost
// connection, a restart, the same adjustment sent again - an id is applied at most once: the contract refuses a
// repeated id and remembers what each id did, so that the answer can be given again from the chain alone.
// An answer is only given when the outcome is known. While the node cannot be reached there is none to give, so the
// executor keeps asking, and the daemon's own time limit for answers decides what to make of the silence.
import { readFileSync } from "node:fs";
import path from "node:path";
import { connectActuator, isTransient } from "./lib/daemon.js";
import { makeApplier } from "./lib/applier.js";
import * as chain from "./lib/chain.js";
import { brief, makeBackoff, makeLog, parseOptions, run, sleep, stopSignal } from "./lib/program.js";

const log = makeLog("executor");

const help = `Apply homeostatd's adjustments to the StreamEcosystem contract and acknowledge them.

Usage: node world/executor.mjs [options]

  --daemon ADDR     homeostatd's gRPC address (default 127.0.0.1:7400)
  --ca FILE         use TLS and trust this authority (default: plain text, for loopback)
  --cert FILE, --key FILE   our own certificate, when the daemon asks for one
  --var DIR         where world.json and the controller's key are (default: var/world)
  --name NAME       what the daemon records as the executor (default evm-executor)
  --parameter NAME  only this one; may be repeated (default: all that the daemon has)
  --help            this text

Examples:
  node world/executor.mjs
  node world/executor.mjs --daemon 10.0.0.5:7400 --ca ca.pem --parameter transaction_fee`;

const kBackoff = { firstMs: 250, maxMs: 10_000 };

/// Asks until the outcome is known, or gives undefined when told to stop.
async function outcomeOf(applier, adjustment, stop) {
  const backoff = makeBackoff(kBackoff.firstMs, kBackoff.maxMs);
  while (!stop.aborted) {
    try {
      return await applier.apply(adjustment);
    } catch (error) {
      const waitMs = backoff.next();
      log.warn(`${adjustment.id}: outcome not known (${brief(error)}); again in ${waitMs} ms`);
      await sleep(waitMs, stop);
    }
  }
  return undefined;
}

function describe(adjustment, answer) {
  const move = `${adjustment.id}: ${adjustment.parameter} ${adjustment.previous} -> ${adjustment.value}`;
  if (answer.rejected) return `${move} REJECTED: ${answer.rejected.reason}`;
  return `${move} applied, read back ${answer.applied.value}, ${answer.applied.reference.slice(0, 12)} (${adjustment.why})`;
}

/// Sends the answer; an answer that the daemon can never take is reported and dropped.
async function acknowledge(daemon, adjustment, answer) {
  try {
    const response = await daemon.acknowledge(adjustment.id, answer);
    if (!response.recorded) log.info(`${adjustment.id}: ${response.message || "answered before"}`);
  } catch (error) {
    if (isTransient(error)) throw error;
    log.warn(`${adjustment.id}: the daemon does not take the answer: ${brief(error)}`);
  }
}

async function runExecutor({ daemon, applier, stop }) {
  const backoff = makeBackoff(kBackoff.firstMs, kBackoff.maxMs);
  let lastId = 0n; // everything up to here is answered
  let complaint = "";
  const onOpen = () => {
    log.info(`subscribed after id ${lastId}`);
    backoff.reset();
    complaint = "";
  };
  while (!stop.aborted) {
    try {
      for await (const adjustment of daemon.adjustments(lastId, stop, onOpen)) {
        const answer = await outcomeOf(applier, adjustment, stop);
        if (!answer) break;
        log.info(describe(adjustment, answer));
        await acknowledge(daemon, adjustment, answer);
        lastId = adjustment.id;
        backoff.reset();
      }
      if (!stop.aborted) log.info("the daemon ended the stream");
    } catch (error) {
      // The same complaint is made once, not once an attempt.
      if (!stop.aborted && brief(error) !== complaint) log.warn(`${(complaint = brief(error))}; trying again`);
    }
    await sleep(backoff.next(), stop);
  }
}

async function main() {
  const options = parseOptions(help, {
    daemon: { type: "string", default: "127.0.0.1:7400" },
    ca: { type: "string" },
    cert: { type: "string" },
    key: { type: "string" },
    var: { type: "string", default: chain.kDefaultVar },
    name: { type: "string", default: "evm-executor" },
    parameter: { type: "string", multiple: true, default: [] },
  });
  const stop = stopSignal();
  const world = chain.readWorld(path.join(path.resolve(options.var), "world.json"));
  const privateKey = readFileSync(world.key_files.controller, "utf8").trim();
  const applier = makeApplier({ world, privateKey });
  await applier.check();
  const { ca, cert, key } = options;
  const address = options.daemon;
  const daemon = connectActuator({
    address,
    executor: options.name,
    parameters: options.parameter,
    tls: { ca, cert, key },
  });
  log.info(`${applier.account} on chain ${world.chain_id}, daemon ${address}`);
  await runExecutor({ daemon, applier, stop });
  daemon.close();
  log.info("stopped");
}

run(log, main);
