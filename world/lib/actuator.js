// homeostatd's ActuatorService as a client sees it.
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";

const protoRoot = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../proto");
const kAcknowledgeTimeoutMs = 5_000;

/// Ends of a call after which the same call may succeed later.
const kTransient = new Set([
  grpc.status.UNAVAILABLE,
  grpc.status.DEADLINE_EXCEEDED,
  grpc.status.RESOURCE_EXHAUSTED,
  grpc.status.ABORTED,
  grpc.status.CANCELLED,
  grpc.status.INTERNAL,
  grpc.status.UNKNOWN,
]);

export function isTransient(error) {
  return kTransient.has(error.code);
}

/// The generated package homeostat.v1, from the project's own proto files.
export function loadProto(file = "homeostat/v1/actuator.proto") {
  const options = { keepCase: true, longs: String, enums: String, defaults: true, oneofs: true, includeDirs: [protoRoot] };
  return grpc.loadPackageDefinition(protoLoader.loadSync(file, options)).homeostat.v1;
}

function credentials({ ca, cert, key }) {
  if (!ca) return grpc.credentials.createInsecure();
  const read = (file) => (file ? readFileSync(file) : null);
  return grpc.credentials.createSsl(read(ca), read(key), read(cert));
}

function milliseconds(timestamp) {
  return Number(timestamp.seconds) * 1000 + timestamp.nanos / 1e6;
}

/// An Adjustment message in the types that we count with, or an Error that says what is wrong with it.
function adjustmentOf(message) {
  if (!/^-?\d+$/.test(message.units)) throw new Error(`adjustment ${message.id} has units "${message.units}"`);
  if (!message.expires) throw new Error(`adjustment ${message.id} has no expiry`);
  return {
    id: BigInt(message.id),
    epoch: BigInt(message.epoch),
    parameter: message.parameter,
    value: message.value,
    units: BigInt(message.units),
    decimals: message.decimals,
    previous: message.previous,
    expires_s: milliseconds(message.expires) / 1000,
    why: message.why,
  };
}

/// `adjustments(afterId, signal, onOpen)` is an async sequence that throws when the stream breaks;
/// `acknowledge(id, answer)` sends {applied} or {rejected}.
export function connect({ address, executor, parameters = [], tls = {} }) {
  const { ActuatorService } = loadProto();
  const client = new ActuatorService(address, credentials(tls), {
    "grpc.initial_reconnect_backoff_ms": 200,
    "grpc.max_reconnect_backoff_ms": 5_000,
    // Above five minutes, the least that gRPC servers tolerate unless told otherwise.
    "grpc.keepalive_time_ms": 320_000,
  });

  async function* adjustments(afterId, signal, onOpen) {
    const call = client.Subscribe({ executor, parameters, after_id: afterId.toString() });
    const cancel = () => call.cancel();
    signal.addEventListener("abort", cancel);
    call.on("metadata", onOpen);
    try {
      for await (const message of call) yield adjustmentOf(message);
    } finally {
      signal.removeEventListener("abort", cancel);
      call.cancel();
    }
  }

  function acknowledge(id, answer) {
    const request = { adjustment_id: id.toString(), executor, ...answer };
    return new Promise((resolve, reject) => {
      const deadline = Date.now() + kAcknowledgeTimeoutMs;
      client.Acknowledge(request, { deadline }, (error, response) => (error ? reject(error) : resolve(response)));
    });
  }

  return { adjustments, acknowledge, close: () => client.close() };
}
