// What the model alone makes of the six metrics, without a chain: for choosing set-points and gains.
import { acceptance, kInitial, Population } from "./behaviour.js";

/// Starting balance of a user, and the share of the payments' sum that circulates; as world/deploy.mjs distributes.
const kUserTokens = 10_000;
/// What a view is worth in STREAM when rewards are judged.
export const kViewValue = 1;

/// The six metrics of the actions of one window, in the units of contracts/README.md.
export function metricsOf(actions, { seconds, users, parameters }) {
  const distinct = (kinds) => new Set(actions.filter((a) => kinds.includes(a.kind)).map((a) => a.user)).size;
  const of = (kind) => actions.filter((a) => a.kind === kind);
  const payments = [...of("pay"), ...of("tip")];
  const volume = payments.reduce((sum, a) => sum + a.share * kUserTokens, 0);
  const tips = of("tip").reduce((sum, a) => sum + a.share * kUserTokens, 0);
  const rewarded = of("upload").filter((a) => a.quality >= parameters.quality_threshold).length;
  const rewards = rewarded * parameters.creator_reward + of("view").length * parameters.viewer_incentive;
  return {
    creator_viewer_ratio: distinct(["upload"]) / Math.max(1, distinct(["view"])),
    daily_active_share: distinct(["upload", "view", "tip"]) / users,
    content_rate: (of("upload").length * 3600) / seconds,
    transaction_frequency: payments.length / seconds,
    token_velocity: (volume * 86_400) / seconds / (users * kUserTokens),
    reward_efficiency: (tips + of("view").length * kViewValue) / Math.max(1, rewards),
    transactions_per_second: actions.length / seconds,
  };
}

/// Mean metrics over `seconds` after a warm-up, with the parameters held.
export function steadyState(parameters, { users, seed, window, seconds, calm = true }) {
  const population = new Population({ users, seed, calm });
  const recent = [];
  const sums = {};
  let samples = 0;
  for (let t = 0; t < seconds + 120; t++) {
    recent.push(population.step(1, parameters));
    if (recent.length > window) recent.shift();
    if (t < 120 || t % 5 !== 0) continue;
    samples += 1;
    for (const [name, value] of Object.entries(metricsOf(recent.flat(), { seconds: window, users, parameters }))) {
      sums[name] = (sums[name] ?? 0) + value;
    }
  }
  return Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum / samples]));
}

/// A table: the metrics at the initial parameters, and with each parameter alone at other values.
export function survey({ users, seed, window }) {
  const cases = [["initial", kInitial]];
  const others = {
    transaction_fee: [0.002, 0.005, 0.02, 0.05],
    creator_reward: [2, 5, 20, 40],
    viewer_incentive: [0.02, 0.05, 0.2, 0.5],
    quality_threshold: [0.1, 0.5, 0.6, 0.8],
  };
  for (const [name, values] of Object.entries(others)) {
    for (const value of values) cases.push([`${name}=${value}`, { ...kInitial, [name]: value }]);
  }
  const rows = cases.map(([title, parameters]) => {
    const metrics = steadyState(parameters, { users, seed, window, seconds: 600 });
    return [title, ...Object.values(metrics).map((value) => value.toPrecision(4))];
  });
  const names = Object.keys(steadyState(kInitial, { users, seed, window, seconds: 5 }));
  const lines = [["parameters", ...names], ...rows].map((row) =>
    row.map((cell, i) => cell.padEnd(i ? 24 : 26)).join(""),
  );
  return `${lines.join("\n")}\n\nwindow ${window} s, ${users} users, no cycles or shocks; p(quality_threshold 0.3) = ${acceptance(0.3).toFixed(3)}`;
}
