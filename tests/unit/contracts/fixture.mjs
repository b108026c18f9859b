// A fresh chain with the three contracts on it, and short ways to call them.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  BaseError,
  ContractFunctionRevertedError,
  createTestClient,
  http,
  parseEventLogs,
  publicActions,
  walletActions,
} from "viem";
import { foundry } from "viem/chains";
import { buildContracts } from "../../../contracts/build.mjs";
import { deploy } from "../../../world/deploy.mjs";
import { startAnvil } from "../../../world/lib/anvil.js";
import * as chain from "../../../world/lib/chain.js";

export const { bytes32, kAdmin, kGuardian, kTreasurer } = chain;
export const kFar = 4_000_000_000n; // a deadline that no test reaches

/// Starts a node that mines each transaction at once, deploys with `users` users, and returns the world for the tests.
export async function makeWorld({ users = 4, cooldown = 10 } = {}) {
  buildContracts();
  const varDir = mkdtempSync(path.join(tmpdir(), "homeostat-contracts-"));
  const node = await startAnvil({ port: 0, blockTime: 0 });
  const world = await deploy({ rpcUrl: node.url, varDir, users, cooldown, quiet: true }).catch(async (error) => {
    await node.stop(); // a node left behind would keep the test's process alive, and its failure unsaid
    throw error;
  });
  const client = createTestClient({
    chain: foundry,
    mode: "anvil",
    transport: http(node.url),
    pollingInterval: 10,
    cacheTime: 0,
  })
    .extend(publicActions)
    .extend(walletActions);

  const contract = (name, address) => {
    const { abi } = chain.artefact(name);
    return {
      abi,
      address,
      read: (functionName, ...args) => client.readContract({ address, abi, functionName, args }),
      /// Sends as `account` and returns the decoded events of the transaction; throws with the contract's error.
      async send(account, functionName, ...args) {
        const { request } = await client.simulateContract({ address, abi, functionName, args, account });
        const hash = await client.writeContract({ ...request, gas: 1_000_000n });
        const receipt = await client.waitForTransactionReceipt({ hash });
        assert.equal(receipt.status, "success");
        return [...parseEventLogs({ abi: allEvents, logs: receipt.logs })];
      },
    };
  };
  const allEvents = [
    ...chain.artefact("StreamToken").abi,
    ...chain.artefact("StreamEcosystem").abi,
    ...chain.artefact("StreamMetricsOracle").abi,
  ].filter((item) => item.type === "event");

  return {
    node,
    world,
    varDir,
    client,
    controller: world.roles.controller,
    reporter: world.roles.reporter,
    privateKey: readFileSync(world.key_files.controller, "utf8").trim(),
    users: Array.from({ length: users }, (_, i) => chain.userAddress(i)),
    token: contract("StreamToken", world.contracts.token),
    ecosystem: contract("StreamEcosystem", world.contracts.ecosystem),
    oracle: contract("StreamMetricsOracle", world.contracts.metrics_oracle),
    now: async () => (await client.getBlock()).timestamp,
    async pass(seconds) {
      await client.increaseTime({ seconds });
      await client.mine({ blocks: 1 });
    },
    async stop() {
      await node.stop();
      rmSync(varDir, { recursive: true, force: true });
    },
  };
}

/// Expects that `promise` fails with the custom error `name` and exactly these arguments.
export async function refuses(promise, name, ...args) {
  const error = await promise.then(
    () => assert.fail(`accepted, but ${name} was expected`),
    (thrown) => thrown,
  );
  const revert = error instanceof BaseError && error.walk((cause) => cause instanceof ContractFunctionRevertedError);
  if (!revert) throw error;
  assert.equal(revert.data?.errorName, name);
  if (args.length > 0) assert.deepEqual(revert.data.args, args);
}

export function named(events, name) {
  return events.filter((event) => event.eventName === name).map((event) => event.args);
}
