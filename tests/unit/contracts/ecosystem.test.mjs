import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { keccak256, toHex } from "viem";
import { bytes32, kAdmin, kFar, kGuardian, makeWorld, named, refuses } from "./fixture.mjs";

const kFee = bytes32("transaction_fee");
const kReward = bytes32("creator_reward");
const kThreshold = bytes32("quality_threshold");

let w;
let clean;
before(async () => {
  w = await makeWorld();
  clean = await w.client.snapshot();
});
beforeEach(async () => {
  await w.client.revert({ id: clean });
  clean = await w.client.snapshot();
});
after(() => w.stop());

const adjust = (parameter, value, id, epoch = 1n, deadline = kFar, from = w.controller) =>
  w.ecosystem.send(from, "adjust", parameter, value, id, epoch, deadline);

describe("StreamEcosystem.adjust", () => {
  it("stores the value and emits what changed", async () => {
    const events = await adjust(kFee, 150n, 7n, 3n);
    assert.deepEqual(named(events, "ParameterAdjusted"), [
      { parameter: kFee, oldValue: 100n, newValue: 150n, id: 7n, epoch: 3n },
    ]);
    assert.equal(await w.ecosystem.read("valueOf", kFee), 150n);
  });

  it("accepts the bounds themselves and refuses the next unit on either side", async () => {
    await w.ecosystem.send(kAdmin, "setBounds", kFee, 90n, 110n, 50n, 0);
    await refuses(adjust(kFee, 89n, 1n), "OutOfBounds", kFee, 89n, 90n, 110n);
    await refuses(adjust(kFee, 111n, 1n), "OutOfBounds", kFee, 111n, 90n, 110n);
    await adjust(kFee, 110n, 1n);
    await adjust(kFee, 90n, 2n);
    assert.equal(await w.ecosystem.read("valueOf", kFee), 90n);
  });

  it("refuses a value that would not fit the storage instead of cutting it", async () => {
    await refuses(adjust(kFee, 2n ** 128n + 100n, 1n), "OutOfBounds", kFee, 2n ** 128n + 100n, 10n, 500n);
  });

  it("accepts the largest change and refuses one unit more, up and down", async () => {
    await refuses(adjust(kFee, 201n, 1n), "ChangeTooLarge", kFee, 101n, 100n);
    await adjust(kFee, 200n, 1n);
    await w.pass(60);
    await refuses(adjust(kFee, 99n, 2n), "ChangeTooLarge", kFee, 101n, 100n);
    await adjust(kFee, 100n, 2n);
  });

  it("refuses a second change inside the cool-down and accepts it at its end", async () => {
    await adjust(kFee, 110n, 1n);
    const { lastChange } = await w.ecosystem.read("parameterOf", kFee);
    await w.client.setNextBlockTimestamp({ timestamp: lastChange + 9n });
    await w.client.mine({ blocks: 1 });
    await refuses(adjust(kFee, 120n, 2n), "CoolingDown", kFee, lastChange + 10n, lastChange + 9n);
    await w.client.setNextBlockTimestamp({ timestamp: lastChange + 10n });
    await w.client.mine({ blocks: 1 });
    await adjust(kFee, 120n, 2n);
  });

  it("cools down each parameter by itself", async () => {
    await adjust(kFee, 110n, 1n);
    await adjust(kReward, 1100n, 2n);
    assert.equal(await w.ecosystem.read("valueOf", kReward), 1100n);
  });

  it("starts no cool-down for an adjustment to the present value, but uses up its id", async () => {
    await adjust(kFee, 100n, 1n);
    await refuses(adjust(kFee, 110n, 1n), "RepeatedId", kFee, 1n, 1n);
    await adjust(kFee, 110n, 2n);
  });

  it("refuses a repeated and an older id, and allows gaps", async () => {
    await adjust(kFee, 110n, 5n);
    await w.pass(60);
    await refuses(adjust(kFee, 120n, 5n), "RepeatedId", kFee, 5n, 5n);
    await refuses(adjust(kFee, 120n, 4n), "RepeatedId", kFee, 4n, 5n);
    await adjust(kFee, 120n, 50n);
  });

  it("refuses an epoch lower than the highest seen by any parameter", async () => {
    await adjust(kFee, 110n, 1n, 4n);
    await refuses(adjust(kReward, 1100n, 2n, 3n), "StaleEpoch", 3n, 4n);
    await adjust(kReward, 1100n, 2n, 4n);
    assert.equal(await w.ecosystem.read("epoch"), 4n);
  });

  it("refuses after the deadline, not at it", async () => {
    const time = (await w.now()) + 100n;
    await w.client.setNextBlockTimestamp({ timestamp: time });
    await w.client.mine({ blocks: 1 });
    await refuses(adjust(kFee, 110n, 1n, 1n, time - 1n), "Expired", time - 1n, time);
    await w.client.setNextBlockTimestamp({ timestamp: time + 1n });
    await adjust(kFee, 110n, 1n, 1n, time + 1n);
  });

  it("refuses a parameter that it does not have", async () => {
    await refuses(adjust(bytes32("gas_price"), 1n, 1n), "UnknownParameter", bytes32("gas_price"));
  });

  it("changes nothing when it refuses", async () => {
    await adjust(kFee, 110n, 1n, 1n);
    const earlier = await w.ecosystem.read("parameterOf", kFee);
    await w.pass(60);
    await refuses(adjust(kFee, 10_000n, 9n, 9n), "OutOfBounds");
    assert.deepEqual(await w.ecosystem.read("parameterOf", kFee), earlier);
    assert.equal(await w.ecosystem.read("epoch"), 1n);
    assert.equal((await w.ecosystem.read("applicationOf", kFee, 9n)).time, 0n);
  });

  it("remembers what each id did", async () => {
    await adjust(kFee, 110n, 1n, 2n);
    const application = await w.ecosystem.read("applicationOf", kFee, 1n);
    assert.equal(application.value, 110n);
    assert.equal(application.epoch, 2n);
    assert.ok(application.time > 0n);
    assert.equal((await w.ecosystem.read("applicationOf", kFee, 2n)).time, 0n);
  });
});

describe("StreamEcosystem roles", () => {
  const role = (name) => keccak256(toHex(name));

  it("lets only the controller adjust", async () => {
    for (const account of [kAdmin, kGuardian, w.users[0]]) {
      const refused = adjust(kFee, 110n, 1n, 1n, kFar, account);
      await refuses(refused, "AccessControlUnauthorizedAccount", account, role("CONTROLLER_ROLE"));
    }
  });

  it("lets only the guardian pause, and only the governance set bounds", async () => {
    for (const name of ["pause", "unpause"]) {
      const refused = w.ecosystem.send(w.controller, name);
      await refuses(refused, "AccessControlUnauthorizedAccount", w.controller, role("GUARDIAN_ROLE"));
    }
    const refused = w.ecosystem.send(w.controller, "setBounds", kFee, 0n, 9_999n, 9_999n, 0);
    await refuses(refused, "AccessControlUnauthorizedAccount", w.controller, role("GOVERNANCE_ROLE"));
  });

  it("refuses every adjustment while paused, and the economy goes on", async () => {
    await w.ecosystem.send(kGuardian, "pause");
    await refuses(adjust(kFee, 110n, 1n), "EnforcedPause");
    assert.equal(named(await w.ecosystem.send(w.users[0], "upload", 900n), "Upload").length, 1);
    await w.ecosystem.send(kGuardian, "unpause");
    await adjust(kFee, 110n, 1n);
  });

  it("refuses bounds that leave the present value outside, or allow no change", async () => {
    const set = (...args) => w.ecosystem.send(kAdmin, "setBounds", kFee, ...args);
    await refuses(set(101n, 500n, 100n, 0), "InvalidBounds", kFee, 101n, 100n, 500n, 100n);
    await refuses(set(10n, 99n, 100n, 0), "InvalidBounds", kFee, 10n, 100n, 99n, 100n);
    await refuses(set(10n, 500n, 0n, 0), "InvalidBounds", kFee, 10n, 100n, 500n, 0n);
  });
});

describe("StreamEcosystem business", () => {
  it("pays the creator reward from the threshold on, and records the upload either way", async () => {
    const below = await w.ecosystem.send(w.users[0], "upload", 299n);
    assert.equal(named(below, "Upload").length, 1);
    assert.equal(named(below, "RewardPaid").length, 0);
    const at = await w.ecosystem.send(w.users[0], "upload", 300n);
    assert.deepEqual(named(at, "RewardPaid"), [{ to: w.users[0], amount: 10n ** 19n, parameter: kReward }]);
  });

  it("follows the adjusted reward and threshold", async () => {
    await adjust(kReward, 1_500n, 1n);
    await adjust(kThreshold, 400n, 2n);
    assert.equal(named(await w.ecosystem.send(w.users[0], "upload", 399n), "RewardPaid").length, 0);
    const paid = named(await w.ecosystem.send(w.users[0], "upload", 400n), "RewardPaid");
    assert.equal(paid[0].amount, 15n * 10n ** 18n);
  });

  it("pays the viewer incentive for a view of somebody else's content", async () => {
    const events = await w.ecosystem.send(w.users[1], "watch", w.users[0]);
    assert.deepEqual(named(events, "View"), [{ viewer: w.users[1], creator: w.users[0] }]);
    const parameter = bytes32("viewer_incentive");
    assert.deepEqual(named(events, "RewardPaid"), [{ to: w.users[1], amount: 10n ** 17n, parameter }]);
    await refuses(w.ecosystem.send(w.users[1], "watch", w.users[1]), "OwnContent", w.users[1]);
  });

  it("moves a tip once, less the fee, and makes one Tip and one Payment", async () => {
    const balance = () => w.token.read("balanceOf", w.users[0]);
    const start = await balance();
    const events = await w.ecosystem.send(w.users[1], "tip", w.users[0], 1_000n);
    assert.equal((await balance()) - start, 990n);
    assert.deepEqual(named(events, "Tip"), [{ viewer: w.users[1], creator: w.users[0], amount: 1_000n }]);
    assert.deepEqual(named(events, "Payment"), [{ from: w.users[1], to: w.users[0], amount: 1_000n, fee: 10n }]);
  });

  it("lets an upload pass when the reserve cannot pay, and says so", async () => {
    const reserve = await w.token.read("balanceOf", w.ecosystem.address);
    await w.client.impersonateAccount({ address: w.ecosystem.address });
    await w.client.setBalance({ address: w.ecosystem.address, value: 10n ** 18n });
    await w.token.send(w.ecosystem.address, "transfer", w.users[3], reserve - 1n);
    const events = await w.ecosystem.send(w.users[0], "upload", 900n);
    assert.equal(named(events, "Upload").length, 1);
    assert.equal(named(events, "RewardPaid").length, 0);
    assert.deepEqual(named(events, "RewardUnpaid"), [
      { to: w.users[0], amount: 10n ** 19n, parameter: kReward, reserve: 1n },
    ]);
  });

  it("refuses strangers, a second registration, and a quality above one", async () => {
    await refuses(w.ecosystem.send(kGuardian, "upload", 500n), "NotRegistered", kGuardian);
    await refuses(w.ecosystem.send(w.users[0], "watch", kGuardian), "NotRegistered", kGuardian);
    await refuses(w.ecosystem.send(w.users[0], "register"), "AlreadyRegistered", w.users[0]);
    await refuses(w.ecosystem.send(w.users[0], "upload", 1_001n), "QualityOutOfRange", 1_001n, 1_000n);
  });

  it("counts the registered users", async () => {
    const events = await w.ecosystem.send(kGuardian, "register");
    assert.deepEqual(named(events, "Registered"), [{ user: kGuardian, userCount: 5n }]);
  });
});
