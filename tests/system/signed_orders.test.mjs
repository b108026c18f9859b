// A policy with keys: orders are signed, some need two keys, limits are loosened only when an admin signed the
// configuration, and all of it survives kill -9 and replays.
import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { connect, status } from "./lib/clients.mjs";
import { pushConfig } from "./lib/configs.mjs";
import { cli, metricOf, startDaemon } from "./lib/daemon.mjs";
import { temporaryFolder } from "./lib/paths.mjs";
import { waitFor } from "./lib/wait.mjs";

const kDenied = 4;

/// Keys made by the command itself, and a policy that knows them.
async function signedWorld(t) {
  const folder = temporaryFolder(t, "signed");
  const keyFile = (name) => path.join(folder, `${name}.key`);
  const publics = {};
  for (const name of ["ops", "alice", "bob", "root", "dave"]) {
    const made = await cli(t, undefined, ["guardian", "key", "new", name, keyFile(name)]);
    assert.equal(made.code, 0, made.stderr);
    publics[name] = /public_key: ([0-9a-f]{64})/.exec(made.stdout)[1];
    assert.equal(statSync(keyFile(name)).mode & 0o777, 0o600);
  }
  const configWith = ({ max = 90, gains = "{kp: 20, ki: 2/s}", approvals = "override: {of: 2, above: 10%}", roles = { ops: "operator", alice: "guardian", bob: "guardian", root: "admin" } } = {}) => {
    const keys = Object.entries(roles).map(([name, role]) => `    ${name}: {public_key: ${publics[name]}, role: ${role}}`);
    const extra = `guardian:\n  keys:\n${keys.join("\n")}\n  approvals: {${approvals}}\n`;
    return pushConfig({ folder, extra, period: "250ms", loop: `gains: ${gains}` }).replace("max: 90", `max: ${max}`);
  };
  const start = (options) => startDaemon(t, { folder, config: configWith(options) });
  return { folder, keyFile, publics, configWith, start };
}

const parameter = async (daemon) => {
  const list = await daemon.cli("parameters", "--json");
  assert.equal(list.code, 0, list.stderr);
  return list.json.parameters[0];
};
const pendingOf = async (daemon) => (await daemon.cli("guardian", "pending", "--json")).json;

function orders(daemon, world) {
  const run = (key, command, ...args) =>
    daemon.cli("guardian", command, ...args, "--sign", world.keyFile(key), "--reason", "drill", "--yes", "--json");
  const accepted = async (...args) => {
    const result = await run(...args);
    assert.equal(result.code, 0, result.stderr);
    return result.json;
  };
  const refused = async (pattern, ...args) => {
    const result = await run(...args);
    assert.notEqual(result.code, 0, result.stdout);
    assert.match(result.stderr, pattern);
    return result;
  };
  return { run, accepted, refused };
}

test("a policy with keys takes signed orders only, each from who may give it", async (t) => {
  const world = await signedWorld(t);
  const daemon = await world.start();
  const { accepted, refused } = orders(daemon, world);
  const unsigned = await daemon.cli("guardian", "pause", "rate", "--reason", "x", "--yes");
  assert.equal(unsigned.code, kDenied);
  assert.match(unsigned.stderr, /takes signed orders only/);
  await accepted("ops", "pause", "rate");
  assert.equal((await parameter(daemon)).paused_by, "ops");
  assert.equal((await refused(/role operator; resume asks for guardian/, "ops", "resume", "rate")).code, kDenied);
  assert.equal((await refused(/no key 'dave'/, "dave", "pause", "rate")).code !== 0, true);
  await accepted("alice", "resume", "rate");
  assert.equal((await parameter(daemon)).paused ?? false, false);
});

test("an order signed without a daemon is sent once, unaltered, by anybody", async (t) => {
  const world = await signedWorld(t);
  const file = path.join(world.folder, "order.txt");
  const sign = (...more) => cli(t, undefined, ["guardian", "pause", "rate", "--policy", "test", "--sign", world.keyFile("ops"), "--out", file, "--reason", "drill", "--yes", ...more]);
  const signed = await sign();
  assert.equal(signed.code, 0, signed.stderr);
  assert.match(readFileSync(file, "utf8"), /^homeostat order 1\npolicy: test\nkey: ops\nnonce: [0-9a-f]{32}\n[^]*command: pause\ntarget: rate\nreason: drill\nsignature: [0-9a-f]{128}\n$/);
  assert.notEqual((await sign()).code, 0); // never overwritten

  const daemon = await world.start();
  const altered = path.join(world.folder, "altered.txt");
  writeFileSync(altered, readFileSync(file, "utf8").replace("target: rate", "target: "));
  const forged = await daemon.cli("guardian", "submit", altered);
  assert.equal(forged.code, kDenied);
  assert.match(forged.stderr, /not the signature of key 'ops'/);
  const first = await daemon.cli("guardian", "submit", file);
  assert.equal(first.code, 0, first.stderr);
  assert.equal((await parameter(daemon)).paused_by, "ops");
  const again = await daemon.cli("guardian", "submit", file);
  assert.notEqual(again.code, 0);
  assert.match(again.stderr, /received before/);
});

test("a large override waits for a second key, through kill -9, and replays", async (t) => {
  const world = await signedWorld(t);
  let daemon = await world.start();
  let { accepted, refused } = orders(daemon, world);
  await accepted("alice", "override", "rate", "52", "--for", "10m"); // 4 %: alone
  const asked = await accepted("alice", "override", "rate", "70", "--for", "10m");
  assert.equal(asked.missing_signatures, 1);
  assert.match(asked.message, new RegExp(`homeostat guardian approve ${asked.id}`));
  await daemon.killNow();

  daemon = await world.start();
  ({ accepted, refused } = orders(daemon, world));
  const waiting = await pendingOf(daemon);
  assert.equal(waiting.policy, "test");
  assert.deepEqual(waiting.pending.map((c) => [c.command, c.target, c.value, c.signers, c.needed]), [["override", "rate", "70", ["alice"], 2]]);
  await refused(/signed it already/, "alice", "approve", String(asked.id));
  await accepted("bob", "approve", String(asked.id));
  const now = await parameter(daemon);
  assert.equal(now.override_value, "70");
  assert.equal(now.override_by, "alice with bob");
  assert.equal((await pendingOf(daemon)).pending?.length ?? 0, 0);

  const dropped = await accepted("bob", "override", "rate", "80", "--for", "10m");
  await accepted("ops", "reject", String(dropped.id));
  await refused(/no command \d+ waits/, "alice", "approve", String(dropped.id));
  const table = await daemon.cli("guardian", "pending");
  assert.match(table.stdout, /alice\s+guardian\s+never\s+[0-9a-f]{64}/);
  await daemon.stop();
  const replay = await cli(t, undefined, ["replay", "--journal", path.join(world.folder, "journal"), "--json"]);
  assert.equal(replay.code, 0, replay.stderr + replay.stdout);
  assert.equal(replay.json.identical, true);
});

test("limits are loosened, and keys changed without a restart, only by a configuration that an admin signed", async (t) => {
  const world = await signedWorld(t);
  const daemon = await world.start();
  const { accepted, refused } = orders(daemon, world);
  const load = async (config) => {
    writeFileSync(daemon.configFile, config);
    return daemon.cli("reload");
  };
  const fingerprint = async () => (await cli(t, undefined, ["check", daemon.configFile, "--json"])).json.fingerprint;

  const wider = world.configWith({ max: 95 });
  const refusedLoad = await load(wider);
  assert.notEqual(refusedLoad.code, 0);
  assert.match(refusedLoad.stderr, /parameters\.rate\.max from 90 to 95/);
  const print = await fingerprint();
  assert.ok(refusedLoad.stderr.includes(`allow-policy ${print}`), refusedLoad.stderr);
  await refused(/asks for admin/, "alice", "allow-policy", print);
  await accepted("root", "allow-policy", print);
  const taken = await load(wider);
  assert.equal(taken.code, 0, taken.stderr);
  await waitFor("the wider bound is in force", async () => (await parameter(daemon)).max === "95");

  // dave comes, ops goes
  const rotated = world.configWith({ max: 95, roles: { dave: "operator", alice: "guardian", bob: "guardian", root: "admin" } });
  assert.notEqual((await load(rotated)).code, 0);
  await accepted("root", "allow-policy", await fingerprint());
  assert.equal((await load(rotated)).code, 0);
  await refused(/no key 'ops'/, "ops", "pause", "rate");
  await accepted("dave", "pause", "rate");
});

/// A candidate that loosens nothing (smaller gains), as a shadow of a daemon whose policy has keys.
async function candidateBeside(t, world, options = {}) {
  const daemon = await world.start(options);
  const file = path.join(world.folder, "candidate.yaml");
  writeFileSync(file, world.configWith({ ...options, gains: "{kp: 10, ki: 1/s}" }));
  const added = await daemon.cli("shadow", "add", "calmer", file);
  assert.equal(added.code, 0, added.stderr);
  const promote = (...args) => daemon.cli("shadow", "promote", "calmer", "--yes", ...args);
  const signedBy = (key, ...args) => promote("--file", file, "--sign", world.keyFile(key), "--reason", "vote 31", ...args);
  const signOffline = (key, out, policy = "test") =>
    cli(t, undefined, ["shadow", "promote", "calmer", "--file", file, "--policy", policy, "--sign", world.keyFile(key), "--reason", "vote 31", "--out", out, "--yes"]);
  const inForce = async () => (await daemon.cli("config", "--json")).json;
  return { daemon, file, promote, signedBy, signOffline, inForce };
}
const submitted = (daemon, file) => daemon.cli("guardian", "submit", file);

test("a promotion is signed where the policy has keys: an altered, unknown, misdirected or replayed signature is refused", async (t) => {
  const world = await signedWorld(t);
  const { daemon, file, promote, signedBy, signOffline, inForce } = await candidateBeside(t, world);
  const before = readFileSync(daemon.configFile, "utf8");
  const unsigned = await promote();
  assert.equal(unsigned.code, kDenied, unsigned.stdout);
  assert.match(unsigned.stderr, /an admin must sign for [0-9a-f]{12}/);
  assert.equal((await signedBy("alice")).code, kDenied); // a guardian is no admin

  const out = path.join(world.folder, "promotion.txt");
  const signed = await signOffline("root", out);
  assert.equal(signed.code, 0, signed.stderr);
  const print = (await cli(t, undefined, ["check", file, "--json"])).json.fingerprint;
  assert.ok(signed.stderr.includes(print) && signed.stderr.includes("command: allow_policy"), signed.stderr); // the plan
  const text = readFileSync(out, "utf8");
  assert.ok(text.includes(`\ncommand: allow_policy\ntarget: ${print}\nreason: vote 31\n`), text);

  const altered = path.join(world.folder, "altered.txt");
  writeFileSync(altered, text.replace(print, "0".repeat(64)));
  assert.match((await submitted(daemon, altered)).stderr, /not the signature of key 'root'/);
  const stranger = path.join(world.folder, "stranger.txt");
  assert.equal((await signOffline("dave", stranger)).code, 0);
  assert.match((await submitted(daemon, stranger)).stderr, /no key 'dave'/);
  const elsewhere = path.join(world.folder, "elsewhere.txt");
  assert.equal((await signOffline("root", elsewhere, "other")).code, 0);
  assert.match((await submitted(daemon, elsewhere)).stderr, /policy 'other'/);
  // None of them counted; the daemon itself refuses, whatever a client leaves out.
  const admin = connect(t, daemon.endpoint, "AdminService");
  await assert.rejects(admin.PromoteShadow({ name: "calmer" }), (error) => error.code === status.PERMISSION_DENIED && /not signed for/.test(error.details));
  assert.equal(readFileSync(daemon.configFile, "utf8"), before);
  assert.equal(await metricOf(daemon, "homeostat_config_last_reload_successful"), 1);

  const taken = await submitted(daemon, out);
  assert.equal(taken.code, 0, taken.stderr);
  assert.match((await submitted(daemon, out)).stderr, /received before/);
  const asked = await promote("--json");
  assert.equal(asked.code, 0, asked.stderr);
  assert.match(asked.stderr, /it loosens no limit[^]*signed for until \d{4}-/);
  assert.equal(asked.json.generation, 2);
  assert.equal(readFileSync(daemon.configFile, "utf8"), readFileSync(file, "utf8"));

  // A signature is for one promotion: back to what was, it must be signed again.
  writeFileSync(daemon.configFile, before);
  assert.equal((await daemon.cli("reload")).code, 0);
  assert.equal((await promote()).code, kDenied);
  assert.match((await submitted(daemon, out)).stderr, /received before/);
  const again = await signedBy("root");
  assert.equal(again.code, 0, again.stderr);
  assert.match(again.stdout, /may be loaded until[^]*in force from the next tick/);
  assert.equal((await inForce()).generation, 4);
  await daemon.stop();
  const replay = await cli(t, undefined, ["replay", "--journal", path.join(world.folder, "journal"), "--json"]);
  assert.equal(replay.json?.identical, true, replay.stderr + replay.stdout);
});

test("a promotion that needs two admins waits for the second, and not a byte of it may differ from what was read", async (t) => {
  const world = await signedWorld(t);
  const roles = { root: "admin", dave: "admin", alice: "guardian" };
  const { daemon, file, promote, signedBy, inForce } = await candidateBeside(t, world, { roles, approvals: "allow_policy: {of: 2}" });
  const first = await signedBy("root", "--json");
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stderr, /it waits until 1 more admin has signed, then: homeostat shadow promote calmer/);
  assert.equal(first.json.missing_signatures, 1);
  assert.equal((await promote()).code, kDenied);
  assert.equal((await inForce()).generation, 1);
  const approve = (key) => daemon.cli("guardian", "approve", String(first.json.id), "--sign", world.keyFile(key), "--reason", "read it", "--yes");
  assert.match((await approve("root")).stderr, /signed it already/);
  assert.equal((await approve("alice")).code, kDenied);
  const second = await approve("dave");
  assert.equal(second.code, 0, second.stderr);
  assert.match(second.stderr, /approve #\d+: allow_policy [0-9a-f]{64}\n[^]*that of shadow calmer, policy test [^]*; it loosens no limit\n/);
  const done = await promote("--file", file);
  assert.equal(done.code, 0, done.stderr);
  assert.equal((await inForce()).generation, 2);

  writeFileSync(file, `${readFileSync(file, "utf8")}# read later\n`);
  const another = await signedBy("root");
  assert.equal(another.code, 7, another.stdout);
  assert.match(another.stderr, /shadow calmer is not [^]*candidate\.yaml: its fingerprint is/);
});
