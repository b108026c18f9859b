// Child processes that never outlive their test.
import { spawn } from "node:child_process";
import { onEnd } from "./cleanup.mjs";

const kStopTimeoutMs = 30_000;
const kOutputMax = 8 << 20;

/// Starts a program and collects what it prints.
///   ended        resolves with {code, signal}
///   output()     stdout and stderr so far, as they came
///   stop(signal) asks it to end, and kills it if it does not
export function startProcess(t, command, args, { env = {}, cwd } = {}) {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  const text = { all: "", stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"]) {
    child[stream].setEncoding("utf8").on("data", (chunk) => {
      for (const key of ["all", stream]) text[key] = (text[key] + chunk).slice(-kOutputMax);
    });
  }
  const ended = new Promise((resolve) => {
    child.once("error", (error) => resolve({ code: null, signal: null, error }));
    child.once("close", (code, signal) => resolve({ code, signal }));
  }).finally(() => process.off("exit", kill));

  async function stop(signal = "SIGTERM") {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    const timer = setTimeout(kill, kStopTimeoutMs);
    const how = await ended;
    clearTimeout(timer);
    return how;
  }
  onEnd(t, () => stop("SIGKILL"));
  return {
    pid: child.pid,
    child,
    ended,
    stop,
    kill: (signal) => child.kill(signal),
    running: () => child.exitCode === null && child.signalCode === null,
    output: () => text.all,
    stdout: () => text.stdout,
    stderr: () => text.stderr,
  };
}

/// Runs a program to its end: {code, signal, stdout, stderr}.
export async function runProcess(t, command, args, options) {
  const started = startProcess(t, command, args, options);
  const how = await started.ended;
  if (how.error) throw how.error;
  return { ...how, stdout: started.stdout(), stderr: started.stderr() };
}
