#!/usr/bin/env node
// The users of the streaming economy: sends what the behaviour model (lib/behaviour.js) makes them do, once a second,
// and plays the treasurer, who keeps the reserve between two marks by growing and shrinking the supply.
import path from "node:path";
import { decodeFunctionResult, encodeFunctionData, formatEther, toHex } from "viem";
import { Population } from "./lib/behaviour.js";
import * as chain from "./lib/chain.js";
import { makeBackoff, makeLog, parseOptions, run, sleep, stopSignal, wholeNumber } from "./lib/program.js";
import { survey } from "./lib/survey.js";

const log = makeLog("traffic");

const help = `Users of the streaming economy that react to its fees and rewards.

Usage: node world/traffic.mjs [options]

  --var DIR      where world.json is (default: var/world)
  --seed N       another seed gives other users, cycles and shocks (default 1)
  --calm         no cycles and no shocks: users react to the parameters alone
  --steps N      stop after N seconds of traffic (default 0: until told)
  --survey       no chain: print the metrics that the model settles at for a range of parameters
  --window SEC   window of the survey's metrics (default 30)
  --users N      users of the survey (default 240)
  --help         this text

Examples:
  node world/traffic.mjs --seed 7
  node world/traffic.mjs --survey --window 60`;

const kStepMs = 1000;
const kBalancesEverySteps = 15;
const kTreasurerEverySteps = 20;
const kPoolEverySteps = 10;
const kReportEverySteps = 15;
/// Seconds without a new block after which users wait instead of filling the node's pool.
const kStillBlocksMax = 5;
const kGas = toHex(250_000);
/// The reserve's share of the supply, in percent, and how much of the supply one correction is.
const kReserve = { min: 10n, max: 40n, step: 1n };

const token = chain.artefact("StreamToken").abi;
const ecosystem = chain.artefact("StreamEcosystem").abi;

/// Reads of contract views as one batch: [[address, abi, functionName, args], ...].
async function readAll(rpc, reads) {
  const calls = reads.map(([to, abi, functionName, args = []]) => [
    "eth_call",
    [{ to, data: encodeFunctionData({ abi, functionName, args }) }, "latest"],
  ]);
  const results = await rpc.batch(calls);
  return results.map((data, i) => {
    if (data instanceof Error) throw data;
    return decodeFunctionResult({ abi: reads[i][1], functionName: reads[i][2], data });
  });
}

class Traffic {
  constructor(rpc, world, population) {
    this.x_rpc = rpc;
    this.x_contracts = world.contracts;
    this.x_population = population;
    this.x_users = Array.from({ length: world.users }, (_, i) => chain.userAddress(i));
    this.x_nonces = undefined; // read from the chain at the start and after a refusal
    this.x_balances = [];
    this.x_block = { number: -1, stillSteps: 0 };
    this.x_waiting = new Set(); // users with transactions that the node cannot mine yet, at the last look
    this.x_sent = 0;
    this.x_refused = 0;
    this.x_reserveNote = "";
  }

  async step(number) {
    const parameters = await this.x_readParameters();
    if (number % kPoolEverySteps === 0) await this.x_tendPool();
    if (!this.x_nonces) await this.x_readNonces();
    if (number % kBalancesEverySteps === 0) await this.x_readBalances();
    if (number % kTreasurerEverySteps === 0) await this.x_tendReserve();
    const actions = this.x_population.step(kStepMs / 1000, parameters);
    if (this.x_block.stillSteps >= kStillBlocksMax) {
      if (this.x_block.stillSteps === kStillBlocksMax) log.warn("the chain makes no blocks; users wait");
    } else {
      await this.x_send(actions);
    }
    if (number % kReportEverySteps === 0 && number > 0) this.x_report(parameters);
  }

  async x_readParameters() {
    const names = Object.keys(chain.kParameters);
    const reads = names.map((name) => [this.x_contracts.ecosystem, ecosystem, "valueOf", [chain.bytes32(name)]]);
    const [values, block] = await Promise.all([readAll(this.x_rpc, reads), this.x_rpc.call("eth_blockNumber")]);
    const still = Number(block) === this.x_block.number;
    this.x_block = { number: Number(block), stillSteps: still ? this.x_block.stillSteps + 1 : 0 };
    return Object.fromEntries(names.map((name, i) => [name, Number(values[i]) / 10 ** chain.kParameters[name]]));
  }

  async x_readNonces() {
    const counts = await this.x_rpc.batch(this.x_users.map((user) => ["eth_getTransactionCount", [user, "pending"]]));
    const failed = counts.find((count) => count instanceof Error);
    if (failed) throw failed;
    this.x_nonces = counts.map(Number);
  }

  /// A transaction that is pooled just after the one before it was mined waits for ever, and all later ones of its user
  /// with it. What still waits when it is looked at again is thrown away and the nonces are read anew.
  async x_tendPool() {
    const { queued } = await this.x_rpc.call("txpool_content");
    const waiting = this.x_users.filter((user) => queued[user.toLowerCase()]);
    const stuck = waiting.filter((user) => this.x_waiting.has(user));
    this.x_waiting = new Set(waiting);
    if (stuck.length === 0) return;
    await this.x_rpc.batch(stuck.map((user) => ["anvil_removePoolTransactions", [user]]));
    this.x_nonces = undefined;
    log.warn(`${stuck.length} users waited for a transaction that was mined already; what waited is dropped`);
  }

  async x_readBalances() {
    const reads = this.x_users.map((user) => [this.x_contracts.token, token, "balanceOf", [user]]);
    this.x_balances = await readAll(this.x_rpc, reads);
  }

  async x_send(actions) {
    const calls = [];
    const senders = [];
    for (const action of actions) {
      const call = this.x_callOf(action);
      if (!call) continue;
      const nonce = this.x_nonces[action.user]++;
      calls.push([
        "eth_sendTransaction",
        [{ from: this.x_users[action.user], gas: kGas, nonce: toHex(nonce), ...call }],
      ]);
      senders.push(action.user);
    }
    if (calls.length === 0) return;
    let results;
    try {
      results = await this.x_rpc.batch(calls);
    } catch (error) {
      this.x_nonces = undefined; // which of them arrived is not known
      throw error;
    }
    const refusals = results.filter((result) => result instanceof Error);
    this.x_sent += calls.length - refusals.length;
    if (refusals.length === 0) return;
    this.x_refused += refusals.length;
    this.x_nonces = undefined;
    log.warn(`${refusals.length} of ${calls.length} transactions refused, the first: ${refusals[0].message}`);
  }

  /// {to, data} of an action, or undefined when the user cannot pay for it.
  x_callOf(action) {
    const { ecosystem: platform, token: tokenAddress } = this.x_contracts;
    const amount = action.share === undefined ? 0n : this.x_amount(action);
    if (action.share !== undefined && amount === 0n) return undefined;
    const call = (to, abi, functionName, args) => ({ to, data: encodeFunctionData({ abi, functionName, args }) });
    switch (action.kind) {
      case "view":
        return call(platform, ecosystem, "watch", [this.x_users[action.creator]]);
      case "upload":
        return call(platform, ecosystem, "upload", [BigInt(Math.round(action.quality * 1000))]);
      case "tip":
        return call(platform, ecosystem, "tip", [this.x_users[action.creator], amount]);
      case "pay":
        return call(tokenAddress, token, "transfer", [this.x_users[action.to], amount]);
      case "purchase":
        return call(tokenAddress, token, "transfer", [platform, amount]);
      default:
        throw new Error(`the model made an unknown action "${action.kind}"`);
    }
  }

  x_amount(action) {
    return ((this.x_balances[action.user] ?? 0n) * BigInt(Math.round(action.share * 1e6))) / 1_000_000n;
  }

  async x_tendReserve() {
    const { ecosystem: reserveAddress, token: to } = this.x_contracts;
    const [supply, reserve] = await readAll(this.x_rpc, [
      [to, token, "totalSupply"],
      [to, token, "balanceOf", [reserveAddress]],
    ]);
    const share = (reserve * 100n) / supply;
    this.x_reserveNote = `reserve ${share} % of ${Math.round(Number(formatEther(supply)))} STREAM`;
    const functionName = share < kReserve.min ? "mint" : share > kReserve.max ? "burn" : undefined;
    if (!functionName) return;
    const amount = (supply * kReserve.step) / 100n;
    const data = encodeFunctionData({ abi: token, functionName, args: [amount] });
    const [result] = await this.x_rpc.batch([["eth_sendTransaction", [{ from: chain.kTreasurer, to, data }]]]);
    const outcome = result instanceof Error ? `was refused: ${result.message}` : "sent";
    log.info(`treasurer: reserve at ${share} % of the supply, ${functionName} of ${formatEther(amount)} ${outcome}`);
  }

  x_report(p) {
    const perSecond = (this.x_sent / kReportEverySteps).toFixed(0);
    this.x_sent = 0;
    log.info(
      `block ${this.x_block.number}: ${perSecond} tx/s, ${this.x_population.online()} of ${this.x_users.length} users ` +
        `online; fee ${(p.transaction_fee * 100).toFixed(2)} %, creator reward ${p.creator_reward.toFixed(2)}, ` +
        `viewer incentive ${p.viewer_incentive.toFixed(4)}, quality threshold ${p.quality_threshold.toFixed(3)}; ` +
        this.x_reserveNote,
    );
  }
}

async function runTraffic({ varDir, seed, calm, steps }) {
  const stop = stopSignal();
  const world = chain.readWorld(path.join(varDir, "world.json"));
  const onShock = (text) => log.info(text);
  const population = new Population({ users: world.users, seed, calm, onShock });
  const traffic = new Traffic(chain.makeRpc(world.rpc), world, population);
  const backoff = makeBackoff(500, 10_000);
  log.info(`${world.users} users on ${world.rpc}, seed ${seed}${calm ? ", calm" : ""}`);
  let nextAt = Date.now();
  for (let number = 0; !stop.aborted && (steps === 0 || number < steps); number++) {
    try {
      await traffic.step(number);
      backoff.reset();
      nextAt += kStepMs;
      // Steps missed while the node was slow are left out, not made up for: a burst would be the world's own shock.
      if (Date.now() > nextAt) nextAt = Date.now();
      await sleep(nextAt - Date.now(), stop);
    } catch (error) {
      if (stop.aborted) break;
      const waitMs = backoff.next();
      log.warn(`${error.message}; again in ${waitMs} ms`);
      await sleep(waitMs, stop);
      nextAt = Date.now();
    }
  }
  log.info("stopped");
}

async function main() {
  const options = parseOptions(help, {
    var: { type: "string", default: chain.kDefaultVar },
    seed: { type: "string", default: "1" },
    calm: { type: "boolean", default: false },
    steps: { type: "string", default: "0" },
    survey: { type: "boolean", default: false },
    window: { type: "string", default: "30" },
    users: { type: "string", default: "240" },
  });
  const seed = wholeNumber("seed", options.seed, 0, 0xffffffff);
  if (options.survey) {
    const window = wholeNumber("window", options.window, 1, 3600);
    console.log(survey({ users: wholeNumber("users", options.users, 2, 2000), seed, window }));
    return;
  }
  const steps = wholeNumber("steps", options.steps, 0, 1e9);
  await runTraffic({ varDir: path.resolve(options.var), seed, calm: options.calm, steps });
}

run(log, main);
