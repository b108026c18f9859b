// config/tokenomics.yaml as it stands, run by the real daemon against a real chain with the real vault: values follow their
// mechanisms, and each action is done once, exactly, and only when it may be. Only the day is shorter.
import assert from "node:assert/strict";
import { test } from "node:test";
import { kAdmin } from "../../world/lib/chain.js";
import { cli } from "./lib/daemon.mjs";
import { config, deployTokenomics, kRecipients, kUnit } from "./lib/economy.mjs";
import { startPreset } from "./lib/preset.mjs";
import { waitFor } from "./lib/wait.mjs";

/// Half of the supply is staked, in a calm market.
const kIndexer = {
  ...{ staked: 50_000_000, volume: 1_000_000, volatility: 0.05, utilisation: 0.5, growth: 0.02, spent: 2_000 },
  ...{ holder_1: 4e6, holder_2: 3e6, holder_3: 2e6, holder_4: 1e6, holder_5: 1e6 },
};

const tokenomics = (t) =>
  startPreset(t, {
    ...{ name: "tokenomics", deploy: deployTokenomics, indexer: kIndexer, day: "1s" },
    contract: { name: "EconomyVault", of: (world) => world.vault },
  });

const text = (units) => Number(units) / Number(kUnit);
const holds = (world, name) => world.token.read("balanceOf", kRecipients[name]);
const answered = (s, parameter, of = (d) => d.answer === "applied") =>
  waitFor(`an order of ${parameter} is answered`, async () => (await s.adjustments(parameter)).find(of));

test("the preset is valid without a warning, and shows what it moves", async (t) => {
  const checked = await cli(t, undefined, ["check", config("tokenomics.yaml")]);
  assert.equal(checked.code, 0, checked.stderr);
  assert.equal(checked.stderr, "");
  for (const part of [/inflation +ratio +0\.05 +0\.02 +0\.08/, /treasury_tax/, /distributed +HOME/, /share_out +economy +revenue +distributed/]) {
    assert.match(checked.stdout, part);
  }
});

test("values follow their mechanisms onto the chain, health is measured, and revenue reaches its recipients to the last unit", async (t) => {
  const s = await tokenomics(t);
  await s.executor();
  const { world } = s;

  const inflation = await answered(s, "inflation");
  const goal = 0.035 + 0.03 * (1 - 0.5 / 0.67) + 0.5 * 0.02;
  assert.ok(Math.abs(Number(inflation.applied) - (0.05 + (goal - 0.05) / 12)) < 2e-6, `a twelfth of the way: ${inflation.applied}`);
  assert.match(inflation.loops[0].detail, /^inflation_step\(current 0\.05, target 0\.05/);
  assert.equal(await world.value("inflation"), BigInt(Math.round(Number(inflation.applied) * 1e6)));
  await waitFor("the fee is that of half the stress", async () => (await world.value("stability_fee")) !== 500n);

  const odd = 1_000n * kUnit + 3n; // does not divide by ten
  await world.vault.send(kAdmin, "depositRevenue", odd);
  const distributed = await answered(s, "distributed");
  assert.equal(distributed.applied, "1000.000003");
  const names = ["stakers", "treasury", "developers", "burn"];
  const shares = [];
  for (const name of names) shares.push(await holds(world, name));
  assert.deepEqual(shares, [400_000_001n, 300_000_001n, 200_000_001n, 100_000_000n], "40 / 30 / 20 / 10, the largest remainders first");
  assert.equal(shares.reduce((a, b) => a + b), odd);
  assert.equal(await world.vault.read("revenue"), 0n);

  const issued = await answered(s, "issued");
  assert.equal(await holds(world, "staking_rewards"), await world.total("issued"));
  assert.ok(Math.abs(Number(issued.applied) - (1e8 * 0.05 * 30) / 365) < 2_000, `a month of about 5 %: ${issued.applied}`);

  const { metrics } = await s.control().ListMetrics();
  const reading = (name) => metrics.find((m) => m.name === name).reading;
  for (const [name, value] of Object.entries({ participation: 0.5, holders_nakamoto: 2, holders_mean: 2.2e6, holders_hhi: 31 / 121 })) {
    assert.ok(Math.abs(reading(name).value - value) <= value * 0.01, `${name}: ${reading(name).value}`);
    assert.equal(reading(name).quality, "QUALITY_OK", name);
  }
  assert.ok(reading("holders_gini").value > 0.2 && reading("holders_gini").value < 0.4);
  await s.finish();
});

test("an action is executed once, although its executor and the daemon were killed between the chain and the answer", async (t) => {
  const s = await tokenomics(t);
  const { world } = s;
  const before = await world.token.read("totalSupply");
  const dying = await s.executor("--dies-after", "issued");
  assert.equal((await dying.ended).signal, "SIGKILL", dying.output());
  const minted = await world.total("issued");
  assert.ok(minted > 0n, "it died with its work done");
  const order = (await s.adjustments("issued"))[0];
  assert.notEqual(order.answer, "applied");
  await s.daemon().killNow();

  await s.start();
  const executor = await s.executor();
  const again = await answered(s, "issued", (d) => d.id === order.id && d.answer === "applied");
  assert.equal(Number(again.applied), text(minted));
  const own = (await world.moved("issued")).filter(({ args }) => args.id === BigInt(order.id));
  assert.equal(own.length, 1, "the order moved something once");
  assert.equal((await world.token.read("totalSupply")) - before, await world.total("issued"));
  assert.equal(await holds(world, "staking_rewards"), await world.total("issued"));
  await executor.stop();
  await s.finish();
});

test("a mint above its threshold, and any burn, waits for a guardian's release", async (t) => {
  const s = await tokenomics(t);
  const { world } = s;
  await s.executor();
  await world.vault.send(kAdmin, "depositBurnable", 1_000n * kUnit);
  await world.pool.send(kAdmin, "buy", 150_000n * kUnit, 0n, kAdmin); // price 1.32
  const waiting = (parameter) =>
    waitFor(`${parameter} waits`, async () => (await s.decisions(parameter)).find((d) => d.outcome === "awaiting_approval"));
  const mint = await waiting("expanded");
  const burn = await waiting("burned");
  assert.equal(burn.value, "250");
  assert.ok(Number(mint.value) > 10_000, mint.value);
  await s.afterTicks(8);
  assert.deepEqual([await world.total("expanded"), await world.total("burned")], [0n, 0n]);
  assert.match((await s.daemon().cli("explain", mint.id)).stdout, /release/);

  await s.order("release", mint.id);
  await answered(s, "expanded", (d) => d.id === mint.id && d.answer === "applied");
  assert.equal(text(await world.total("expanded")), Number(mint.value));
  assert.equal(await holds(world, "treasury"), await world.total("expanded"));
  assert.equal(await world.total("burned"), 0n, "the other one still waits");
  const before = await world.token.read("totalSupply");
  await s.order("release", burn.id);
  await answered(s, "burned", (d) => d.id === burn.id && d.answer === "applied");
  assert.equal(await world.total("burned"), 250n * kUnit);
  assert.equal(await world.vault.read("burnable"), 750n * kUnit);
  assert.ok((await world.token.read("totalSupply")) <= before + 10_000_000n * kUnit);
  const twice = await s.daemon().cli("guardian", "release", burn.id, "--yes", "--reason", "again");
  assert.notEqual(twice.code, 0);
  await s.finish();
});

test("a buy-back that the chain executes in part is gone on from what was spent", async (t) => {
  const s = await tokenomics(t);
  const { world } = s;
  await world.pool.send(kAdmin, "sell", 150_000n * kUnit, 0n, kAdmin); // price 0.76
  await s.executor();
  const partial = await answered(s, "bought_back");
  assert.equal(partial.value, "9000", "1 % of what the pool can give");
  assert.equal(partial.applied, "5000", "what the vault moves in one transaction");
  const next = await answered(s, "bought_back", (d) => BigInt(d.id) > BigInt(partial.id) && d.answer === "applied");
  assert.equal(next.previous, "5000");
  assert.ok(Number(next.value) > 13_000 && Number(next.value) < 14_000.1, next.value);
  assert.equal(next.applied, "10000");
  const spent = (await world.moved("bought_back")).map(({ args }) => args.total - args.from);
  assert.equal(spent.reduce((a, b) => a + b), await world.total("bought_back"));
  assert.equal(1_000_000n * kUnit - (await world.vault.read("stabilityPool")), await world.total("bought_back"));
  await s.finish();
});

test("the treasury tax is moved by a guardian's override alone, inside its range", async (t) => {
  const s = await tokenomics(t);
  const { world } = s;
  await s.executor();
  await answered(s, "inflation");
  await s.afterTicks(8);
  assert.equal(await world.value("treasury_tax"), 200n);
  assert.equal((await s.decisions("treasury_tax")).length, 0, "no loop ever decided on it");

  const refused = await s.daemon().cli("guardian", "override", "treasury_tax", "0.06", "--for", "1h", "--yes", "--reason", "too much");
  assert.equal(refused.code, 7, refused.stderr);
  assert.match(refused.stderr, /0\.005.* to 0\.05/);
  await s.order("override", "treasury_tax", "0.03", "--for", "1h");
  const done = await answered(s, "treasury_tax");
  assert.equal(done.overridden, true);
  await waitFor("the chain has it", async () => (await world.value("treasury_tax")) === 300n);
  await s.order("clear-override", "treasury_tax");
  await s.afterTicks(8);
  assert.equal(await world.value("treasury_tax"), 300n, "what was decided stays");
  await s.finish();
});
