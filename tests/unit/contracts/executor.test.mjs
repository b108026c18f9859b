// The real executor program between a real chain and a gRPC server that speaks the daemon's ActuatorService.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import grpc from "@grpc/grpc-js";
import { loadProto } from "../../../world/lib/daemon.js";
import { makeApplier } from "../../../world/lib/applier.js";
import { bytes32, kAdmin, kFar, kGuardian, makeWorld } from "./fixture.mjs";

const program = fileURLToPath(new URL("../../../world/executor.mjs", import.meta.url));
const kWaitMs = 60_000;

/// The daemon's side: streams what it is given to whoever subscribes, keeps what is acknowledged.
class Actuator {
  constructor() {
    this.subscriptions = []; // every SubscribeRequest
    this.answers = []; // every AcknowledgeRequest
    this.waiting = []; // adjustments that no one has answered
    this.x_calls = new Set();
    this.x_waiters = [];
    this.refuseAnswers = 0; // so many answers are lost on the way
  }

  async start(port = 0) {
    this.x_server = new grpc.Server();
    this.x_server.addService(loadProto().ActuatorService.service, {
      Subscribe: (call) => {
        this.subscriptions.push(call.request);
        this.x_calls.add(call);
        call.on("cancelled", () => this.x_calls.delete(call));
        call.sendMetadata(new grpc.Metadata());
        for (const adjustment of this.waiting) {
          if (BigInt(adjustment.id) > BigInt(call.request.after_id)) call.write(adjustment);
        }
        this.x_wake();
      },
      Acknowledge: (call, done) => {
        if (this.refuseAnswers > 0) {
          this.refuseAnswers -= 1;
          return done({ code: grpc.status.UNAVAILABLE, details: "lost on the way" });
        }
        this.answers.push(call.request);
        this.waiting = this.waiting.filter((adjustment) => adjustment.id !== call.request.adjustment_id);
        done(null, { recorded: true });
        this.x_wake();
      },
    });
    const insecure = grpc.ServerCredentials.createInsecure();
    const bind = (resolve, reject) =>
      this.x_server.bindAsync(`127.0.0.1:${port}`, insecure, (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    this.port = await new Promise(bind);
  }

  send(adjustment) {
    this.waiting.push(adjustment);
    for (const call of this.x_calls) call.write(adjustment);
  }

  stop() {
    this.x_calls.clear();
    this.x_server.forceShutdown();
  }

  /// Waits until `condition()` holds; it is looked at whenever something arrives.
  async until(condition, what) {
    const deadline = Date.now() + kWaitMs;
    while (!condition()) {
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`waited ${kWaitMs} ms for ${what}`);
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, left);
        this.x_waiters.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  async answerTo(id) {
    const find = () => this.answers.findLast((answer) => answer.adjustment_id === String(id));
    await this.until(find, `the answer to ${id}`);
    return find();
  }

  x_wake() {
    for (const wake of this.x_waiters.splice(0)) wake();
  }
}

function adjustment(id, parameter, value, units, decimals, { epoch = 1, expires = kFar } = {}) {
  return {
    id: String(id),
    epoch: String(epoch),
    parameter,
    value,
    units: String(units),
    decimals,
    previous: "0",
    expires: { seconds: String(expires), nanos: 0 },
    why: "the test asks for it",
  };
}

let w;
let daemon;
let child;

async function startExecutor() {
  child = spawn(process.execPath, [program, "--var", w.varDir, "--daemon", `127.0.0.1:${daemon.port}`], {
    stdio: "pipe",
  });
  child.output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (child.output += data));
  const subscriptions = daemon.subscriptions.length;
  await daemon.until(() => daemon.subscriptions.length > subscriptions, "the executor to subscribe");
}

async function stopExecutor(signal = "SIGTERM") {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  child.kill(signal);
  const [code] = await once(child, "exit");
  return code;
}

const fee = () => w.ecosystem.read("valueOf", bytes32("transaction_fee"));
const adjustedCount = async () =>
  (await w.client.getContractEvents({ ...w.ecosystem, eventName: "ParameterAdjusted", fromBlock: 0n })).length;

describe("executor", () => {
  before(async () => {
    w = await makeWorld({ cooldown: 0 });
  });
  after(() => w.stop());
  let id = 100; // ids ascend over all tests: they share a chain
  beforeEach(async () => {
    daemon = new Actuator();
    await daemon.start();
    await startExecutor();
    id += 10;
  });
  afterEach(async () => {
    await stopExecutor();
    daemon.stop();
  });

  it("applies an adjustment and answers with the value read back and the transaction", async () => {
    daemon.send(adjustment(id, "transaction_fee", "0.0125", 125, 4));
    const answer = await daemon.answerTo(id);
    assert.equal(answer.applied.value, "0.0125");
    assert.equal(answer.executor, "evm-executor");
    const receipt = await w.client.getTransactionReceipt({ hash: answer.applied.reference });
    assert.equal(receipt.status, "success");
    assert.equal(await fee(), 125n);
  });

  it("answers a repeated adjustment from the chain without sending it again", async () => {
    const repeated = adjustment(id, "transaction_fee", "0.0130", 130, 4);
    daemon.send(repeated);
    const first = await daemon.answerTo(id);
    const count = await adjustedCount();
    daemon.answers = [];
    daemon.send(repeated);
    assert.deepEqual((await daemon.answerTo(id)).applied, first.applied);
    assert.equal(await adjustedCount(), count);
  });

  it("rejects with the contract's reason in words and numbers", async () => {
    daemon.send(adjustment(id, "creator_reward", "60.00", 6000, 2));
    daemon.send(adjustment(id + 1, "creator_reward", "20.00", 2000, 2));
    daemon.send(adjustment(id + 2, "gas_price", "1", 1, 0));
    const reason = async (n) => (await daemon.answerTo(n)).rejected.reason;
    assert.equal(await reason(id), "creator_reward 60.00 is outside the contract's bounds 1.00 to 50.00");
    assert.equal(await reason(id + 1), "a change of creator_reward by 10.00 is above the contract's largest, 5.00");
    assert.equal(await reason(id + 2), "the contract has no parameter gas_price");
  });

  it("rejects an expired adjustment without sending it", async () => {
    const count = await w.client.getTransactionCount({ address: w.controller });
    daemon.send(adjustment(id, "transaction_fee", "0.0140", 140, 4, { expires: (await w.now()) - 1n }));
    assert.match((await daemon.answerTo(id)).rejected.reason, /^expired/);
    assert.equal(await w.client.getTransactionCount({ address: w.controller }), count);
  });

  it("rejects while a guardian has paused the contract, and goes on afterwards", async () => {
    await w.ecosystem.send(kGuardian, "pause");
    daemon.send(adjustment(id, "transaction_fee", "0.0150", 150, 4));
    assert.equal((await daemon.answerTo(id)).rejected.reason, "a guardian has paused the contract");
    await w.ecosystem.send(kGuardian, "unpause");
    daemon.send(adjustment(id + 1, "transaction_fee", "0.0150", 150, 4));
    assert.equal((await daemon.answerTo(id + 1)).applied.value, "0.0150");
  });

  it("rejects decimals that are not the contract's", async () => {
    daemon.send(adjustment(id, "transaction_fee", "0.140", 140, 3));
    const { reason } = (await daemon.answerTo(id)).rejected;
    assert.equal(reason, "transaction_fee has 4 decimals on the chain, the adjustment 3");
  });

  it("gives the answer again when it was lost, and applies once", async () => {
    const count = await adjustedCount();
    daemon.refuseAnswers = 1;
    daemon.send(adjustment(id, "transaction_fee", "0.0160", 160, 4));
    const answer = await daemon.answerTo(id);
    assert.equal(answer.applied.value, "0.0160");
    assert.match(answer.applied.reference, /^0x[0-9a-f]{64}$/);
    assert.equal(await adjustedCount(), count + 1);
  });

  it("comes back after the daemon's restart and names the last id it has dealt with", async () => {
    daemon.send(adjustment(id, "transaction_fee", "0.0170", 170, 4));
    daemon.send(adjustment(id + 1, "transaction_fee", "0.0175", 175, 4));
    await daemon.answerTo(id + 1); // so the answer to the first has arrived; whether this one's has is open
    daemon.stop();
    daemon.subscriptions = [];
    await daemon.start(daemon.port);
    await daemon.until(() => daemon.subscriptions.length > 0, "the executor to come back");
    assert.ok(Number(daemon.subscriptions[0].after_id) >= id);
    daemon.send(adjustment(id + 2, "transaction_fee", "0.0180", 180, 4));
    assert.equal((await daemon.answerTo(id + 2)).applied.value, "0.0180");
  });

  it("answers after its own kill from what the chain remembers", async () => {
    const count = await adjustedCount();
    daemon.refuseAnswers = 1_000; // applied, and nobody was told
    daemon.send(adjustment(id, "transaction_fee", "0.0190", 190, 4));
    while ((await adjustedCount()) === count) await w.client.mine({ blocks: 1 });
    await stopExecutor("SIGKILL");
    daemon.refuseAnswers = 0;
    await startExecutor();
    assert.equal((await daemon.answerTo(id)).applied.value, "0.0190");
    assert.equal(await adjustedCount(), count + 1);
  });

  it("ends with code 0 at SIGTERM", async () => {
    assert.equal(await stopExecutor("SIGTERM"), 0);
  });
});

describe("applier", () => {
  let world;
  before(async () => {
    world = await makeWorld({ cooldown: 0 });
  });
  after(() => world.stop());

  it("gives no answer while the node is away", async () => {
    const away = { ...world.world, rpc: "http://127.0.0.1:1" };
    const applier = makeApplier({ world: away, privateKey: world.privateKey });
    const ask = { id: 1n, epoch: 1n, parameter: "transaction_fee", units: 110n, decimals: 4, expires_s: Number(kFar) };
    await assert.rejects(applier.apply(ask));
  });

  it("does not call expired what may still be mined: too late by our clock, not by the chain's", async () => {
    const expires_s = Number(await world.now()) + 1000;
    const applier = makeApplier({ world: world.world, privateKey: world.privateKey, now: () => expires_s + 1 });
    const ask = { id: 1n, epoch: 1n, parameter: "transaction_fee", units: 110n, decimals: 4, expires_s };
    await assert.rejects(applier.apply(ask), /the chain's is not there yet/);
    await world.pass(2000);
    assert.deepEqual(await applier.apply(ask), { rejected: { reason: "expired before it could be applied" } });
  });

  it("refuses to start on another chain, and without the contract", async () => {
    const other = makeApplier({ world: { ...world.world, chain_id: 5 }, privateKey: world.privateKey });
    await assert.rejects(other.check(), /serves chain 31337, the world is on chain 5/);
    const contracts = { ...world.world.contracts, ecosystem: kAdmin };
    const missing = makeApplier({ world: { ...world.world, contracts }, privateKey: world.privateKey });
    await assert.rejects(missing.check(), /no contract at/);
  });
});
