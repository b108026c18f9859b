// Keys in the addresses of providers: the sources use them, and nobody else ever sees them.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { pushConfig } from "./lib/configs.mjs";
import { startDaemon } from "./lib/daemon.mjs";
import { temporaryFolder } from "./lib/paths.mjs";
import { waitFor } from "./lib/wait.mjs";

const kPassword = "hunter2hunter2";

/// A page that answers those who know the key of the day.
async function startPage(t) {
  const seen = [];
  const page = { key: "KEYofMONDAY0123456789" };
  const server = createServer((request, response) => {
    seen.push({ url: request.url, authorization: request.headers.authorization });
    if (request.url !== `/v2/${page.key}/load?format=json`) return response.writeHead(403).end("who are you?");
    response.writeHead(200, { "content-type": "application/json" }).end('{"load": 0.5}');
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return Object.assign(page, { port: server.address().port, seen });
}

function filesUnder(folder) {
  return readdirSync(folder).flatMap((name) => {
    const file = path.join(folder, name);
    return statSync(file).isDirectory() ? filesUnder(file) : [file];
  });
}

test("a key in an address is in no journal, log, page, metric, status or description, and a changed one is a changed configuration", async (t) => {
  const page = await startPage(t);
  const folder = temporaryFolder(t, "secrets");
  const source = (key) => `kind: http, period: 100ms, backoff_first: 100ms, backoff_max: 200ms, url: "http://ada:${kPassword}@127.0.0.1:${page.port}/v2/${key}/load?format=json", values: {load: {pointer: /load}}`;
  const config = (key) => pushConfig({ folder, source: source(key), extra: `# before: http://ada:${kPassword}@127.0.0.1/v2/KEYofSUNDAY0123456789\n` });
  const daemon = await startDaemon(t, { folder, config: config(page.key) });
  const condition = async () => (await daemon.cli("sources", "--json")).json?.sources[0];
  await waitFor("the page is read", async () => (await condition())?.condition === "connected");
  const digestBefore = (await daemon.cli("config", "--json")).json.digest;

  // Monday's key ends: the source fails, and says so without the address.
  page.key = "KEYofTUESDAY0123456789";
  await waitFor("the source fails", async () => (await condition())?.condition === "failing");
  assert.match((await condition()).detail, /HTTP status 403/);

  // A wrong file and then the new key, by SIGHUP.
  writeFileSync(daemon.configFile, config(page.key).replace("http://ada", "htp://ada"));
  daemon.kill("SIGHUP");
  await waitFor("the reload is refused", () => /is not an address/.test(daemon.log()));
  writeFileSync(daemon.configFile, config(page.key));
  daemon.kill("SIGHUP");
  await waitFor("the page is read again", async () => (await condition())?.condition === "connected");
  const shown = await daemon.cli("config", "--json");
  assert.notEqual(shown.json.digest, digestBefore, "another key is another digest");

  const places = new Map();
  for (const name of ["/metrics", "/", "/healthz", "/nothing"]) places.set(name, (await daemon.get(name)).text);
  for (const words of [["config"], ["config", "--json"], ["status"], ["status", "--json"], ["sources"], ["sources", "--json"], ["backup"], ["check", daemon.configFile], ["check", daemon.configFile, "--json"]]) {
    const { code, stdout, stderr } = await daemon.cli(...words);
    assert.equal(code, 0, `${words.join(" ")}: ${stderr}`);
    places.set(`homeostat ${words.join(" ")}`, stdout + stderr);
  }
  assert.match(places.get("homeostat config"), new RegExp(`http://127\\.0\\.0\\.1:${page.port}/redacted-[0-9a-f]{8}`));
  await daemon.stop();
  places.set("the log", daemon.log());
  const journal = path.join(folder, "journal");
  const { code, stdout, stderr } = await daemon.cli("replay", "--journal", journal);
  assert.equal(code, 0, stdout + stderr);
  places.set("homeostat replay", stdout + stderr);
  for (const file of filesUnder(journal)) places.set(file, readFileSync(file, "latin1"));
  assert.ok(filesUnder(journal).length >= 2, "the journal and its backup");

  assert.ok(page.seen.some((s) => s.url.includes("KEYofTUESDAY") && s.authorization), "the key and the password were used");
  const basic = Buffer.from(`ada:${kPassword}`).toString("base64");
  for (const [name, text] of places) {
    for (const secret of ["KEYofMONDAY", "KEYofTUESDAY", "KEYofSUNDAY", kPassword, basic]) {
      assert.ok(!text.includes(secret), `${secret} is in ${name}`);
    }
  }
});
