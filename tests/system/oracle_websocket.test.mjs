// WebSockets that stay silent or break, with polls so rare that their heads matter. The number at the beginning of a
// name is the one of the catalogue in tests/README.md. A WebSocket only wakes the reader up: whatever it does, the gap is
// read over HTTP before anything newer, and every log is there once.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { log, startEmitter } from "./lib/emitter.mjs";
import { startFaultProxy } from "./lib/fault_proxy.mjs";
import { startOracle } from "./lib/oracle.mjs";
import { waitFor } from "./lib/wait.mjs";

const kPollMs = 2000;

const node = await startEmitter({ after }, { slots: 32 });
await node.mine(3);

async function begin(t, mode = "relay") {
  const proxy = await startFaultProxy(t, node.url);
  proxy.socketMode(mode);
  const s = await startOracle(t, node, {
    providers: [{ name: "only", http: proxy.http, ws: proxy.ws }],
    poll: `${kPollMs}ms`,
    source: "ws_silence_max: 500ms",
  });
  await s.atBlock(await node.emit(log(1)));
  if (mode === "relay") await waitFor("it subscribes", () => proxy.count("eth_subscribe") >= 1);
  return { ...s, proxy };
}

/// One head after the other is taken in at once, not at the next poll.
async function isAwake(s) {
  await waitFor("heads come over the WebSocket again", async () => {
    const heads = s.proxy.sockets.heads;
    await node.emit(log(1));
    await waitFor("a head", () => s.proxy.sockets.heads > heads, { timeoutMs: kPollMs / 4 });
    return true;
  });
  const { block } = await s.source();
  const target = await node.emit(log(7));
  await waitFor(`block ${target} (after ${block}) is taken in before the next poll`, async () => Number((await s.source()).block) === target, { timeoutMs: kPollMs / 2 });
}

test("F8_a_head_on_the_websocket wakes the reader up before its poll", async (t) => {
  const s = await begin(t);
  await isAwake(s);
  await s.agrees();
  await s.daemon.stop();
});

test("F8_websocket_open_but_silent: polling goes on, the WebSocket is opened anew, and nothing is lost or counted twice", async (t) => {
  const s = await begin(t);
  await isAwake(s);
  s.proxy.socketMode("silent");
  const opened = s.proxy.sockets.opened;
  await node.emit(log(1), log(20));
  await s.agrees({ what: "although the WebSocket is silent" });
  await waitFor("the silent WebSocket is opened anew", async () => (await node.emit(log(300)), s.proxy.sockets.opened > opened), { pollMs: 200 });
  assert.equal((await s.source()).condition, "connected");
  s.proxy.socketMode("relay");
  await isAwake(s);
  await s.agrees();
  await s.daemon.stop();
});

test("F8_websocket_that_never_answers: polling goes on, and it is opened anew", async (t) => {
  const s = await begin(t, "mute");
  await node.emit(log(1), log(20));
  await s.agrees({ what: "although the WebSocket says nothing" });
  await waitFor("the mute WebSocket is opened anew", async () => (await node.emit(log(300)), s.proxy.sockets.opened >= 2), { pollMs: 200 });
  s.proxy.socketMode("relay");
  await isAwake(s);
  await s.agrees();
  await s.daemon.stop();
});

test("F8_websocket_closes_in_the_middle_of_a_head: the gap is filled before live events go on", async (t) => {
  const s = await begin(t);
  await isAwake(s);
  for (let round = 0; round < 3; round++) {
    const opened = s.proxy.sockets.opened;
    s.proxy.socketMode("cut");
    await node.emit(log(10 + round)); // half of its head arrives
    await node.emit(log(100 + round)); // and of these there is no head at all
    await node.emit(log(1000 + round));
    s.proxy.socketMode("relay");
    await waitFor("it reconnects", () => s.proxy.sockets.opened > opened);
    await node.emit(log(10_000 + round));
    await s.agrees({ what: `after break ${round}` });
  }
  assert.equal((await s.source()).condition, "connected");
  await isAwake(s);
  await s.agrees();
  await s.daemon.stop();
});
