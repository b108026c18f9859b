// A JSON-RPC provider that goes wrong on command: HTTP and WebSocket on one free port, in front of a real node.
//
// A fault is a plain object, made by one of the functions in `faults`. It says which questions it touches, and what it
// does to them before they reach the node (`ask`), to the answers (`tell`), or to the whole HTTP reply (`http`).
// `proxy.set(...)` puts faults in force at once, in this order; `proxy.set()` makes the provider honest again. Every
// question is counted by method, so that a test can show that retries do not burn a paid quota.
import http from "node:http";
import { WebSocket, WebSocketServer } from "ws";
import { onEnd } from "./cleanup.mjs";
import { pause } from "./wait.mjs";

/// Questions remembered for `asked()`, newest last: enough for any test here, and a bound all the same.
const kAskedMax = 100_000;

const hex = (number) => `0x${BigInt(number).toString(16)}`;

async function post(url, body) {
  const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  return response.json();
}

/// Asks a node directly, for the faults that need to know something of it.
async function askNode(url, method, params) {
  const { result, error } = await post(url, { jsonrpc: "2.0", id: 1, method, params });
  if (error) throw new Error(`${method}: ${error.message}`);
  return result;
}

/// {http, ws, set, clear, struck, count, asked, exchanges, sockets} in front of the node at `url`.
export async function startFaultProxy(t, url) {
  let inForce = [];
  const asked = [];
  const state = { url, struck: 0, exchanges: 0 };
  const sockets = { mode: "relay", opened: 0, heads: 0, open: new Set() };

  /// One question's way to the node: {question} to hand on, or {reply} when a fault answers by itself.
  async function before(question) {
    let now = question;
    for (const fault of inForce) {
      if (!fault.ask || !fault.on(now)) continue;
      const given = await fault.ask(now, state);
      if (given === undefined) continue;
      state.struck += 1;
      if ("result" in given || "error" in given) return { reply: { jsonrpc: "2.0", id: question.id, ...given } };
      now = given;
    }
    return { question: now };
  }
  async function after(question, reply) {
    let now = reply;
    for (const fault of inForce) {
      if (!fault.tell || !fault.on(question) || now.error) continue;
      const result = await fault.tell(now.result, question, state);
      if (result !== now.result) state.struck += 1;
      now = { ...now, result };
    }
    return now;
  }

  /// The answers to these questions, as the faults in force want them.
  async function answer(questions) {
    for (const { method, params } of questions) asked.push({ method, params });
    if (asked.length > kAskedMax) asked.splice(0, asked.length - kAskedMax);
    const ways = await Promise.all(questions.map(before));
    const groups = new Map();
    ways.forEach((way, i) => {
      if (way.reply) return;
      const to = inForce.find((fault) => fault.upstream && fault.on(way.question))?.upstream ?? state.url;
      if (to !== state.url) state.struck += 1;
      groups.set(to, [...(groups.get(to) ?? []), i]);
    });
    await Promise.all(
      [...groups].map(async ([to, indexes]) => {
        const replies = await post(to, indexes.map((i) => ({ ...ways[i].question, id: i })));
        for (const reply of replies) ways[reply.id].reply = { ...reply, id: questions[reply.id].id };
      }),
    );
    return Promise.all(ways.map((way, i) => after(questions[i], way.reply)));
  }

  const server = http.createServer(async (request, response) => {
    try {
      let body = "";
      for await (const chunk of request.setEncoding("utf8")) body += chunk;
      state.exchanges += 1;
      const said = JSON.parse(body);
      const questions = Array.isArray(said) ? said : [said];
      const replies = await answer(questions);
      let reply = { status: 200, text: JSON.stringify(Array.isArray(said) ? replies : replies[0]), headers: {} };
      for (const fault of inForce) {
        if (!fault.http || !questions.some((question) => fault.on(question))) continue;
        const changed = await fault.http(reply, questions);
        if (changed === undefined) continue;
        state.struck += 1;
        reply = changed;
      }
      if (reply.drop) return void request.socket.destroy();
      response.writeHead(reply.status, { "content-type": "application/json", ...reply.headers });
      if (reply.cutAt === undefined) return void response.end(reply.text);
      response.write(reply.text.slice(0, reply.cutAt), () => request.socket.destroy());
    } catch {
      if (!response.headersSent) response.writeHead(502);
      response.end();
    }
  });

  const gate = new WebSocketServer({ server });
  gate.on("connection", (near) => {
    sockets.opened += 1;
    sockets.open.add(near);
    const far = new WebSocket(state.url.replace(/^http/, "ws"));
    const early = [];
    const close = () => (sockets.open.delete(near), near.terminate(), far.terminate());
    for (const one of [near, far]) one.on("close", close).on("error", close);
    far.on("open", () => early.splice(0).forEach((text) => far.send(text)));
    near.on("message", (data) => {
      const text = data.toString();
      asked.push({ method: JSON.parse(text).method, socket: true });
      if (far.readyState === WebSocket.OPEN) far.send(text);
      else early.push(text);
    });
    far.on("message", (data) => {
      const text = data.toString();
      const isHead = text.includes("eth_subscription");
      // silent: subscribes, but never tells of a head; mute: says nothing at all
      if (sockets.mode === "mute" || (sockets.mode === "silent" && isHead)) return;
      if (isHead) sockets.heads += 1;
      if (sockets.mode !== "cut" || !isHead) return void near.send(text);
      // The beginning of a head, as its frame would have it, and then the end of the connection.
      const payload = Buffer.from(text);
      const frame = Buffer.concat([Buffer.from([0x81, 126, payload.length >> 8, payload.length & 255]), payload]);
      near._socket.write(frame.subarray(0, payload.length >> 1), close);
    });
  });

  const port = await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server.address().port)));
  onEnd(t, () => {
    sockets.open.forEach((socket) => socket.terminate());
    server.closeAllConnections();
    server.close();
  });
  const matches = (what) => (typeof what === "function" ? what : ({ method }) => method === what);
  return {
    http: `http://127.0.0.1:${port}`,
    ws: `ws://127.0.0.1:${port}`,
    /// Exactly these faults are in force from the next question on.
    set: (...list) => (inForce = list.flat()),
    /// From now on another node answers behind the proxy.
    lead: (to) => (state.url = to),
    /// Answers changed so far.
    struck: () => state.struck,
    /// HTTP exchanges so far.
    exchanges: () => state.exchanges,
    /// Questions so far: of one method, of a predicate, or all.
    count: (what = () => true) => asked.filter(matches(what)).length,
    asked: (what = () => true) => asked.filter(matches(what)),
    sockets,
    /// What happens to WebSockets from now on, the open ones included: relay, silent, mute, cut.
    socketMode: (mode) => (sockets.mode = mode),
  };
}

// ------------------------------------------------------------------------------------------------------------
// The faults.

const methods = (...names) => ({ method }) => names.includes(method);
const isLogs = methods("eth_getLogs");
const isBlock = ({ method }) => method.startsWith("eth_getBlockBy");
const isRange = (question) => isLogs(question) && question.params[0].fromBlock !== undefined;
const isTag = (tag) => (question) => isBlock(question) && question.params[0] === tag;
const isNumbered = (question) => isBlock(question) && /^0x/.test(question.params[0]);
const everything = () => true;
const forLogs = (tell) => ({ on: isLogs, tell: (logs, ...rest) => (logs?.length > 0 ? tell(logs, ...rest) : logs) });
const forBlocks = (change, on = isNumbered) => ({ on, tell: (block) => (block ? change(block) : block) });

const kForeignHash = `0x${"ab".repeat(32)}`;
const kZeroHash = `0x${"00".repeat(32)}`;

/// What a provider says when a range is too much for it. `from`, `to`: as asked, `fits`: the last block that would do.
const kDialects = {
  alchemy: ({ from, fits }) => ({
    code: -32602,
    message:
      "Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range and no limit on the response size, or " +
      "you can request any block range with a cap of 10K logs in the response. Based on your parameters and the response size limit, " +
      `this block range should work: [${hex(from)}, ${hex(fits)}]`,
  }),
  infura: ({ from, fits }) => ({
    code: -32005,
    message: `query returned more than 10000 results. Try with this block range [${hex(from).toUpperCase().replace("0X", "0x")}, ${hex(fits).toUpperCase().replace("0X", "0x")}].`,
    data: { from: hex(from), limit: 10000, to: hex(fits) },
  }),
  quicknode: ({ from, fits }) => ({ status: 413, code: -32614, message: `eth_getLogs is limited to a ${fits - from + 1} range` }),
  geth: () => ({ code: -32000, message: "query returned more than 10000 results" }),
  ankr: () => ({ code: -32000, message: "block range is too wide" }),
  // base/base#2421: the range that is said to work is the one that was just refused.
  base: ({ from, to }) => ({ code: -32602, message: `query exceeds max results 20000, retry with the range ${from}-${to}` }),
  baseInHex: ({ from, to }) => ({ code: -32602, message: `Block range too large. this block range should work: [${hex(from)}, ${hex(to)}]` }),
  // INFURA/infura#237: what the live service says, other than its documentation.
  infuraRange: ({ from, to, fits }) => ({ code: -32602, message: `range ${to - from + 1} exceeds limit of ${fits - from + 1}` }),
  scroll: () => ({ code: -32000, message: "block range is bigger than maxBlockRange" }),
  morph: ({ from, to, fits }) => ({
    code: -32000,
    message: `block range is larger than max block range, block range = ${to - from + 1}, max block range = ${fits - from + 1}`,
  }),
};

export const faults = {
  /// Only the first `count` times it would change something.
  times(count, fault) {
    let left = count;
    const limited = (act) => act && (async (...args) => {
      if (left <= 0) return act === fault.tell ? args[0] : undefined;
      const given = await act(...args);
      if (given !== (act === fault.tell ? args[0] : undefined)) left -= 1;
      return given;
    });
    return { ...fault, ask: limited(fault.ask), tell: limited(fault.tell), http: limited(fault.http) };
  },

  // Logs.
  emptyLogs: () => forLogs(() => []),
  /// One is missing from every answer of at least `atLeast`: the one that `pick(logs)` names by its place.
  partialLogs: ({ pick = (logs) => logs.length - 1, atLeast = 2 } = {}) =>
    forLogs((logs) => (logs.length < atLeast ? logs : logs.filter((_, i) => i !== pick(logs)))),
  wrongBlockHash: () => forLogs((logs) => logs.map((log) => ({ ...log, blockHash: kForeignHash }))),
  wrongBlockNumber: (by = 1) => forLogs((logs) => logs.map((log) => ({ ...log, blockNumber: hex(BigInt(log.blockNumber) + BigInt(by)) }))),
  /// As zkSync has them for what no transaction did.
  zeroTransactionHash: () => forLogs((logs) => logs.map((log) => ({ ...log, transactionHash: kZeroHash }))),
  zeroBlockHash: () => forLogs((logs) => logs.map((log) => ({ ...log, blockHash: kZeroHash }))),
  wrongTransactionIndex: () => forLogs((logs) => logs.map((log) => ({ ...log, transactionIndex: hex(BigInt(log.transactionIndex) + 7n) }))),
  /// One log twice, word for word; or, changed, as two logs with one index.
  duplicateLog: (change = (log) => log) => forLogs((logs) => [...logs, change({ ...logs[0] })]),
  removedLogs: () => forLogs((logs) => logs.map((log) => ({ ...log, removed: true }))),
  foreignLog: (log) => ({ on: isLogs, tell: (logs) => [...(logs ?? []), log] }),

  // Blocks.
  nullBlock: (on = isNumbered) => ({ on, tell: () => null }),
  missingHash: () => forBlocks(({ hash, ...rest }) => rest),
  nullHash: () => forBlocks((block) => ({ ...block, hash: null })),
  numberMismatch: (by = 1) => forBlocks((block) => ({ ...block, number: hex(BigInt(block.number) + BigInt(by)) })),
  negativeNumber: () => forBlocks((block) => ({ ...block, number: "-0x1" }), isBlock),
  /// A block whose parent is none: breaks the chain in the middle of a batch.
  brokenLink: (number) => forBlocks((block) => (Number(block.number) === number ? { ...block, parentHash: kForeignHash } : block)),

  // Views of the chain.
  /// Answers as of `blocks` ago.
  lagging(blocks) {
    const headOf = async (state) => Number(await askNode(state.url, "eth_blockNumber", [])) - blocks;
    return {
      on: (question) => isBlock(question) || isLogs(question) || question.method === "eth_blockNumber",
      async ask(question, state) {
        const head = await headOf(state);
        if (question.method === "eth_blockNumber") return { result: hex(head) };
        if (isLogs(question)) {
          const { blockHash } = question.params[0];
          if (!blockHash) return undefined;
          const block = await askNode(state.url, "eth_getBlockByHash", [blockHash, false]);
          return block && Number(block.number) > head ? { error: { code: -32000, message: "unknown block" } } : undefined;
        }
        const [which, full] = question.params;
        if (question.method === "eth_getBlockByHash") return undefined;
        if (/^0x/.test(which)) return Number(which) > head ? { result: null } : undefined;
        const number = which === "latest" || which === "pending" ? head : Math.max(head - 2, 0);
        return { ...question, params: [hex(number), full] };
      },
    };
  },
  /// Everything comes from another node: another fork, or another chain.
  equivocating: (url, on = everything) => ({ on, upstream: url }),
  chainId: (id) => ({ on: methods("eth_chainId"), tell: () => hex(id) }),
  syncing: () => ({ on: methods("eth_syncing"), tell: () => ({ startingBlock: "0x0", currentBlock: "0x10", highestBlock: "0xffffff" }) }),
  /// The block that `tag` names is the one at height(head): ahead of the head (made up), gone backwards, or standing still.
  tagAt: (tag, height) => ({
    on: isTag(tag),
    async ask(question, state) {
      const head = Number(await askNode(state.url, "eth_blockNumber", []));
      const number = height(head);
      if (number <= head) return { ...question, params: [hex(number), false] };
      const block = await askNode(state.url, "eth_getBlockByNumber", [hex(head), false]);
      return { result: { ...block, number: hex(number), hash: kForeignHash } };
    },
  }),

  // Limits, errors, transport.
  /// eth_getLogs over more than `blocks` blocks is refused in this dialect.
  tooManyResults: (dialect, blocks) => ({
    on: isRange,
    ask({ params: [{ fromBlock, toBlock }] }) {
      const [from, to] = [Number(fromBlock), Number(toBlock)];
      if (to - from + 1 <= blocks) return undefined;
      const { status, ...error } = kDialects[dialect]({ from, to, fits: from + blocks - 1 });
      return { error };
    },
    http: (reply) => (dialect === "quicknode" && reply.text.includes("-32614") ? { ...reply, status: 413 } : undefined),
  }),
  rpcError: (error, on = isLogs) => ({ on, ask: () => ({ error }) }),
  httpStatus: (status, { text, headers = {}, on = everything } = {}) => ({
    on,
    http: (reply) => ({ ...reply, status, headers, text: text ?? reply.text }),
  }),
  truncated: (on = everything) => ({ on, http: (reply) => ({ ...reply, cutAt: reply.text.length >> 1 }) }),
  /// A whole HTTP reply whose JSON ends too early.
  halfJson: (on = everything) => ({ on, http: (reply) => ({ ...reply, text: reply.text.slice(0, reply.text.length >> 1) }) }),
  dropped: (on = everything) => ({ on, http: () => ({ drop: true }) }),
  slow: (ms, on = everything) => ({ on, http: async (reply) => (await pause(ms), { ...reply }) }),
};
export const dialects = Object.keys(kDialects);
export const on = { logs: isLogs, block: isBlock, numbered: isNumbered, range: isRange, tag: isTag, everything };
