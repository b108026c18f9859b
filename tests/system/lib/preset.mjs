// A preset of the economy, as it stands in config/, run by the real daemon against the real contracts.
import { mkdirSync } from "node:fs";
import path from "node:path";
import assert from "node:assert/strict";
import { buildContracts } from "../../../contracts/build.mjs";
import { startNode } from "./chain.mjs";
import { connect, nanos } from "./clients.mjs";
import { cli, startDaemon } from "./daemon.mjs";
import { config, definitionsOf } from "./economy.mjs";
import { temporaryFolder, root } from "./paths.mjs";
import { startProcess } from "./process.mjs";
import { waitFor } from "./wait.mjs";

/// `deploy(url, definitions)` puts the contracts where the preset looks for them. `day` is the length of the economy's day,
/// which every limit of the preset follows. {world, daemon(), start(), executor(), feed(), order(), finish(), ...}.
export async function startPreset(t, { name, contract, deploy, indexer, day = "1s" }) {
  buildContracts();
  const file = config(`${name}.yaml`);
  const node = await startNode(t, { blockTime: 0 }); // a block per transaction
  const world = await deploy(node.url, await definitionsOf(t, file));
  const folder = temporaryFolder(t, name);
  const journal = path.join(folder, "journal");
  mkdirSync(journal);
  const env = {
    HOMEOSTAT_DATA: journal,
    HOMEOSTAT_GRPC: "127.0.0.1:0",
    HOMEOSTAT_HTTP: "127.0.0.1:0",
    HOMEOSTAT_DAY: day,
    HOMEOSTAT_PERIOD: "250ms",
    HOMEOSTAT_CONFIRMATIONS: "0",
    HOMEOSTAT_CHAIN_ID: String(await world.client.getChainId()),
    HOMEOSTAT_CHAIN_HTTP: node.url,
  };
  let daemon;
  let control;
  async function start() {
    daemon = await startDaemon(t, { folder, file, env });
    control = connect(t, daemon.endpoint, "ControlService");
    return daemon;
  }

  let sequence = 1n;
  /// What the indexer says, all of it at once.
  async function feed(values = indexer) {
    const metrics = Object.keys(values);
    const time = nanos();
    const samples = metrics.map((metric, i) => ({ metric: i, time_unix_nano: time, value: values[metric] }));
    const ingest = connect(t, daemon.endpoint, "IngestService");
    const reply = await ingest.Push({ source: "indexer", first_sequence: String(sequence), metrics, samples });
    ingest.close();
    sequence += BigInt(metrics.length);
    assert.equal(reply.accepted, metrics.length, JSON.stringify(reply.refused));
  }

  /// The executor, a process of its own.
  async function executor(...options) {
    const args = ["--daemon", daemon.endpoint, "--rpc", node.url, "--contract", contract.name, "--address", contract.of(world).address];
    return startProcess(t, process.execPath, [path.join(root, "tests/system/lib/vault_executor.mjs"), ...args, ...options]);
  }
  async function order(command, ...args) {
    const result = await daemon.cli("guardian", command, "--yes", "--json", "--reason", "as decided", ...args);
    assert.equal(result.code, 0, result.stderr + result.stdout);
    return result.json;
  }
  /// Of one parameter, oldest first.
  async function listed(request) {
    const { decisions: found } = await control.ListDecisions({ limit: 200, ...request });
    return found.sort((a, b) => (BigInt(a.id) < BigInt(b.id) ? -1 : 1));
  }
  const decisions = (parameter) => listed({ parameter });
  const adjustments = (parameter) => listed({ parameter, adjustments_only: true });
  const parameterOf = async (parameter) => (await control.ListParameters()).parameters.find((p) => p.name === parameter);
  const ticks = async () => Number((await control.GetStatus()).ticks);
  async function afterTicks(count) {
    const until = (await ticks()) + count;
    await waitFor(`${count} more ticks`, async () => (await ticks()) >= until);
  }
  /// Ends the daemon and makes every decision again from its journal.
  async function finish() {
    await daemon.stop();
    const replay = await cli(t, undefined, ["replay", "--journal", journal, "--json"]);
    assert.equal(replay.code, 0, replay.stderr + replay.stdout);
    assert.equal(replay.json.identical, true);
    t.diagnostic(`replay: ${replay.json.inputs} inputs, ${replay.json.decisions} decisions, identical`);
  }
  await start();
  await feed();
  return { node, world, folder, start, feed, executor, order, decisions, adjustments, parameterOf, afterTicks, finish, daemon: () => daemon, control: () => control };
}
