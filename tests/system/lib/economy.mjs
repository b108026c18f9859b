// The contracts of config/tokenomics.yaml and config/bonding.yaml on a real node, as their defaults expect them, and
// hands to use them. Amounts are in base units of 6 decimals.
import { readFileSync } from "node:fs";
import path from "node:path";
import { createPublicClient, createWalletClient, http, keccak256, toHex } from "viem";
import { foundry } from "viem/chains";
import { artefact, bytes32, kAdmin, kTreasurer } from "../../../world/lib/chain.js";
import { cli } from "./daemon.mjs";
import { root } from "./paths.mjs";

export const kUnit = 1_000_000n;
export const kController = kTreasurer;
export const kSupply = 100_000_000n * kUnit;
const kPollMs = 50;

/// Clients of the node, and contracts by name and address.
export function connectTo(url) {
  const transport = http(url, { timeout: 20_000 });
  const client = createPublicClient({ chain: foundry, transport, pollingInterval: kPollMs, cacheTime: 0 });
  const wallet = createWalletClient({ chain: foundry, transport });
  async function settled(hash) {
    const receipt = await client.waitForTransactionReceipt({ hash, timeout: 60_000 });
    if (receipt.status !== "success") throw new Error(`transaction ${hash} was reverted`);
    return receipt;
  }
  function contract(name, address) {
    const { abi } = artefact(name);
    return {
      abi,
      address,
      read: (functionName, ...args) => client.readContract({ address, abi, functionName, args }),
      /// One mined transaction; throws the contract's own error when it would be refused.
      async send(account, functionName, ...args) {
        const { request } = await client.simulateContract({ address, abi, functionName, args, account });
        return settled(await wallet.writeContract({ ...request, gas: 3_000_000n }));
      },
      events: (eventName, args) => client.getContractEvents({ address, abi, eventName, args, fromBlock: 0n }),
    };
  }
  async function deploy(name, ...args) {
    const receipt = await settled(await wallet.deployContract({ ...artefact(name), args, account: kAdmin, gas: 12_000_000n }));
    return contract(name, receipt.contractAddress);
  }
  return { client, contract, deploy };
}

/// The values among a configuration's parameters, as a ParameterGuard's definitions: the same bounds, any change at once.
/// The controller's own limits are what the tests of these configurations look at.
export async function definitionsOf(t, file) {
  const text = readFileSync(file, "utf8");
  const checked = await cli(t, undefined, ["check", file, "--json"]);
  if (checked.code !== 0) throw new Error(checked.stdout + checked.stderr);
  return checked.json.policy.parameters.flatMap((p) => {
    const own = text.slice(text.indexOf(`\n  ${p.name}:`));
    const decimals = Number(/decimals: (\d+)/.exec(own)[1]);
    if (decimals === 6 && p.initial === "0") return []; // a total: an action, not a value
    const units = (value) => unitsOf(value, decimals);
    const [min, max] = [units(p.min), units(p.max)];
    return [{ name: bytes32(p.name), decimals, value: units(p.initial), min, max, maxChange: max - min, cooldown: 0 }];
  });
}

export function unitsOf(text, decimals) {
  const [whole, fraction = ""] = text.split(".");
  return BigInt(whole + fraction.padEnd(decimals, "0"));
}

const role = (name) => keccak256(toHex(name));

async function openGuard(guard) {
  await guard.send(kAdmin, "grantRole", role("CONTROLLER_ROLE"), kController);
  await guard.send(kAdmin, "grantRole", role("GOVERNANCE_ROLE"), kAdmin);
}

export const kRecipients = Object.fromEntries(
  ["stakers", "treasury", "developers", "burn", "staking_rewards"].map((name, i) => [name, `0x${String(i + 1).repeat(40)}`]),
);

/// Token, quote, pool and vault, in this order, so that they are where config/tokenomics.yaml looks for them; a pool of a
/// million of each (price 1), a stability pool of a million.
export async function deployTokenomics(url, definitions) {
  const chain = connectTo(url);
  const token = await chain.deploy("EconomyToken", "Home", "HOME", kAdmin, kSupply);
  const quote = await chain.deploy("EconomyToken", "Dollar", "USD", kAdmin, kSupply);
  const pool = await chain.deploy("EconomyPool", token.address, quote.address);
  const vault = await chain.deploy("EconomyVault", kAdmin, pool.address, definitions);
  await openGuard(vault);
  await token.send(kAdmin, "grantRole", role("MINTER_ROLE"), vault.address);
  for (const asset of [token, quote]) {
    for (const spender of [pool, vault]) await asset.send(kAdmin, "approve", spender.address, 2n ** 256n - 1n);
  }
  const kinds = { distributed: 1, issued: 2, burned: 3, bought_back: 4, expanded: 2 };
  const to = { issued: kRecipients.staking_rewards, bought_back: kRecipients.treasury, expanded: kRecipients.treasury };
  const perMove = { bought_back: 5_000n * kUnit }; // below the policy's, so that it is executed in parts
  for (const [name, kind] of Object.entries(kinds)) {
    const args = [bytes32(name), kind, 50_000_000n * kUnit, perMove[name] ?? 1_000_000n * kUnit, to[name] ?? kAdmin];
    await vault.send(kAdmin, "defineAction", ...args);
  }
  await pool.send(kAdmin, "seed", 1_000_000n * kUnit, 1_000_000n * kUnit);
  await vault.send(kAdmin, "depositStability", 1_000_000n * kUnit);
  const total = async (action) => (await vault.read("actionOf", bytes32(action))).total;
  const value = (parameter) => vault.read("valueOf", bytes32(parameter));
  const moved = (action) => vault.events("Moved", { action: bytes32(action) });
  return { ...chain, token, quote, pool, vault, total, value, moved };
}

/// The books and parameters of config/bonding.yaml: 400, 350 and 250 thousand in the three vaults, a million tokens.
export async function deployBonding(url, definitions) {
  const chain = connectTo(url);
  const reserve = await chain.deploy("BondingReserve", kAdmin, definitions);
  await openGuard(reserve);
  for (const [vault, value] of [400_000n, 350_000n, 250_000n].entries()) {
    await reserve.send(kAdmin, "deposit", BigInt(vault), value * kUnit);
  }
  return { ...chain, reserve, value: (parameter) => reserve.read("valueOf", bytes32(parameter)) };
}

export const config = (name) => path.join(root, "config", name);
