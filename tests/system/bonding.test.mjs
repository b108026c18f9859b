// config/bonding.yaml as it stands, run by the real daemon against the books of a bonded token on a real chain: the
// governed parameters answer what happens to the reserve, and its weights move together or not at all. Only the day is
// shorter.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes32, kAdmin } from "../../world/lib/chain.js";
import { cli } from "./lib/daemon.mjs";
import { config, deployBonding, kController, kUnit } from "./lib/economy.mjs";
import { startPreset } from "./lib/preset.mjs";
import { waitFor } from "./lib/wait.mjs";

const kIndexer = { committed: 0.25, volatility: 0.05 }; // nothing to do
const kStable = 0n;
const kMajor = 1n;

const bonding = (t, options) =>
  startPreset(t, { name: "bonding", deploy: deployBonding, indexer: kIndexer, contract: { name: "BondingReserve", of: (world) => world.reserve }, ...options });

const weights = async (world) => [await world.value("weight_stable"), await world.value("weight_major"), await world.value("weight_long")];
const kWhole = 10_000n; // 1, with the weights' four decimals
const sum = (values) => values.reduce((a, b) => a + b);

test("the preset is valid without a warning, and shows the six groups", async (t) => {
  const checked = await cli(t, undefined, ["check", config("bonding.yaml")]);
  assert.equal(checked.code, 0, checked.stderr);
  assert.equal(checked.stderr, "");
  for (const name of ["surface.lambda", "safety.band", "redemption.par_share_max", "flow.threshold", "fee.surge_fee", "commitment.cap"]) {
    assert.match(checked.stdout, new RegExp(`${name.replace(".", "\\.")} `));
  }
});

test("a balanced, backed reserve is left alone; redemptions lower the threshold of outflow, an imbalance raises the surge fee", async (t) => {
  const s = await bonding(t, { day: "10s" });
  const { world } = s;
  await s.executor();
  await waitFor("everything is measured", async () =>
    (await s.control().ListMetrics()).metrics.every((m) => m.name === "redeemed" || m.name === "redemption_pressure" || m.reading.quality === "QUALITY_OK"),
  );
  await s.afterTicks(8);
  assert.equal((await s.control().ListDecisions({ limit: 50, adjustments_only: true })).decisions.length, 0, "nothing to do");

  const threshold = await world.value("flow.threshold");
  const surge = await world.value("fee.surge_fee");
  await world.reserve.send(kAdmin, "redeem", kStable, 200_000n * kUnit); // a fifth of the supply, all of it stablecoins
  await waitFor("outflow is dampened earlier", async () => (await world.value("flow.threshold")) < threshold);
  await waitFor("unbalancing costs more", async () => (await world.value("fee.surge_fee")) > surge);
  await waitFor("the band narrows", async () => (await world.value("safety.band")) < 2_500n);
  const [first] = await s.adjustments("flow.threshold");
  assert.equal(first.answer, "applied");
  assert.match((await s.daemon().cli("explain", first.id)).stdout, /redemption_pressure/);
  assert.deepEqual(await weights(world), [4_000n, 3_500n, 2_500n], "the backing is whole, so the weights stay");
  await s.finish();
});

test("a thin backing moves redemption and the weights, and the weights sum to one on the chain at every block", async (t) => {
  const s = await bonding(t);
  const { world } = s;
  await s.executor();
  await world.reserve.send(kAdmin, "revalue", kMajor, 200_000n * kUnit); // 850,000 for 1,000,000 tokens
  await waitFor("less is redeemable at par", async () => (await world.value("redemption.par_share_max")) < 3_000n);
  await waitFor("a haircut", async () => (await world.value("redemption.haircut_ratio")) > 0n);
  await waitFor("the weights have moved three times", async () => (await s.adjustments("weight_stable")).filter((d) => d.answer === "applied").length >= 3);
  const [stable, major, long] = await weights(world);
  assert.ok(stable > 4_000n && major < 3_500n && long === 2_500n, `${stable}, ${major}, ${long}`);

  // Every change of a weight, block by block.
  const now = { weight_stable: 4_000n, weight_major: 3_500n, weight_long: 2_500n };
  const blocks = new Map();
  for (const name of Object.keys(now)) {
    for (const { blockNumber, args } of await world.reserve.events("ParameterAdjusted", { parameter: bytes32(name) })) {
      blocks.set(blockNumber, { ...blocks.get(blockNumber), [name]: args.newValue });
    }
  }
  assert.ok(blocks.size >= 3);
  for (const [block, changes] of [...blocks].sort(([a], [b]) => Number(a - b))) {
    Object.assign(now, changes);
    assert.equal(sum(Object.values(now)), kWhole, `block ${block}`);
  }
  await s.finish();
});

test("a bundle that the chain must refuse for one member moves none, and goes on when it may", async (t) => {
  const s = await bonding(t);
  const { world } = s;
  // On the chain weight_major may not fall at all: the contract's fence is narrower than the policy's.
  await world.reserve.send(kAdmin, "setBounds", bytes32("weight_major"), 3_500n, 5_000n, 1_500n, 0);
  await s.executor();
  await world.reserve.send(kAdmin, "revalue", kMajor, 200_000n * kUnit);
  const refused = await waitFor("a bundle is rejected", async () => (await s.adjustments("weight_stable")).find((d) => d.answer === "rejected"));
  assert.match(refused.answer_detail, /weight_major.*bounds/);
  assert.equal(refused.bundle, "weights");
  assert.deepEqual(await weights(world), [4_000n, 3_500n, 2_500n]);
  await world.reserve.send(kAdmin, "setBounds", bytes32("weight_major"), 500n, 5_000n, 4_500n, 0);
  await waitFor("both move", async () => (await world.value("weight_stable")) > 4_000n && (await world.value("weight_major")) < 3_500n);
  assert.equal(sum(await weights(world)), kWhole);
  await s.finish();
});

test("an override of one weight alone breaks the whole, and moves nothing", async (t) => {
  const s = await bonding(t);
  const { world } = s;
  await s.executor();
  await waitFor("the backing is measured", async () =>
    (await s.control().ListMetrics()).metrics.some((m) => m.name === "backing" && m.reading.quality === "QUALITY_OK"),
  );
  await s.order("override", "weight_long", "0.27", "--for", "1h");
  const record = await waitFor("the bundle is refused", async () =>
    (await s.decisions("weight_long")).find((d) => d.limits.some((l) => /whole/.test(l.detail))),
  );
  assert.equal(record.value, record.previous);
  assert.match((await s.daemon().cli("explain", record.id)).stdout, /weight_stable \+ weight_major \+ weight_long/);
  await s.afterTicks(8);
  assert.deepEqual(await weights(world), [4_000n, 3_500n, 2_500n]);

  // All of it: what the one gets the other gives.
  await s.order("override", "weight_major", "0.33", "--for", "1h");
  await waitFor("both have moved", async () => (await weights(world)).join() === "4000,3300,2700");
  await s.finish();
});

test("what is restricted no loop moves; an override does, and the reserve's books answer for nobody else", async (t) => {
  const s = await bonding(t);
  const { world } = s;
  await s.executor();
  await s.order("override", "redemption.floor_ratio", "0.65", "--for", "1h");
  await waitFor("the chain has it", async () => (await world.value("redemption.floor_ratio")) === 650n);
  await assert.rejects(world.reserve.send(kAdmin, "adjust", bytes32("redemption.floor_ratio"), 700n, 99n, 1n, 4_000_000_000n), /AccessControl/);
  assert.ok(kController !== kAdmin);
  await s.finish();
});
