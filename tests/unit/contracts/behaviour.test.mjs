// The users' model: repeatable, and it reacts in the direction that the control loops rely on.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { kInitial, Population, responses } from "../../../world/lib/behaviour.js";
import { steadyState } from "../../../world/lib/survey.js";

const settled = (change) => steadyState({ ...kInitial, ...change }, { users: 240, seed: 3, window: 30, seconds: 400 });

describe("behaviour", () => {
  it("is the same for the same seed, and another for another", () => {
    const actions = (seed) => {
      const population = new Population({ users: 40, seed });
      return JSON.stringify(Array.from({ length: 100 }, () => population.step(1, kInitial)));
    };
    assert.equal(actions(5), actions(5));
    assert.notEqual(actions(5), actions(6));
  });

  it("responds with exactly one to the initial parameters", () => {
    for (const [name, value] of Object.entries(responses(kInitial))) assert.equal(value, 1, name);
  });

  it("pays less often, and comes less, at a higher fee", () => {
    const [low, high] = [settled({ transaction_fee: 0.005 }), settled({ transaction_fee: 0.03 })];
    assert.ok(high.token_velocity < low.token_velocity / 2);
    assert.ok(high.daily_active_share < low.daily_active_share);
  });

  it("comes more for a higher viewer incentive", () => {
    const [low, high] = [settled({ viewer_incentive: 0.05 }), settled({ viewer_incentive: 0.3 })];
    assert.ok(high.daily_active_share > low.daily_active_share * 1.2);
  });

  it("creates more for a higher creator reward", () => {
    const [low, high] = [settled({ creator_reward: 5 }), settled({ creator_reward: 20 })];
    assert.ok(high.creator_viewer_ratio > low.creator_viewer_ratio * 1.5);
    assert.ok(high.content_rate > low.content_rate * 1.5);
  });

  it("creates less at a higher quality threshold", () => {
    assert.ok(settled({ quality_threshold: 0.55 }).content_rate < settled({}).content_rate * 0.6);
  });

  it("never has a user pay, watch or tip itself, and stays inside its bounds", () => {
    const population = new Population({ users: 9, seed: 2 });
    for (let t = 0; t < 2000; t++) {
      for (const action of population.step(1, kInitial)) {
        assert.notEqual(action.user, action.to ?? action.creator, action.kind);
        if (action.kind === "upload") assert.ok(action.quality >= 0 && action.quality <= 1);
        if (action.share !== undefined) assert.ok(action.share > 0 && action.share < 0.05);
      }
    }
  });

  it("is shocked again and again, one shock at a time", () => {
    const shocks = [];
    const population = new Population({ users: 4, seed: 1, onShock: (text) => shocks.push(text) });
    for (let t = 0; t < 600; t++) population.step(1, kInitial);
    assert.ok(shocks.length >= 8);
    shocks.forEach((text, i) => assert.equal(text.startsWith("over: "), i % 2 === 1));
  });
});
