// The default configuration on its own world, as ./run starts them, on free ports and with a faster day.
import path from "node:path";
import { copyFileSync, readFileSync } from "node:fs";
import { chain, hands } from "./chain.mjs";
import { onEnd } from "./cleanup.mjs";
import { startDaemon } from "./daemon.mjs";
import { root, temporaryFolder } from "./paths.mjs";
import { startProcess } from "./process.mjs";
import { waitFor } from "./wait.mjs";

const script = (name) => path.join(root, "world", name);

/// {daemon, world, hands, executor}: chain, users, homeostatd, executor and reporter, all of them the real ones.
export async function startStreaming(t, { day = "10s", period = "500ms", users = 60, env = {} } = {}) {
  const folder = temporaryFolder(t, "streaming");
  const node = startProcess(t, process.execPath, [
    ...[script("start.mjs"), "--port", "0", "--var", folder, "--users", String(users), "--cooldown", "1"],
    "--no-executor",
  ]);
  onEnd(t, () => node.stop()); // it ends its chain, which would outlive a kill
  await waitFor("the world is ready", () => {
    if (!node.running()) throw new Error(node.output());
    return node.output().includes("world: ready");
  });
  const world = JSON.parse(readFileSync(path.join(folder, "world.json"), "utf8"));
  copyFileSync(path.join(root, "config/streaming.yaml"), path.join(folder, "config.yaml"));
  const daemon = await startDaemon(t, {
    folder,
    env: {
      HOMEOSTAT_DATA: path.join(folder, "journal"),
      HOMEOSTAT_GRPC: "127.0.0.1:0",
      HOMEOSTAT_HTTP: "127.0.0.1:0",
      HOMEOSTAT_DAY: day,
      HOMEOSTAT_PERIOD: period,
      HOMEOSTAT_CONFIRMATIONS: "1",
      HOMEOSTAT_CHAIN_ID: String(world.chain_id),
      HOMEOSTAT_CHAIN_HTTP: world.rpc,
      HOMEOSTAT_CHAIN_WS: world.ws,
      HOMEOSTAT_ECOSYSTEM: world.contracts.ecosystem,
      HOMEOSTAT_TOKEN: world.contracts.token,
      HOMEOSTAT_START_BLOCK: String(world.first_block),
      ...env,
    },
  });
  const program = (name) => startProcess(t, process.execPath, [script(name), "--var", folder, "--daemon", daemon.endpoint]);
  const executor = program("executor.mjs");
  const reporter = program("reporter.mjs");
  return { folder, node, world, daemon, executor, reporter, ...hands(chain.makeRpc(world.rpc), world) };
}
