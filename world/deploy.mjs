#!/usr/bin/env node
// Deploys the streaming economy on a development node, registers and funds its users, and writes world.json.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { encodeDeployData, encodeFunctionData, getContractAddress, keccak256, parseEther, toHex } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import * as chain from "./lib/chain.js";
import { makeLog, parseOptions, run, sleep, wholeNumber } from "./lib/program.js";

const log = makeLog("deploy");

const help = `Deploy the streaming economy on a development node (anvil) and describe it in world.json.

Usage: node world/deploy.mjs [options]

  --rpc URL        the node (default http://127.0.0.1:8545)
  --var DIR        where world.json and the keys go (default: var/world)
  --users N        users to register, 2 to 2000 (default 240)
  --cooldown SEC   least seconds between two adjustments of one parameter (default 2)
  --help           this text

A chain that already has the contracts is described again, not deployed twice.

Example: node world/deploy.mjs --rpc http://127.0.0.1:8545 --users 100`;

/// The distribution: every user starts with the same, the reserve with a quarter of what they hold together.
const kUserTokens = parseEther("10000");
/// In ten minutes the supply moves by at most 5 % in either direction.
const kSupplyEpochSeconds = 600n;
const kSupplyCap = 500;
const kGas = "0x1c9c380"; // 30,000,000, for deployments; other transactions use far less than kUserGas
const kUserGas = "0x3d090"; // 250,000
const kReceiptTimeoutMs = 60_000;

/// Bounds of the on-chain record: 6 decimals, at most one report in five seconds.
const kMetrics = {
  creator_viewer_ratio: 1_000n,
  daily_active_share: 1n,
  content_rate: 1_000_000n,
  transaction_frequency: 100_000n,
  token_velocity: 100_000n,
  reward_efficiency: 1_000_000n,
};

function transaction(from, to, abi, functionName, args, gas = kUserGas) {
  return ["eth_sendTransaction", [{ from, to, gas, data: encodeFunctionData({ abi, functionName, args }) }]];
}

/// Numbers the transactions of each sender: the node works on the calls of a batch at the same time.
async function withNonces(rpc, calls) {
  const senders = [...new Set(calls.map(([, [tx]]) => tx.from))];
  const counts = await rpc.batch(senders.map((from) => ["eth_getTransactionCount", [from, "pending"]]));
  const next = new Map(senders.map((from, i) => [from, Number(counts[i])]));
  return calls.map(([method, [tx]]) => {
    const nonce = next.get(tx.from);
    next.set(tx.from, nonce + 1);
    return [method, [{ ...tx, nonce: toHex(nonce) }]];
  });
}

/// Puts all transactions into the node's pool while it makes no blocks. A transaction that the node has checked but not yet
/// pooled when the one before it is mined would wait for that one for ever: to the pool its predecessor is unknown.
/// Returns the hashes, and a function that makes a block if the node makes none by itself.
async function pool(rpc, calls) {
  const [automine, interval] = await rpc.batch([["anvil_getAutomine", []], ["anvil_getIntervalMining", []]]);
  await rpc.batch([["anvil_setIntervalMining", [0]], ["evm_setAutomine", [false]]]);
  try {
    const hashes = await rpc.batch(await withNonces(rpc, calls));
    return { hashes, mine: () => automine === true && rpc.call("evm_mine") };
  } finally {
    if (automine === true) await rpc.call("evm_setAutomine", [true]);
    else if (interval > 0) await rpc.call("anvil_setIntervalMining", [interval]);
  }
}

/// Sends all, waits until all are mined, and throws with the name of the first that failed.
async function sendAll(rpc, calls) {
  const { hashes, mine } = await pool(rpc, calls);
  const refused = hashes.find((hash) => hash instanceof chain.RpcError);
  if (refused) throw refused;
  const deadline = Date.now() + kReceiptTimeoutMs;
  await mine();
  let receipts = await rpc.batch(hashes.map((hash) => ["eth_getTransactionReceipt", [hash]]));
  while (receipts.some((receipt) => receipt === null)) {
    if (Date.now() > deadline) throw new Error(`not mined within ${kReceiptTimeoutMs / 1000} s; is the node mining?`);
    await sleep(200);
    await mine();
    receipts = await rpc.batch(hashes.map((hash) => ["eth_getTransactionReceipt", [hash]]));
  }
  const failed = receipts.findIndex((receipt) => receipt?.status !== "0x1");
  if (failed >= 0) throw new Error(`transaction ${failed + 1} of ${calls.length} was reverted: ${hashes[failed]}`);
  return receipts;
}

function readOrMakeKey(file) {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
    const key = generatePrivateKey();
    writeFileSync(file, `${key}\n`, { mode: 0o600 });
    return key;
  }
}

function grant(to, item, role, account) {
  return transaction(chain.kAdmin, to, item.abi, "grantRole", [keccak256(toHex(role)), account]);
}

/// The executor's key can adjust and the reporter's record metrics, and neither can do anything else.
function grantKeys(contracts, { controller, reporter }) {
  return [
    grant(contracts.ecosystem, chain.artefact("StreamEcosystem"), "CONTROLLER_ROLE", controller),
    grant(contracts.metrics_oracle, chain.artefact("StreamMetricsOracle"), "REPORTER_ROLE", reporter),
  ];
}

function reserveOf(users) {
  return (kUserTokens * BigInt(users)) / 4n;
}

async function deployContracts(rpc, contracts, keys, users, cooldown) {
  const admin = chain.kAdmin;
  const token = chain.artefact("StreamToken");
  const ecosystem = chain.artefact("StreamEcosystem");
  const oracle = chain.artefact("StreamMetricsOracle");
  const create = (item, args) => [
    "eth_sendTransaction",
    [{ from: admin, gas: kGas, data: encodeDeployData({ ...item, args }) }],
  ];
  const supply = kUserTokens * BigInt(users) + reserveOf(users);

  const calls = [
    create(token, [admin, supply, kSupplyEpochSeconds, kSupplyCap]),
    create(ecosystem, [admin, contracts.token, cooldown]),
    create(oracle, [admin]),
    grant(contracts.token, token, "SUPPLY_ROLE", chain.kTreasurer),
    grant(contracts.ecosystem, ecosystem, "GUARDIAN_ROLE", chain.kGuardian),
    grant(contracts.ecosystem, ecosystem, "GOVERNANCE_ROLE", admin),
    grant(contracts.metrics_oracle, oracle, "GOVERNANCE_ROLE", admin),
    ...grantKeys(contracts, keys),
  ];
  for (const [name, max] of Object.entries(kMetrics)) {
    const args = [chain.bytes32(name), 0n, max * 1_000_000n, 5];
    calls.push(transaction(admin, contracts.metrics_oracle, oracle.abi, "defineMetric", args));
  }
  const receipts = await sendAll(rpc, calls);
  return Number(receipts[0].blockNumber);
}

async function registerUsers(rpc, contracts, users) {
  const token = chain.artefact("StreamToken").abi;
  const ecosystem = chain.artefact("StreamEcosystem").abi;
  const addresses = Array.from({ length: users }, (_, i) => chain.userAddress(i));
  const ether = toHex(parseEther("1000"));
  await rpc.batch(addresses.map((address) => ["anvil_setBalance", [address, ether]]));
  const max = 2n ** 256n - 1n;
  const calls = addresses.flatMap((user) => [
    transaction(chain.kAdmin, contracts.token, token, "transfer", [user, kUserTokens]),
    transaction(user, contracts.token, token, "approve", [contracts.ecosystem, max]),
    transaction(user, contracts.ecosystem, ecosystem, "register", []),
  ]);
  await sendAll(rpc, calls);
}

/// Binds the token to its economy, after the distribution: from here on transfers are payments and cost a fee.
async function openForBusiness(rpc, contracts, users) {
  const token = chain.artefact("StreamToken").abi;
  await sendAll(rpc, [
    transaction(chain.kAdmin, contracts.token, token, "bind", [contracts.ecosystem, contracts.ecosystem]),
    transaction(chain.kAdmin, contracts.token, token, "transfer", [contracts.ecosystem, reserveOf(users)]),
  ]);
}

async function isDeployed(rpc, contracts) {
  const codes = await rpc.batch(Object.values(contracts).map((address) => ["eth_getCode", [address, "latest"]]));
  const present = codes.filter((code) => typeof code === "string" && code.length > 2).length;
  if (present !== 0 && present !== codes.length)
    throw new Error("this chain has some of the contracts but not all; use a fresh one");
  return present !== 0;
}

/// How many of the wanted users a chain that was deployed earlier has.
async function registeredUsers(rpc, contracts, wanted) {
  const { abi } = chain.artefact("StreamEcosystem");
  const data = encodeFunctionData({ abi, functionName: "userCount" });
  const count = Number(await rpc.call("eth_call", [{ to: contracts.ecosystem, data }, "latest"]));
  if (count < 2) throw new Error("the contracts are on this chain but its users are not; use a fresh one");
  return Math.min(count, wanted);
}

/// Deploys what is missing and returns the description that it wrote to `<varDir>/world.json`.
export async function deploy({ rpcUrl, wsUrl, varDir, users = 240, cooldown = 2, quiet = false }) {
  const rpc = chain.makeRpc(rpcUrl);
  const chainId = Number(await rpc.call("eth_chainId"));
  const contracts = {};
  for (const [nonce, name] of ["token", "ecosystem", "metrics_oracle"].entries()) {
    contracts[name] = getContractAddress({ from: chain.kAdmin, nonce: BigInt(nonce) });
  }
  mkdirSync(varDir, { recursive: true });
  const worldFile = path.join(varDir, "world.json");
  const keyFiles = {};
  const keys = {};
  for (const name of ["controller", "reporter"]) {
    keyFiles[name] = path.join(varDir, `${name}.key`);
    keys[name] = privateKeyToAccount(readOrMakeKey(keyFiles[name])).address;
    await rpc.call("anvil_setBalance", [keys[name], toHex(parseEther("1000"))]);
  }

  let firstBlock = 1;
  let registered = users;
  if (await isDeployed(rpc, contracts)) {
    await sendAll(rpc, grantKeys(contracts, keys)); // the keys may be newer than the chain
    registered = await registeredUsers(rpc, contracts, users);
    log.info(`chain ${chainId} already has the contracts and ${registered} users`);
  } else {
    if (Number(await rpc.call("eth_getTransactionCount", [chain.kAdmin, "latest"])) !== 0) {
      throw new Error(`the deployer ${chain.kAdmin} has already sent transactions on this chain; use a fresh one`);
    }
    firstBlock = await deployContracts(rpc, contracts, keys, users, cooldown);
    await registerUsers(rpc, contracts, users);
    await openForBusiness(rpc, contracts, users);
    if (!quiet) log.info(`deployed on chain ${chainId} in block ${firstBlock}, ${users} users registered`);
  }
  const world = {
    rpc: rpcUrl,
    ws: wsUrl ?? rpcUrl.replace(/^http/, "ws"),
    chain_id: chainId,
    first_block: firstBlock,
    contracts,
    roles: { admin: chain.kAdmin, guardian: chain.kGuardian, treasurer: chain.kTreasurer, ...keys },
    key_files: keyFiles,
    users: registered,
  };
  chain.writeJson(worldFile, world);
  return world;
}

async function main() {
  const options = parseOptions(help, {
    rpc: { type: "string", default: "http://127.0.0.1:8545" },
    var: { type: "string", default: chain.kDefaultVar },
    users: { type: "string", default: "240" },
    cooldown: { type: "string", default: "2" },
  });
  const world = await deploy({
    rpcUrl: options.rpc,
    varDir: path.resolve(options.var),
    users: wholeNumber("users", options.users, 2, 2000),
    cooldown: wholeNumber("cooldown", options.cooldown, 0, 86_400),
  });
  for (const [name, address] of Object.entries(world.contracts)) log.info(`${name} ${address}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) run(log, main);
