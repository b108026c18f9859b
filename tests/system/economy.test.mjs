// EconomyService of the real daemon, by a real client: with numbers of one's own, and on live metrics and parameters.
import assert from "node:assert/strict";
import { test } from "node:test";
import { batchOf, connect, status } from "./lib/clients.mjs";
import { pushConfig } from "./lib/configs.mjs";
import { startDaemon } from "./lib/daemon.mjs";
import { temporaryFolder } from "./lib/paths.mjs";
import { waitFor } from "./lib/wait.mjs";

const given = (inputs) => Object.entries(inputs).map(([name, value]) => ({ name, from: typeof value === "object" ? value : { value } }));
const near = (actual, expected, tolerance = 1e-9) =>
  assert.ok(Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected)), `${actual} is not ${expected}`);
const rejected = (promise, code, pattern) =>
  assert.rejects(promise, (error) => {
    assert.equal(error.code, code, error.message);
    assert.match(error.details, pattern);
    return true;
  });

// A parameter of the daemon with the name of a governed one.
const kLive = `  fee.static_fee: {unit: ratio, decimals: 4, initial: 0.01, min: 0, max: 0.05, quantum: 0.0001, change: 0.001, cooldown: 1h}
loops:`;

async function started(t) {
  const folder = temporaryFolder(t, "economy");
  const daemon = await startDaemon(t, { folder, config: pushConfig({ folder }).replace("loops:", kLive) });
  return { daemon, economy: connect(t, daemon.endpoint, "EconomyService") };
}

test("mechanisms are listed, evaluated, and refuse what they are not for by the input's name", async (t) => {
  const { daemon, economy } = await started(t);
  const { mechanisms } = await economy.ListMechanisms();
  const buyBack = mechanisms.find((m) => m.name === "buy_back");
  assert.equal(buyBack.output, "amount");
  assert.deepEqual(buyBack.inputs.filter((i) => i.required).map((i) => i.name), ["price", "low", "pool"]);

  const answer = await economy.Evaluate({ mechanism: "buy_back", inputs: given({ price: 0.9, low: 0.95, pool: 1000 }) });
  near(answer.value, 10); // one percent of the pool
  assert.equal(answer.inputs.find((i) => i.name === "kept").from, "default");

  const evaluate = (mechanism, inputs) => economy.Evaluate({ mechanism, inputs: given(inputs) });
  await rejected(evaluate("buyback", {}), status.NOT_FOUND, /no mechanism 'buyback'; did you mean 'buy_back'\?/);
  await rejected(evaluate("buy_back", { price: 1, low: 1 }), status.INVALID_ARGUMENT, /inputs\.pool: is missing: what the stability pool holds/);
  await rejected(evaluate("buy_back", { price: -1, low: 1, pool: 1 }), status.INVALID_ARGUMENT, /inputs\.price: must be from .* is -1/);
  await rejected(evaluate("buy_back", { price: NaN, low: 1, pool: 1 }), status.INVALID_ARGUMENT, /inputs\.price: .* is nan/);
  await rejected(evaluate("buy_back", { prise: 1, low: 1, pool: 1 }), status.NOT_FOUND, /did you mean 'price'\?/);
  await daemon.stop();
});

test("inputs come from live metrics and parameters, and a reading that cannot be trusted is refused", async (t) => {
  const { daemon, economy } = await started(t);
  const live = () => economy.Evaluate({ mechanism: "staking_apy", inputs: given({ participation: { metric: "load" } }) });
  await rejected(live(), status.FAILED_PRECONDITION, /metric load is (stale|halted|held)/);
  await connect(t, daemon.endpoint, "IngestService").Push(batchOf({ first: 1, values: [0.5] }));
  const answer = await waitFor("the sample is read", async () => live().catch(() => undefined));
  near(answer.value, 0.1); // half way between 20 % and 80 %
  assert.equal(answer.inputs[0].from, "metric load (ok)");
  await rejected(
    economy.Evaluate({ mechanism: "staking_apy", inputs: given({ participation: { metric: "lod" } }) }),
    status.NOT_FOUND,
    /did you mean "load"/,
  );

  const evaluated = await daemon.cli("economy", "evaluate", "staking_apy", "participation=metric:load", "apy_max=15%");
  assert.equal(evaluated.code, 0, evaluated.stderr);
  assert.match(evaluated.stdout, /staking_apy = 0\.1\d* ratio \(value\)/);
  assert.match(evaluated.stdout, /metric load \(ok\)/);
  await daemon.stop();
});

test("a budget is divided to the last base unit", async (t) => {
  const { daemon, economy } = await started(t);
  const apportion = (budget_units, weights) => economy.Apportion({ budget_units, shares: weights.map((weight) => ({ weight })) });
  assert.deepEqual((await apportion("100", ["1", "1", "1"])).units, ["34", "33", "33"]);
  const most = "1" + "0".repeat(30);
  const { units } = await apportion(most, ["3", "7", most]);
  assert.equal(units.reduce((sum, u) => sum + BigInt(u), 0n), BigInt(most));
  await rejected(apportion("-1", ["1"]), status.INVALID_ARGUMENT, /budget_units/);
  await rejected(apportion("1.5", ["1"]), status.INVALID_ARGUMENT, /budget_units/);
  await rejected(apportion("1", ["0"]), status.INVALID_ARGUMENT, /weights/);
  await rejected(apportion("1", []), status.INVALID_ARGUMENT, /shares/);
  await daemon.stop();
});

const asset = (name, balance, price, weight) => ({ name, balance: { value: balance }, price: { value: price }, weight });
/// 90,000 USD behind 100,000 tokens, at the target weights.
const backed90 = {
  assets: [asset("ETH", 18, 2000, 0.4), asset("USDC", 27000, 1, 0.3), asset("DAI", 27000, 1, 0.3)],
  supply: { value: 100000 },
};

test("the bonding surface is quoted: with its guard a deposit into a reserve of 90 % mints at par, without it more", async (t) => {
  const { daemon, economy } = await started(t);
  const quote = (more) => economy.QuoteBonding({ ...backed90, ...more });
  const guarded = await quote({ deposit_value: 10000 });
  near(guarded.backing, 0.9);
  near(guarded.deposit.fee_value, 30);
  near(guarded.deposit.minted, 9970);
  near(guarded.deposit.surface_mint, 9970 / 0.9);
  const literal = await quote({ deposit_value: 10000, parameters: [{ name: "surface.mint_guard", value: 0 }] });
  near(literal.deposit.minted, 9970 / 0.9);

  const redeemed = await quote({ redeem: 100 });
  near(redeemed.redeem.paid, 100); // the first of a redemption is at par
  near(redeemed.redeem.parts.reduce((a, b) => a + b), redeemed.redeem.paid);

  const live = await quote({ deposit_value: 10000, live: true });
  assert.deepEqual(live.live_parameters, [{ name: "fee.static_fee", value: 0.01 }]);
  near(live.deposit.fee_value, 100);

  await rejected(quote({ redeem: -1 }), status.INVALID_ARGUMENT, /amount/);
  await rejected(quote({ redeem: 1, parameters: [{ name: "fee.statik_fee", value: 1 }] }), status.NOT_FOUND, /fee\.static_fee/);
  await rejected(quote({ assets: backed90.assets.slice(1) }), status.INVALID_ARGUMENT, /weights/);
  await rejected(quote({ assets: backed90.assets.slice(2) }), status.INVALID_ARGUMENT, /assets: has 1 assets, must have 2 to 16/);
  const { parameters } = await economy.ListGovernedParameters();
  assert.deepEqual([...new Set(parameters.map((p) => p.group))], ["surface", "tranching", "redemption", "flow", "fee", "commitment"]);
  await daemon.stop();
});

test("arbitrage is that of the best size, and none when a quote is stale", async (t) => {
  const { daemon, economy } = await started(t);
  const book = (more = {}) => ({
    chains: ["one", "two"],
    tokens: [{ name: "STREAM", volatility_per_sqrt_day: 0 }],
    pools: [
      { chain: "one", token: "STREAM", token_reserve: 1e6, numeraire_reserve: 1e6, fee_ratio: 0 },
      { chain: "two", token: "STREAM", token_reserve: 1e6, numeraire_reserve: 1.21e6, fee_ratio: 0, ...more },
    ],
    swap_costs: [{ chain: "one", cost: 1 }, { chain: "two", cost: 1 }],
    bridges: [{ from: "one", to: "two", fixed_fee: 3, latency: { seconds: "0" } }],
  });
  const { opportunities } = await economy.FindArbitrage(book());
  assert.equal(opportunities.length, 1);
  const [best] = opportunities;
  // With equal token reserves T the best size brings both prices together: sqrt(a b) = a + size/2 ...
  near(best.size, (1e6 * (1.1 - 1)) / 2, 1e-6);
  near(best.spot_return, 0.21, 1e-9);
  assert.ok(best.profit > 0 && best.profit < best.size * best.spot_return);
  const old = { seconds: String(Math.floor(Date.now() / 1000) - 3600), nanos: 0 };
  assert.deepEqual((await economy.FindArbitrage(book({ as_of: old }))).opportunities, []);
  await rejected(economy.FindArbitrage({ ...book(), objective: "luck" }), status.INVALID_ARGUMENT, /objective: must be profit or roi/);
  await rejected(economy.FindArbitrage(book({ chain: "tow" })), status.NOT_FOUND, /pools\[1\].*two/);
  await daemon.stop();
});

test("holdings are brought to their shares, and nothing is lost on the way", async (t) => {
  const { daemon, economy } = await started(t);
  const plan = await economy.PlanRebalance({
    holdings: [
      { chain: "one", units: "900", target_share: 0.5 },
      { chain: "two", units: "100", target_share: 0.5 },
    ],
    lanes: [{ from: "one", to: "two", tiers: [{ size_units: "1000", fee_ppm: 10000 }] }],
  });
  assert.equal(plan.on_target, true);
  const after = plan.after_units.map(BigInt);
  assert.equal(after[0] + after[1] + BigInt(plan.fees_units), 1000n);
  for (const leg of plan.legs) assert.equal(BigInt(leg.leaves_units), BigInt(leg.arrives_units) + BigInt(leg.fee_units));
  await rejected(
    economy.PlanRebalance({ holdings: [{ chain: "one", units: "1", target_share: 1 }], lanes: [{ from: "one", to: "moon" }] }),
    status.NOT_FOUND,
    /lanes\[0\]\.to: no holding is on chain 'moon'/,
  );
  await daemon.stop();
});
