// gRPC clients made of the project's own proto files.
import path from "node:path";
import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";
import { onEnd } from "./cleanup.mjs";
import { root } from "./paths.mjs";

export const status = grpc.status;
const kLoad = { keepCase: true, longs: String, enums: String, defaults: true, oneofs: true };
const kCallTimeoutMs = 30_000;

const files = ["ingest", "control", "actuator", "guardian", "admin", "economy"].map((name) => `homeostat/v1/${name}.proto`);
const v1 = grpc.loadPackageDefinition(protoLoader.loadSync(files, { ...kLoad, includeDirs: [path.join(root, "proto")] })).homeostat.v1;

/// A client of one service of homeostat.v1; every unary method gives a promise under its own name.
export function connect(t, endpoint, service, options = {}) {
  return promised(t, v1[service], endpoint, options);
}

/// As connect, of any generated client class.
export function promised(t, Client, endpoint, options = {}) {
  const client = new Client(endpoint, grpc.credentials.createInsecure(), { "grpc.max_reconnect_backoff_ms": 500, ...options });
  onEnd(t, () => client.close());
  const calls = { raw: client, close: () => client.close() };
  for (const [name, method] of Object.entries(Client.service)) {
    if (method.requestStream || method.responseStream) {
      calls[name] = (request) => client[name](request);
    } else {
      calls[name] = (request = {}, { timeoutMs = kCallTimeoutMs } = {}) =>
        new Promise((resolve, reject) => {
          client[name](request, { deadline: Date.now() + timeoutMs }, (error, answer) => (error ? reject(error) : resolve(answer)));
        });
    }
  }
  return calls;
}

/// Loads proto text files that are not the project's (health, reflection).
export function loadPackage(file, includeDir) {
  return grpc.loadPackageDefinition(protoLoader.loadSync(file, { ...kLoad, includeDirs: [includeDir] }));
}

/// Nanoseconds since 1970 as the contract wants them.
export const nanos = (ms = Date.now()) => String(BigInt(Math.round(ms * 1000)) * 1000n);

let lastNanos = 0n;

/// A batch of samples of one metric with these values, a microsecond apart: from `atMs` on, or from now on and behind
/// every batch that was made without a time of its own.
export function batchOf({ source = "app", metric = "load", first, values, atMs }) {
  let start = BigInt(nanos(atMs));
  if (atMs === undefined) {
    if (start <= lastNanos) start = lastNanos + 1000n;
    lastNanos = start + BigInt(values.length - 1) * 1000n;
  }
  const samples = values.map((value, i) => ({ metric: 0, time_unix_nano: String(start + BigInt(i) * 1000n), value }));
  return { source, first_sequence: String(first), metrics: [metric], samples };
}

/// The bidirectional ingest stream. `send(batch)` gives a promise of its reply (replies come in order), which is
/// rejected when the stream ends first.
export function openIngest(client) {
  const call = client.raw.Ingest();
  const waiting = [];
  let ended;
  call.on("data", (reply) => waiting.shift()?.resolve(reply));
  const end = (error) => {
    ended ??= error ?? new Error("the stream ended");
    for (const one of waiting.splice(0)) one.reject(ended);
  };
  call.on("error", end);
  call.on("end", () => end());
  return {
    send(batch) {
      if (ended) return Promise.reject(ended);
      return new Promise((resolve, reject) => {
        waiting.push({ resolve, reject });
        call.write(batch);
      });
    },
    waiting: () => waiting.length,
    close: () => call.end(),
    cancel: () => call.cancel(),
  };
}
