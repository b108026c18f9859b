// A contract that logs what it is told, so that a test decides every log of every block; and the hands to make
// blocks, logs and reorganisations on a real node.
import { bytesToHex, concat, pad, toEventSelector, toHex } from "viem";
import { chain, startNode } from "./chain.mjs";
import { waitFor } from "./wait.mjs";

/// The node's clock starts this far in the past: blocks are a second apart by their own time, however fast they are
/// made, and none may be ahead of the daemon's clock.
const kPastSeconds = 6 * 3600;
const kRecordGas = 12_000; // a LOG3 of one word, its calldata and the loop, rounded up

/// The calldata is a list of 128-byte records: three topics and one word of data, one LOG3 each. [i] is on the stack
/// throughout.
function runtimeCode() {
  const code = [0x5f, 0x5b]; // PUSH0; loop: JUMPDEST
  code.push(0x80, 0x36, 0x11, 0x15, 0x60, 0, 0x57); // DUP1 CALLDATASIZE GT ISZERO PUSH1 end JUMPI
  const end = code.length - 2;
  code.push(0x80, 0x60, 0x60, 0x01, 0x35, 0x5f, 0x52); // DUP1 PUSH1 96 ADD CALLDATALOAD PUSH0 MSTORE
  code.push(0x80, 0x60, 0x40, 0x01, 0x35); // DUP1 PUSH1 64 ADD CALLDATALOAD: topic 2
  code.push(0x81, 0x60, 0x20, 0x01, 0x35); // DUP2 PUSH1 32 ADD CALLDATALOAD: topic 1
  code.push(0x82, 0x35); // DUP3 CALLDATALOAD: topic 0
  code.push(0x60, 0x20, 0x5f, 0xa3); // PUSH1 32 PUSH0 LOG3
  code.push(0x60, 0x80, 0x01, 0x60, 0x01, 0x56); // PUSH1 128 ADD PUSH1 loop JUMP
  code[end] = code.length;
  code.push(0x5b, 0x00); // end: JUMPDEST STOP
  return code;
}

/// PUSH1 size DUP1 PUSH1 offset PUSH0 CODECOPY PUSH0 RETURN, and what it returns.
function deployCode() {
  const code = runtimeCode();
  return bytesToHex(new Uint8Array([0x60, code.length, 0x80, 0x60, 9, 0x5f, 0x39, 0x5f, 0xf3, ...code]));
}

export const signatures = {
  Tip: "event Tip(address indexed viewer, address indexed creator, uint256 amount)",
  Upload: "event Upload(address indexed creator, address indexed place, uint256 quality)",
};
const topicOf = toEventSelector;
const word = (value) => pad(toHex(BigInt(value)), { size: 32 });

/// One log: `event` is a key of signatures or a signature, `amount` its data, the topics two addresses.
export const log = (amount, { event = "Tip", viewer = 1, creator = 2 } = {}) =>
  concat([topicOf(signatures[event] ?? event), word(viewer), word(creator), word(amount)]);

/// A node that makes a block only when it is told to, with an emitter on it.
///   emitter                   its address (`emitters`: all of them)
///   mine(n)                   empty blocks
///   emit(...logs)             one block with one transaction with these logs; gives its number
///   reorg(depth, {at: logs})  replaces the newest `depth` blocks by as many others, with these logs in the at-th
///   rollback(depth)           the newest blocks are gone: the chain is shorter
///   fork()                    another node with the same chain up to now, which goes its own way from here
///   truth({from, to, ...})    what the node says was logged: {count, sum, amounts}
export async function startEmitter(t, { emitters = 1, ...options } = {}) {
  const start = Math.floor(Date.now() / 1000) - kPastSeconds;
  const node = await startNode(t, { blockTime: 0, extra: ["--timestamp", String(start)], ...options });
  const addresses = [];
  const made = await hands(t, node, addresses, options);
  for (let i = 0; i < emitters; i++) addresses.push((await made.send({ data: deployCode() })).contractAddress);
  return { ...made, emitter: addresses[0] };
}

async function hands(t, node, addresses, options) {
  const { rpc } = node;
  await rpc.call("anvil_setBlockTimestampInterval", [1]);
  const from = chain.kAdmin;
  async function send(transaction) {
    const hash = await rpc.call("eth_sendTransaction", [{ from, ...transaction }]);
    const receipt = await waitFor("a transaction is mined", () => rpc.call("eth_getTransactionReceipt", [hash]), { pollMs: 2 });
    if (receipt?.status !== "0x1") throw new Error(`a transaction failed: ${JSON.stringify(receipt)}`);
    return receipt;
  }
  const emission = (logs, emitter = 0) => ({
    from,
    to: addresses[emitter],
    data: concat(logs),
    gas: toHex(100_000 + kRecordGas * logs.length),
  });
  const block = async () => Number(await rpc.call("eth_blockNumber"));
  return {
    ...node,
    emitters: addresses,
    send,
    block,
    async fork() {
      const { timestamp } = await rpc.call("eth_getBlockByNumber", ["latest", false]);
      const other = await startNode(t, { blockTime: 0, extra: ["--timestamp", String(Number(timestamp))], ...options });
      await other.rpc.call("anvil_loadState", [await rpc.call("anvil_dumpState", [false])]);
      return { ...(await hands(t, other, addresses, options)), emitter: addresses[0] };
    },
    mine: async (count = 1) => (await rpc.call("anvil_mine", [toHex(count), "0x1"]), block()),
    emit: async (...logs) => Number((await send(emission(logs))).blockNumber),
    /// As emit, from the emitter with this place.
    emitFrom: async (emitter, ...logs) => Number((await send(emission(logs, emitter))).blockNumber),
    async reorg(depth, at = {}) {
      const pairs = Object.entries(at).map(([place, logs]) => [emission([logs].flat()), Number(place)]);
      await rpc.call("anvil_reorg", [depth, pairs]);
      return block();
    },
    rollback: async (depth) => (await rpc.call("anvil_rollback", [depth]), block()),
    hash: async (number) => (await rpc.call("eth_getBlockByNumber", [toHex(number), false])).hash,
    async truth({ from: first, to, event = "Tip", emitter = 0 } = {}) {
      const last = to ?? (await block());
      if (last < first) return { count: 0, sum: 0, amounts: [] };
      const filter = { fromBlock: toHex(first), toBlock: toHex(last), address: addresses[emitter], topics: [topicOf(signatures[event] ?? event)] };
      const amounts = (await rpc.call("eth_getLogs", [filter])).map(({ data }) => Number(data));
      return { count: amounts.length, sum: amounts.reduce((a, b) => a + b, 0), amounts };
    },
  };
}
