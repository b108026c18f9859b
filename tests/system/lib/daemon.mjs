// The real homeostatd and the real command, from the build under test.
import { writeFileSync } from "node:fs";
import path from "node:path";
import { bin } from "./paths.mjs";
import { runProcess, startProcess } from "./process.mjs";
import { waitFor } from "./wait.mjs";

const kReady = /ready: gRPC on port (\d+), console and metrics on http port (\d+)/;

/// Starts homeostatd and resolves when it serves. `config` is the text of a configuration, written to
/// `folder`/config.yaml, or undefined to use the file that is there or `file`.
export async function startDaemon(t, { folder, config, file, env = {} }) {
  const configFile = file ?? path.join(folder, "config.yaml");
  if (config !== undefined) writeFileSync(configFile, config);
  const child = startProcess(t, path.join(bin, "homeostatd"), ["--config", configFile], { env });
  const ready = await waitFor("homeostatd is ready", () => {
    if (!child.running()) return { failed: true };
    return kReady.exec(child.output());
  });
  if (ready.failed) {
    const { code, signal } = await child.ended;
    throw new Error(`homeostatd ended with ${signal ?? code}:\n${child.output()}`);
  }
  const [grpcPort, httpPort] = [Number(ready[1]), Number(ready[2])];
  const endpoint = `127.0.0.1:${grpcPort}`;
  const url = `http://127.0.0.1:${httpPort}`;

  /// Ends it in order; throws when it did not, with its last words (a sanitizer's among them).
  async function stop() {
    const how = await child.stop("SIGTERM");
    if (how.code !== 0) throw new Error(`homeostatd ended with ${how.signal ?? how.code}:\n${child.output().slice(-8000)}`);
    return child.output();
  }
  async function killNow() {
    child.kill("SIGKILL");
    return child.ended;
  }
  const get = async (page) => {
    const response = await fetch(url + page, { signal: AbortSignal.timeout(10_000) });
    return { status: response.status, text: await response.text(), type: response.headers.get("content-type") };
  };
  return {
    ...child,
    endpoint,
    grpcPort,
    httpPort,
    url,
    configFile,
    stop,
    killNow,
    get,
    log: child.output,
    cli: (...args) => cli(t, endpoint, args),
  };
}

/// A daemon that is expected not to start: {code, signal, stdout, stderr}. Throws when it starts all the same.
export async function runDaemon(t, { folder, config, file, env }) {
  const configFile = file ?? path.join(folder, "config.yaml");
  if (config !== undefined) writeFileSync(configFile, config);
  const child = startProcess(t, path.join(bin, "homeostatd"), ["--config", configFile], { env });
  await waitFor("homeostatd ends, or starts", () => !child.running() || kReady.test(child.output()));
  if (kReady.test(child.output()) && child.running()) {
    await child.stop("SIGKILL");
    throw new Error(`homeostatd started:\n${child.output()}`);
  }
  return { ...(await child.ended), stdout: child.stdout(), stderr: child.stderr() };
}

/// The command: {code, stdout, stderr, json}, json undefined when stdout is none.
export async function cli(t, endpoint, args) {
  const env = { HOMEOSTAT_ENDPOINT: endpoint ?? "127.0.0.1:1", USER: "tester", NO_COLOR: "1" };
  const result = await runProcess(t, path.join(bin, "homeostat"), args, { env });
  let json;
  try {
    json = JSON.parse(result.stdout);
  } catch {
    // A table, or nothing.
  }
  return { ...result, json };
}

/// The samples of /metrics: [{name, labels, value}].
export function parseMetrics(text) {
  const samples = [];
  for (const line of text.split("\n")) {
    const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line);
    if (!match) continue;
    const labels = {};
    for (const [, key, value] of (match[2] ?? "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) labels[key] = value;
    samples.push({ name: match[1], labels, value: Number(match[3]) });
  }
  return samples;
}

/// One value of the daemon's /metrics, undefined when there is none.
export async function metricOf(daemon, name, labels = {}) {
  const { text } = await daemon.get("/metrics");
  const wanted = Object.entries(labels);
  return parseMetrics(text).find((s) => s.name === name && wanted.every(([k, v]) => s.labels[k] === v))?.value;
}
