// homeostatd as its clients here see it: the ActuatorService for the executor, the metrics for the reporter.
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";

const protoRoot = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../proto");
const kCallTimeoutMs = 5_000;
const kChannel = {
  "grpc.initial_reconnect_backoff_ms": 200,
  "grpc.max_reconnect_backoff_ms": 5_000,
  // Above five minutes, the least that gRPC servers tolerate unless told otherwise.
  "grpc.keepalive_time_ms": 320_000,
};

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

/// The package homeostat.v1, from the project's own proto files.
export function loadProto(file = "homeostat/v1/actuator.proto") {
  const options = {
    keepCase: true,
    longs: String,
    enums: String,
    defaults: true,
    oneofs: true,
    includeDirs: [protoRoot],
  };
  return grpc.loadPackageDefinition(protoLoader.loadSync(file, options)).homeostat.v1;
}

/// Plain text without a certificate authority, else TLS.
export function credentials({ ca, cert, key }) {
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
export function connectActuator({ address, executor, parameters = [], tls = {} }) {
  const { ActuatorService } = loadProto();
  const client = new ActuatorService(address, credentials(tls), kChannel);

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
      const deadline = Date.now() + kCallTimeoutMs;
      client.Acknowledge(request, { deadline }, (error, response) => (error ? reject(error) : resolve(response)));
    });
  }

  return { adjustments, acknowledge, close: () => client.close() };
}

/// `metrics()` gives [{name, value, quality, time_s}], time_s undefined for a metric that has no value yet.
export function connectMetrics({ address, tls = {} }) {
  const { ControlService } = loadProto("homeostat/v1/control.proto");
  const client = new ControlService(address, credentials(tls), kChannel);

  async function metrics() {
    const response = await new Promise((resolve, reject) => {
      const deadline = Date.now() + kCallTimeoutMs;
      client.ListMetrics({}, { deadline }, (error, answer) => (error ? reject(error) : resolve(answer)));
    });
    return response.metrics.map(({ name, reading }) => ({
      name,
      value: reading?.value,
      quality: reading?.quality,
      time_s: reading?.time ? milliseconds(reading.time) / 1000 : undefined,
    }));
  }
  return { metrics, close: () => client.close() };
}
