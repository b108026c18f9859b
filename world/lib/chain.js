// The chain as the world's programs see it: JSON-RPC in batches, the contracts, the cast.
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { getAddress, hexToString, keccak256, stringToHex, toHex } from "viem";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");

/// Calls of one HTTP request. The node works on them at the same time, so transactions need their nonces.
const kBatchMax = 250;
const kRpcTimeoutMs = 20_000;

/// Where world.json goes unless told otherwise.
export const kDefaultVar = path.join(root, "var/world");

/// The node's own development accounts 0, 1 and 2; it signs for them and, as it impersonates, for everyone else.
/// The deployer is always the same, so on a fresh chain the contracts always get the same addresses.
export const kAdmin = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
export const kGuardian = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
export const kTreasurer = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC";

export const kParameters = {
  transaction_fee: 4,
  creator_reward: 2,
  viewer_incentive: 4,
  quality_threshold: 3,
};

/// An identifier as the contracts use it: the name as a bytes32 string.
export function bytes32(name) {
  return stringToHex(name, { size: 32 });
}

export function nameOf(id) {
  return hexToString(id, { size: 32 });
}

/// Nobody has the keys of the users; the node sends for them.
export function userAddress(index) {
  return getAddress(`0x${keccak256(toHex(`homeostat user ${index}`)).slice(-40)}`);
}

/// {abi, bytecode} of a compiled contract.
export function artefact(name) {
  const file = path.join(root, "contracts/build", `${name}.json`);
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new Error(
      `cannot read ${path.relative(root, file)} (${error.code ?? error.message}); run "npm run contracts"`,
    );
  }
}

export class RpcError extends Error {
  constructor(method, error) {
    super(`${method}: ${error.message}`);
    this.data = error.data;
  }
}

/// JSON-RPC in batches. `rpc.batch([[method, params], ...])` gives, per call, its result or an RpcError; it throws only
/// when the node could not be asked. `rpc.call(method, params)` gives the result or throws.
export function makeRpc(url) {
  async function post(calls) {
    const body = calls.map(([method, params], id) => ({ jsonrpc: "2.0", id, method, params }));
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(kRpcTimeoutMs),
    }).catch((error) => {
      throw new Error(`no answer from the node at ${url}: ${error.cause?.message ?? error.message}`);
    });
    if (!response.ok) throw new Error(`the node at ${url} answered HTTP ${response.status}`);
    const answers = new Map((await response.json()).map((answer) => [answer.id, answer]));
    return calls.map(([method], id) => {
      const answer = answers.get(id) ?? { error: { message: "no answer in the batch" } };
      return answer.error ? new RpcError(method, answer.error) : answer.result;
    });
  }
  async function batch(calls) {
    const results = [];
    for (let i = 0; i < calls.length; i += kBatchMax) results.push(...(await post(calls.slice(i, i + kBatchMax))));
    return results;
  }
  async function call(method, params = []) {
    const [result] = await post([[method, params]]);
    if (result instanceof RpcError) throw result;
    return result;
  }
  return { batch, call, url };
}

/// Writes JSON so that a reader sees the old file or the whole new one.
export function writeJson(file, value, mode = 0o644) {
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, `${JSON.stringify(value, null, 2)}\n`, { mode });
  renameSync(temporary, file);
}

/// The world that world/deploy.mjs described.
export function readWorld(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new Error(
      `cannot read ${file} (${error.code ?? error.message}); start the world first: node world/start.mjs`,
    );
  }
}
