// A real EVM node with the streaming economy's contracts on it, and hands to use them.
import { encodeFunctionData, parseEther } from "viem";
import { deploy } from "../../../world/deploy.mjs";
import { startAnvil } from "../../../world/lib/anvil.js";
import * as chain from "../../../world/lib/chain.js";
import { onEnd } from "./cleanup.mjs";
import { temporaryFolder } from "./paths.mjs";
import { waitFor } from "./wait.mjs";

export { chain };

/// A node alone. `stop()` ends it; it also ends with the test.
export async function startNode(t, options = {}) {
  const node = await startAnvil({ blockTime: 1, ...options });
  onEnd(t, () => node.stop());
  const rpc = chain.makeRpc(node.url);
  return { ...node, port: Number(new URL(node.url).port), rpc };
}

/// A node with the contracts and `users` users on it: {node, rpc, world, var, tip, upload, view, parameter}.
export async function startEconomy(t, { users = 6, ...options } = {}) {
  const node = await startNode(t, options);
  const varDir = temporaryFolder(t, "world");
  const world = await deploy({ rpcUrl: node.url, wsUrl: node.wsUrl, varDir, users, cooldown: 1, quiet: true });
  return { node, world, var: varDir, ...hands(node.rpc, world) };
}

/// What users do, each call one mined transaction.
export function hands(rpc, world) {
  const { abi } = chain.artefact("StreamEcosystem");
  async function transact(from, functionName, args) {
    const data = encodeFunctionData({ abi, functionName, args });
    const hash = await rpc.call("eth_sendTransaction", [{ from, to: world.contracts.ecosystem, data, gas: "0x7a120" }]);
    const receipt = await waitFor(`${functionName} is mined`, () => rpc.call("eth_getTransactionReceipt", [hash]));
    if (receipt.status !== "0x1") throw new Error(`${functionName} was reverted`);
    return receipt;
  }
  const user = chain.userAddress;
  return {
    rpc,
    transact,
    tip: (from, to, amount) => transact(user(from), "tip", [user(to), parseEther(String(amount))]),
    upload: (from, quality = 500n) => transact(user(from), "upload", [quality]),
    block: async () => Number(await rpc.call("eth_blockNumber")),
    /// The parameter's value on the chain, in units of 10^-decimals.
    async parameter(name) {
      const data = encodeFunctionData({ abi, functionName: "valueOf", args: [chain.bytes32(name)] });
      return BigInt(await rpc.call("eth_call", [{ to: world.contracts.ecosystem, data }, "latest"]));
    },
  };
}
