// What every program of the world shares: options, log lines, an orderly end.
import { parseArgs } from "node:util";

/// Parses the command line against `options` (those of node:util parseArgs, each with a `type`, maybe a `default`).
/// `--help` prints `help` and ends; an unknown or misplaced option ends with code 2 and says which are known.
export function parseOptions(help, options) {
  const known = { ...options, help: { type: "boolean", default: false } };
  try {
    const { values } = parseArgs({ options: known, allowPositionals: false });
    if (values.help) {
      console.log(help);
      process.exit(0);
    }
    return values;
  } catch (error) {
    console.error(
      `${error.message}\nknown options: ${Object.keys(known)
        .map((name) => `--${name}`)
        .join(", ")}`,
    );
    process.exit(2);
  }
}

/// A whole number inside [min, max], or exit code 2.
export function wholeNumber(name, text, min, max) {
  const value = Number(text);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  console.error(`--${name} is "${text}"; it must be a whole number from ${min} to ${max}`);
  process.exit(2);
}

/// One line a call, with the time and the program's name.
export function makeLog(name) {
  const print = (stream, text) => {
    const time = new Date().toISOString().slice(11, 19);
    for (const line of String(text).split("\n")) stream.write(`${time} ${name}: ${line}\n`);
  };
  return { info: (text) => print(process.stdout, text), warn: (text) => print(process.stderr, text) };
}

/// An AbortSignal that fires at SIGINT, SIGTERM, or when the parent that started us with a channel is gone.
export function stopSignal() {
  const controller = new AbortController();
  const stop = () => controller.abort();
  for (const name of ["SIGINT", "SIGTERM"]) process.on(name, stop);
  if (process.channel) {
    process.once("disconnect", stop);
    process.channel.unref();
  }
  return controller.signal;
}

/// Resolves after `ms`, or at once when `signal` fires.
export function sleep(ms, signal) {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done);
  });
}

/// Waiting times that double from `firstMs` to `maxMs`, each with up to a quarter taken off, so that clients that lost
/// the same server do not come back in step.
export function makeBackoff(firstMs, maxMs) {
  let nextMs = firstMs;
  return {
    next() {
      const ms = nextMs;
      nextMs = Math.min(nextMs * 2, maxMs);
      return Math.round(ms * (1 - Math.random() / 4));
    },
    reset() {
      nextMs = firstMs;
    },
  };
}

/// One line of an error of viem, gRPC or Node: their own messages run over many.
export function brief(error) {
  const text = (error.shortMessage ?? error.details ?? error.message).split("\n")[0];
  const refused = /ECONNREFUSED (\S+:\d+)/.exec(text);
  return refused ? `nobody listens on ${refused[1].replace(/\.$/, "")}` : text;
}

/// Runs `main` and turns an error into one line and exit code 1.
export function run(log, main) {
  main().then(
    () => process.exit(process.exitCode ?? 0),
    (error) => {
      log.warn(brief(error));
      process.exit(1);
    },
  );
}
