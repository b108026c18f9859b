// What ordinary tools expect of a gRPC server and of a service: health, reflection, probes.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { connect, loadPackage, promised, status } from "./lib/clients.mjs";
import { pushConfig } from "./lib/configs.mjs";
import { startDaemon } from "./lib/daemon.mjs";
import { temporaryFolder } from "./lib/paths.mjs";
import { waitFor } from "./lib/wait.mjs";

const protoFolder = path.join(path.dirname(fileURLToPath(import.meta.url)), "lib/proto");
const kServices = ["IngestService", "ControlService", "ActuatorService", "GuardianService", "AdminService"].map((s) => `homeostat.v1.${s}`);

async function started(t) {
  const folder = temporaryFolder(t, "tools");
  return startDaemon(t, { folder, config: pushConfig({ folder }) });
}

/// One request on the reflection stream, one answer.
function reflect(client, request) {
  return new Promise((resolve, reject) => {
    const call = client.raw.ServerReflectionInfo();
    call.on("error", reject);
    call.on("data", (answer) => {
      resolve(answer);
      call.end();
    });
    call.write(request);
  });
}

test("health: every service is SERVING, an unknown one is NOT_FOUND, and a watcher hears of the end", async (t) => {
  const daemon = await started(t);
  const { Health } = loadPackage("health.proto", protoFolder).grpc.health.v1;
  const client = promised(t, Health, daemon.endpoint);
  for (const service of ["", ...kServices]) assert.equal((await client.Check({ service })).status, "SERVING", service);
  await assert.rejects(client.Check({ service: "homeostat.v1.NoSuchService" }), { code: status.NOT_FOUND });

  const watch = client.raw.Watch({ service: "homeostat.v1.ControlService" });
  const heard = [];
  const first = new Promise((resolve) => watch.on("data", ({ status: s }) => (heard.push(s), resolve())));
  const over = new Promise((resolve) => (watch.on("error", resolve), watch.on("end", resolve)));
  await first;
  await daemon.stop();
  await over;
  assert.deepEqual(heard.slice(0, 2), ["SERVING", "NOT_SERVING"]);
});

test("reflection: lists the services and describes a method, as grpcurl asks", async (t) => {
  const daemon = await started(t);
  const { ServerReflection } = loadPackage("reflection.proto", protoFolder).grpc.reflection.v1alpha;
  const client = promised(t, ServerReflection, daemon.endpoint);
  const listed = await reflect(client, { list_services: "" });
  const names = listed.list_services_response.service.map((s) => s.name);
  for (const service of [...kServices, "grpc.health.v1.Health"]) assert.ok(names.includes(service), `${service} in ${names}`);

  for (const symbol of ["homeostat.v1.ControlService.Explain", "homeostat.v1.Decision"]) {
    const described = await reflect(client, { file_containing_symbol: symbol });
    const files = described.file_descriptor_response.file_descriptor_proto;
    assert.ok(files.length > 0 && files.some((f) => f.includes("homeostat/v1/")), symbol);
  }
  const missing = await reflect(client, { file_containing_symbol: "homeostat.v1.Nothing" });
  assert.equal(missing.error_response.error_code, status.NOT_FOUND);
});

test("probes: /healthz, /livez, /readyz, the console, a page that is not there, a method that is not allowed", async (t) => {
  const daemon = await started(t);
  assert.deepEqual({ ...(await daemon.get("/livez")), type: "" }, { status: 200, text: "ok\n", type: "" });
  const health = await daemon.get("/healthz");
  assert.equal(health.status, 200);
  assert.match(health.text, /^ok: /);
  assert.deepEqual({ ...(await daemon.get("/readyz")), type: "" }, { status: 200, text: "ready\n", type: "" });
  const console_ = await daemon.get("/");
  assert.equal(console_.status, 200);
  assert.match(console_.type, /^text\/html/);
  assert.match(console_.text, /too much load, so the rate rises/);
  assert.equal((await daemon.get("/nothing")).status, 404);
  const post = await fetch(`${daemon.url}/metrics`, { method: "POST" });
  assert.equal(post.status, 405);
  const command = await fetch(`${daemon.url}/`, { method: "POST", body: "pause=all" });
  assert.equal(command.status, 405);
  assert.equal(command.headers.get("allow"), "GET, HEAD");
  assert.match(await command.text(), /this listener changes nothing/);
});

test("top, gdb and perf see what each thread is for", async (t) => {
  const daemon = await started(t);
  const tasks = `/proc/${daemon.pid}/task`;
  const wanted = ["homeostatd", "engine", "journal", "journal-keeper", "sources", "http", "api-outbox"];
  // A thread names itself when it first runs; until then it has the name of the one that started it.
  await waitFor("one thread of each name", () => {
    const names = readdirSync(tasks).map((id) => readFileSync(`${tasks}/${id}/comm`, "utf8").trim());
    for (const name of wanted) assert.equal(names.filter((n) => n === name).length, 1, `${name} among ${names.join(" ")}`);
    return true;
  });
});

test("the version is told to a client and to the command", async (t) => {
  const daemon = await started(t);
  const admin = connect(t, daemon.endpoint, "AdminService");
  const { version } = await admin.GetVersion();
  const { code, json } = await daemon.cli("version", "--json");
  assert.equal(code, 0);
  assert.equal(json.daemon.version, version);
});
