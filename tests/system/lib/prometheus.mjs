// A real Prometheus that scrapes one daemon every second, with the alert rules that are deployed.
import { copyFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { freePort } from "./network.mjs";
import { root, temporaryFolder } from "./paths.mjs";
import { startProcess } from "./process.mjs";
import { waitFor } from "./wait.mjs";

/// {query(expr), range(expr, seconds), rules(), targets()}
export async function startPrometheus(t, target) {
  const folder = temporaryFolder(t, "prometheus");
  copyFileSync(path.join(root, "deploy/prometheus/alerts.yml"), path.join(folder, "alerts.yml"));
  writeFileSync(
    path.join(folder, "prometheus.yml"),
    `global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [alerts.yml]
scrape_configs:
  - job_name: homeostat
    static_configs: [{targets: ["${target}"]}]
`,
  );
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const server = startProcess(t, process.env.PROMETHEUS ?? "prometheus", [
    `--config.file=${path.join(folder, "prometheus.yml")}`,
    `--storage.tsdb.path=${path.join(folder, "data")}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ]);
  await waitFor("Prometheus is ready", async () => {
    if (!server.running()) throw new Error(server.output());
    return (await fetch(`${url}/-/ready`)).ok;
  });
  async function api(page, parameters = {}) {
    const response = await fetch(`${url}/api/v1/${page}?${new URLSearchParams(parameters)}`);
    const { status, data, error } = await response.json();
    if (status !== "success") throw new Error(`${page} ${JSON.stringify(parameters)}: ${error}`);
    return data;
  }
  return {
    url,
    query: async (expr) => (await api("query", { query: expr })).result,
    range: async (expr, seconds) => {
      const end = Date.now() / 1000;
      return (await api("query_range", { query: expr, start: end - seconds, end, step: 1 })).result;
    },
    rules: async () => (await api("rules")).groups.flatMap((group) => group.rules),
    targets: async () => (await api("targets")).activeTargets,
  };
}
