#!/usr/bin/env node
// Shows the streaming economy as the chain has it, and lets a guardian pause the contract.
import path from "node:path";
import { createPublicClient, encodeFunctionData, formatEther, http } from "viem";
import { artefact, kDefaultVar, makeRpc, nameOf, readWorld } from "./lib/chain.js";
import { makeLog, parseOptions, run, sleep, stopSignal, wholeNumber } from "./lib/program.js";
import { formatUnits } from "./lib/refusal.js";

const log = makeLog("chain");

const help = `Show the parameters of the StreamEcosystem contract, its last adjustments and the token's supply.

Usage: node world/inspect.mjs [options]

  --var DIR    where world.json is (default: var/world)
  --last N     how many adjustments to list (default 10)
  --follow     then print each further adjustment as it is mined, until Ctrl-C
  --pause      as the guardian: make the contract refuse adjustments
  --unpause    as the guardian: let it accept them again
  --json       for programs
  --help       this text

Examples:
  node world/inspect.mjs --follow
  node world/inspect.mjs --pause`;

const kFollowMs = 1000;
const kReceiptTimeoutMs = 30_000;

function makeView(world) {
  const client = createPublicClient({ transport: http(world.rpc), cacheTime: 0, pollingInterval: 250 });
  const ecosystem = { address: world.contracts.ecosystem, abi: artefact("StreamEcosystem").abi };
  const token = { address: world.contracts.token, abi: artefact("StreamToken").abi };
  const read = (contract, functionName, args = []) => client.readContract({ ...contract, functionName, args });

  async function parameters() {
    const ids = await read(ecosystem, "parameterIds");
    return Promise.all(
      ids.map(async (id) => {
        const p = await read(ecosystem, "parameterOf", [id]);
        const text = (value) => formatUnits(value, p.decimals);
        return {
          name: nameOf(id),
          value: text(p.value),
          min: text(p.min),
          max: text(p.max),
          largest_change: text(p.maxChange),
          last_id: Number(p.lastId),
          last_change: p.lastChange === 0n ? null : new Date(Number(p.lastChange) * 1000).toISOString(),
          decimals: p.decimals,
        };
      }),
    );
  }

  async function adjustments(fromBlock, decimals) {
    const logs = await client.getContractEvents({ ...ecosystem, eventName: "ParameterAdjusted", fromBlock });
    return logs.map(({ args, blockNumber, transactionHash }) => {
      const name = nameOf(args.parameter);
      return {
        id: Number(args.id),
        epoch: Number(args.epoch),
        parameter: name,
        from: formatUnits(args.oldValue, decimals.get(name)),
        to: formatUnits(args.newValue, decimals.get(name)),
        block: Number(blockNumber),
        transaction: transactionHash,
      };
    });
  }

  async function supply() {
    const [total, circulating] = await Promise.all([read(token, "totalSupply"), read(token, "circulating")]);
    return { total: formatEther(total), circulating: formatEther(circulating) };
  }

  async function state(last) {
    const [list, paused, users, amounts, block] = await Promise.all([
      parameters(),
      read(ecosystem, "paused"),
      read(ecosystem, "userCount"),
      supply(),
      client.getBlockNumber(),
    ]);
    const decimals = new Map(list.map((p) => [p.name, p.decimals]));
    const all = await adjustments(BigInt(world.first_block), decimals);
    const latest = last > 0 ? all.slice(-last) : [];
    return {
      block: Number(block),
      paused,
      users: Number(users),
      supply: amounts,
      parameters: list,
      adjustments: latest,
    };
  }

  /// `functionName` is pause or unpause; nothing happens when it is so already.
  async function setPaused(functionName) {
    if ((await read(ecosystem, "paused")) === (functionName === "pause")) return;
    const data = encodeFunctionData({ abi: ecosystem.abi, functionName });
    const transaction = { from: world.roles.guardian, to: ecosystem.address, data };
    const hash = await makeRpc(world.rpc).call("eth_sendTransaction", [transaction]);
    const receipt = await client.waitForTransactionReceipt({ hash, timeout: kReceiptTimeoutMs });
    if (receipt.status !== "success") throw new Error(`${functionName} was reverted: ${hash}`);
  }
  return { state, adjustments, setPaused };
}

function line(adjustment) {
  const { id, parameter, from, to, block, transaction } = adjustment;
  return `  block ${String(block).padEnd(7)} id ${String(id).padEnd(6)} ${parameter.padEnd(18)} ${from} -> ${to}  ${transaction.slice(0, 14)}`;
}

function print(state) {
  console.log(
    `block ${state.block}, ${state.users} users, adjustments ${state.paused ? "PAUSED by a guardian" : "accepted"}`,
  );
  console.log(`supply ${state.supply.total} STREAM, circulating ${state.supply.circulating}`);
  for (const p of state.parameters) {
    const change = p.last_change ? `last changed ${p.last_change} by ${p.last_id}` : "never changed";
    console.log(
      `  ${p.name.padEnd(18)} ${p.value.padStart(8)}  in ${p.min} to ${p.max}, by ${p.largest_change} at most; ${change}`,
    );
  }
  if (state.adjustments.length > 0) console.log("adjustments:");
  for (const adjustment of state.adjustments) console.log(line(adjustment));
}

async function follow(view, state) {
  const stop = stopSignal();
  const decimals = new Map(state.parameters.map((p) => [p.name, p.decimals]));
  let next = state.block + 1;
  while (!stop.aborted) {
    for (const adjustment of await view.adjustments(BigInt(next), decimals)) {
      console.log(line(adjustment));
      next = adjustment.block + 1;
    }
    await sleep(kFollowMs, stop);
  }
}

async function main() {
  const options = parseOptions(help, {
    var: { type: "string", default: kDefaultVar },
    last: { type: "string", default: "10" },
    follow: { type: "boolean", default: false },
    pause: { type: "boolean", default: false },
    unpause: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  });
  const last = wholeNumber("last", options.last, 0, 10_000);
  if (options.pause && options.unpause) throw new Error("--pause and --unpause exclude each other");
  const view = makeView(readWorld(path.join(path.resolve(options.var), "world.json")));
  if (options.pause) await view.setPaused("pause");
  if (options.unpause) await view.setPaused("unpause");
  const state = await view.state(last);
  if (options.json) console.log(JSON.stringify(state, null, 2));
  else print(state);
  if (options.follow) await follow(view, state);
}

run(log, main);
