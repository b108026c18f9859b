// The main job: an event on the chain moves a metric, the metric a parameter, the parameter the chain, and the
// acknowledgement the anti-windup.
import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { connect } from "./lib/clients.mjs";
import { chainConfig } from "./lib/configs.mjs";
import { chain, startEconomy } from "./lib/chain.mjs";
import { startDaemon } from "./lib/daemon.mjs";
import { startExecutor } from "./lib/executor.mjs";
import { root, temporaryFolder } from "./lib/paths.mjs";
import { startProcess } from "./lib/process.mjs";
import { startStreaming } from "./lib/streaming.mjs";
import { waitFor } from "./lib/wait.mjs";

const kDecimals = 100n; // of creator_reward

async function regulated(t, { metric = "staleness_max: 10m" } = {}) {
  const economy = await startEconomy(t);
  const folder = temporaryFolder(t, "end-to-end");
  const providers = [{ name: "local", http: economy.node.url, ws: economy.node.wsUrl }];
  const config = chainConfig({ folder, world: economy.world, providers, metric });
  const daemon = await startDaemon(t, { folder, config });
  return { economy, folder, daemon, control: connect(t, daemon.endpoint, "ControlService") };
}

test("a tip on the chain moves the metric, the metric the parameter, the parameter the chain, and the answer comes back", async (t) => {
  const { economy, folder, daemon, control } = await regulated(t);
  const executor = startProcess(t, process.execPath, [path.join(root, "world/executor.mjs"), "--var", economy.var, "--daemon", daemon.endpoint]);
  await waitFor("the executor is subscribed", async () => (await control.GetStatus()).executors === 1);
  assert.equal(await economy.parameter("creator_reward"), 10n * kDecimals);

  const receipt = await economy.tip(0, 1, 4);
  const metric = await waitFor("the metric is the tip", async () => (await control.ListMetrics()).metrics.find((m) => Math.abs(m.reading.value - 4) < 1e-9));
  assert.equal(metric.reading.quality, "QUALITY_OK");
  assert.equal(metric.reading.provenance.block_hash, receipt.blockHash);
  assert.equal(Number(metric.reading.provenance.sequence), Number(receipt.blockNumber));

  const reward = await waitFor("the parameter on the chain follows", async () => {
    const value = await economy.parameter("creator_reward");
    return value !== 10n * kDecimals && value;
  });
  assert.ok(reward > 10n * kDecimals, "small tips, so creating pays more");

  // Asked as an operator would ask.
  const answered = await waitFor("the answer is recorded", async () => {
    const { json } = await daemon.cli("adjustments", "--json", "--limit", "10");
    return json.decisions.findLast((d) => d.answer === "applied");
  });
  assert.equal(answered.outcome, "emitted");
  assert.equal(answered.applied, answered.value, "the value read back from the chain is the value asked for");
  assert.match(answered.answer_detail, /^0x[0-9a-f]{64}$/);
  const transaction = await economy.rpc.call("eth_getTransactionReceipt", [answered.answer_detail]);
  assert.equal(transaction.status, "0x1");
  const explained = await daemon.cli("explain", String(answered.id));
  assert.equal(explained.code, 0);
  for (const part of [/creator_reward/, /tip_size/, /tips/, /evm-executor/, new RegExp(answered.answer_detail.slice(0, 10)), new RegExp(answered.applied.replace(".", "\\."))]) {
    assert.match(explained.stdout, part);
  }
  const next = (await daemon.cli("explain", "last", "--json")).json;
  assert.equal(next.decision.parameter, "creator_reward");
  const preview = await daemon.cli("preview", "--json");
  assert.equal(preview.code, 0);
  assert.equal(preview.json.decisions.length, 1);
  assert.match((await daemon.cli("metrics")).stdout, /tip_size\s.*\b4\b.*ok/);
  assert.match((await daemon.cli("status")).stdout, /normal/);

  // A large tip: the loop has what it wanted and goes back.
  await economy.tip(1, 0, 30);
  const top = await economy.parameter("creator_reward");
  await waitFor("the parameter comes down again", async () => (await economy.parameter("creator_reward")) < top);

  await daemon.stop();
  await executor.stop();
  const replay = await daemon.cli("replay", "--journal", path.join(folder, "journal"), "--json");
  assert.equal(replay.code, 0, replay.stderr);
  assert.equal(replay.json.identical, true);
});

test("an executor that can apply only less than asked keeps the integral from winding up", async (t) => {
  const { economy, daemon, control } = await regulated(t);
  const kMost = 10.5;
  const clamp = (a) => ({ applied: { value: Math.min(Number(a.value), kMost).toFixed(2), reference: "clamped" } });
  const executor = startExecutor(t, daemon.endpoint, { parameters: ["creator_reward"], answer: clamp });
  await economy.tip(0, 1, 1); // 90 % too little: the loop will want far more than it gets
  await waitFor("an adjustment is clamped", () => executor.seen.some((a) => Number(a.value) > kMost));

  const newest = async (limit) => (await control.ListDecisions({ limit })).decisions;
  const tracked = await waitFor("the integral is taken back", async () => (await newest(40)).find((d) => d.loops[0].tracking < 0));
  assert.ok(Number(tracked.previous) <= kMost, "decisions start from the value that was read back");
  const { stdout } = await daemon.cli("explain", tracked.id);
  assert.match(stdout, /anti-windup|tracking|taken back|integral/i);

  // From there on it follows: however long the error lasts, the loop asks for no more than one change beyond.
  const settled = await waitFor("ten decisions in a row with anti-windup", async () => {
    const last = await newest(10);
    return last.every((d) => d.loops[0].tracking < 0) && last;
  });
  const integrals = settled.map((d) => d.loops[0].i);
  assert.ok(Math.max(...integrals) - Math.min(...integrals) < 0.2, `the integral stands still: ${integrals}`);
  for (const d of settled) assert.ok(d.proposed < kMost + 2 + 0.5, `proposed ${d.proposed}, applied ${d.previous}`);
  const emitted = (await control.ListDecisions({ adjustments_only: true, limit: 50 })).decisions.findLast((d) => d.answer === "applied" && d.applied !== d.value);
  assert.ok(emitted, "the record shows what was asked for and what was applied");
  assert.match((await daemon.cli("explain", emitted.id)).stdout, /applied 10\.5 STREAM.*clamped/);
  await daemon.stop();
});

test("the streaming economy on its default configuration: six trusted metrics, and the chain follows its daemon", async (t) => {
  const s = await startStreaming(t);
  const six = ["creator_viewer_ratio", "daily_active_share", "content_rate", "transaction_frequency", "token_velocity", "reward_efficiency"];
  await waitFor("all six metrics are ok", async () => {
    const { json } = await s.daemon.cli("metrics", "--json");
    const bad = six.filter((name) => json.metrics.find((m) => m.name === name)?.reading.quality !== "ok");
    if (bad.length > 0) throw new Error(`not ok: ${bad.map((n) => JSON.stringify(json.metrics.find((m) => m.name === n)?.reading))}`);
    return true;
  });
  const applied = await waitFor("an adjustment is applied on the chain", async () => {
    const { json } = await s.daemon.cli("adjustments", "--json", "--limit", "50");
    return json.decisions.find((d) => d.answer === "applied");
  });
  assert.equal(applied.executor, "evm-executor");
  for (const name of Object.keys(chain.kParameters)) {
    await waitFor(`the chain and the daemon agree on ${name}`, async () => {
      const [p] = (await s.daemon.cli("parameters", name, "--json")).json.parameters;
      const [whole, fraction = ""] = p.value.split(".");
      return p.in_flight === 0 && (await s.parameter(name)) === BigInt(whole + fraction.padEnd(chain.kParameters[name], "0"));
    });
  }
  for (const args of [["status"], ["metrics"], ["loops"], ["parameters"], ["sources"], ["adjustments"], ["explain", "last"], ["preview"]]) {
    const result = await s.daemon.cli(...args);
    assert.equal(result.code, 0, `${args}: ${result.stderr}`);
    assert.ok(result.stdout.length > 50, `${args}: ${result.stdout}`);
  }
  const metrics = (await s.daemon.cli("metrics", "--json")).json.metrics;
  t.diagnostic(six.map((name) => `${name} ${metrics.find((m) => m.name === name).reading.value.toPrecision(4)}`).join(", "));
  await s.daemon.stop();
  const replay = await s.daemon.cli("replay", "--journal", path.join(s.folder, "journal"), "--json");
  assert.equal(replay.code, 0, replay.stderr + replay.stdout);
  t.diagnostic(`replay: ${replay.json.inputs} inputs, ${replay.json.decisions} decisions, identical`);
});
