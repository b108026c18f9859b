#!/usr/bin/env node
// An executor of EconomyVault or BondingReserve: applies what it is sent to the chain and answers with what it reads back.
// Values go to `adjust`, bundles to `adjustAll`, amounts to the action's own function, up to the total that they name. It
// remembers nothing: what was done is the contract's knowledge.
//
//   node vault_executor.mjs --daemon HOST:PORT --rpc URL --contract NAME --address 0x... [--dies-after PARAMETER]
//
// --dies-after: kills itself with SIGKILL when this parameter's adjustment is on the chain and not yet answered.
import { parseArgs } from "node:util";
import { fileURLToPath } from "node:url";
import { artefact, bytes32 } from "../../../world/lib/chain.js";
import { formatUnits, refusalText } from "../../../world/lib/refusal.js";
import { connectTo, kController, kRecipients } from "./economy.mjs";
import { connect } from "./clients.mjs";
import { pause } from "./wait.mjs";

const kDecimals = 6; // of every amount
const kUpTo = { mint: "mintUpTo", burn: "burnUpTo", distribute: "distributeUpTo", buy_back: "buyBackUpTo" };
const kSlippagePercent = 1n;

const smallest = (...values) => values.reduce((a, b) => (a < b ? a : b));

/// {apply(adjustment)}: the answer, {applied} or {rejected}; throws when the outcome is not known.
export function makeApplier({ rpc, contract: name, address }) {
  const chain = connectTo(rpc);
  const contract = chain.contract(name, address);
  const orderOf = (a) => [BigInt(a.epoch), BigInt(a.expires.seconds)];
  const totalOf = (parameter) => contract.read("actionOf", bytes32(parameter));

  /// The least that all that is going to be spent must buy.
  async function leastBought(total, action) {
    const pool = chain.contract("EconomyPool", await contract.read("pool"));
    const spent = smallest(total - action.total, action.perMove, await contract.read("stabilityPool"));
    const out = await pool.read("outOf", spent, await pool.read("quoteReserve"), await pool.read("tokenReserve"));
    return (out * (100n - kSlippagePercent)) / 100n;
  }

  async function move(a) {
    const total = BigInt(a.units);
    const before = await totalOf(a.parameter);
    let reference = "";
    if (total > before.total) {
      const args = [bytes32(a.parameter), total];
      if (a.action.kind === "distribute") {
        args.push(a.action.transfers.map((x) => kRecipients[x.to]), a.action.transfers.map((x) => BigInt(x.units)));
      }
      if (a.action.kind === "buy_back") args.push(await leastBought(total, before));
      const receipt = await contract.send(kController, kUpTo[a.action.kind], ...args, BigInt(a.id), ...orderOf(a));
      reference = receipt.transactionHash;
    }
    const { total: reached } = await totalOf(a.parameter);
    return { applied: { value: formatUnits(reached, kDecimals), reference } };
  }

  async function isApplied(id, parameter) {
    return (await contract.read("applicationOf", bytes32(parameter), BigInt(id))).time !== 0n;
  }
  const valueOf = async (x) => formatUnits(await contract.read("valueOf", bytes32(x.parameter)), x.decimals);

  async function set(a) {
    let reference = "";
    if (!(await isApplied(a.id, a.parameter))) {
      const receipt = await contract.send(kController, "adjust", bytes32(a.parameter), BigInt(a.units), BigInt(a.id), ...orderOf(a));
      reference = receipt.transactionHash;
    }
    return { applied: { value: await valueOf(a), reference } };
  }

  async function setAll(a) {
    let reference = "";
    if (!(await isApplied(a.members[0].id, a.members[0].parameter))) {
      const column = (of) => a.members.map(of);
      const args = [column((m) => bytes32(m.parameter)), column((m) => BigInt(m.units)), column((m) => BigInt(m.id))];
      reference = (await contract.send(kController, "adjustAll", ...args, ...orderOf(a))).transactionHash;
    }
    const members = [];
    for (const m of a.members) members.push({ parameter: m.parameter, value: await valueOf(m) });
    return { applied: { members, reference } };
  }

  async function apply(a) {
    try {
      if (a.members.length > 0) return await setAll(a);
      return a.action && kUpTo[a.action.kind] ? await move(a) : await set(a);
    } catch (error) {
      const reason = refusalText(error, kDecimals);
      if (reason) return { rejected: { reason } };
      throw error;
    }
  }
  return { apply };
}

/// Subscribes and answers until `stopped()`; `seen` gets every adjustment with its answer. `t` closes the clients.
export async function runExecutor(t, { endpoint, apply, seen = [], name = "vault-executor", beforeAnswer, stopped = () => false }) {
  while (!stopped()) {
    const client = connect(t, endpoint(), "ActuatorService");
    try {
      for await (const adjustment of client.raw.Subscribe({ executor: name, parameters: [], after_id: "0" })) {
        const answer = await apply(adjustment);
        seen.push({ adjustment, answer });
        await beforeAnswer?.(adjustment, answer);
        await client.Acknowledge({ adjustment_id: adjustment.id, executor: name, ...answer });
      }
    } catch (error) {
      if (!stopped()) process.stderr.write(`vault-executor: ${error.message}\n`); // comes back, as an executor does
    } finally {
      client.close();
    }
    if (!stopped()) await pause(50);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = { type: "string" };
  const { values } = parseArgs({ options: { daemon: text, rpc: text, contract: text, address: text, "dies-after": text } });
  artefact(values.contract); // a wrong name is said at once
  const beforeAnswer = (a) => {
    if (a.parameter === values["dies-after"]) process.kill(process.pid, "SIGKILL");
  };
  await runExecutor({ after() {} }, { endpoint: () => values.daemon, ...makeApplier(values), beforeAnswer });
}
