// How the users of the streaming economy behave: a pure model, stepped once a second.
//
//   inputs   the parameters on the chain, the seconds since the last step
//   output   the actions of that time: {kind, user, ...} for the traffic generator to send
//
// Each user is a viewer; every fourth is a creator too. A user is online or away. What they do depends on what they
// perceive: the chain's parameters, followed with a lag of kPerceptionSeconds, so a change takes effect gradually.
// With x/x0 a parameter relative to its initial value, and p(q) the share of uploads that the quality threshold
// accepts:
//
//   going online        ~ (viewer_incentive / 0.1)^0.5 x (transaction_fee / 0.01)^-0.35     more users, when it pays
//   views online        ~ (viewer_incentive / 0.1)^0.3
//   payments, tips      ~ (transaction_fee / 0.01)^-0.6                                     fewer, when they cost more
//   size of a payment   ~ (transaction_fee / 0.01)^-0.2
//   creators at work    ~ (creator_reward x p / (10 x p0))^0.9                              when the expected reward pays
//   uploads of those    ~ (creator_reward x p / (10 x p0))^0.5
//
// Over it lie a slow cycle of demand and of creators' zeal, with different periods so that they drift apart, and shocks
// at random times. Without a controller the metrics wander; the elasticities are what lets a controller bring them back.
import { makeRandom, normal, poisson } from "./random.js";

/// Every kCreatorEvery-th user is a creator.
export const kCreatorEvery = 4;
const kPerceptionSeconds = 6;
/// A user stays online about this long, and away about as long when nothing pulls: half of the users are online.
const kSessionSeconds = 40;
const kAwaySeconds = 55;
/// A creator's spell of work, and the pause between two spells at the initial reward.
const kWorkSeconds = 35;
const kRestSeconds = 55;

/// Per second and active user or creator. With 240 users they make about 50 transactions a second.
const kViewRate = 0.2;
const kTipRate = 0.045;
const kPaymentRate = 0.13;
const kPurchaseRate = 0.0022;
const kUploadRate = 0.055;
/// Share of the payer's balance.
const kPaymentShare = 0.0015;
const kTipShare = 0.0004;
const kPurchaseShare = 0.01;
/// Quality of an upload: a creator's talent and the day's form, both normal.
const kTalentMean = 0.5;
const kTalentSpread = 0.12;
const kFormSpread = 0.1;
/// What one user does in one step; a bound on bursts.
const kActionsPerUserMax = 4;

const kCycles = { demand: { seconds: 210, amplitude: 0.3 }, zeal: { seconds: 290, amplitude: 0.35 } };

/// Each multiplies one drive for a while.
const kShocks = [
  { name: "a creator strike: most creators stop working", drive: "zeal", factor: 0.3, seconds: 45 },
  { name: "a content flood: creators upload far more than usual", drive: "uploads", factor: 3, seconds: 45 },
  { name: "a trading frenzy: payments triple", drive: "payments", factor: 3, seconds: 40 },
  { name: "a dull day: users stay away", drive: "demand", factor: 0.35, seconds: 50 },
  { name: "a viral hit: viewers stream in", drive: "demand", factor: 2.5, seconds: 40 },
];
const kFirstShockSeconds = 20;
const kQuietSeconds = { min: 40, max: 80 };

export const kInitial = { transaction_fee: 0.01, creator_reward: 10, viewer_incentive: 0.1, quality_threshold: 0.3 };

/// The share of uploads whose quality reaches the threshold: a logistic curve close to the normal one that they follow.
export function acceptance(threshold) {
  const spread = Math.hypot(kTalentSpread, kFormSpread);
  return 1 / (1 + Math.exp((1.702 * (threshold - kTalentMean)) / spread));
}

/// The multipliers that the parameters alone cause, 1 at the initial values.
export function responses(p) {
  const fee = p.transaction_fee / kInitial.transaction_fee;
  const incentive = p.viewer_incentive / kInitial.viewer_incentive;
  const earning =
    (p.creator_reward * acceptance(p.quality_threshold)) /
    (kInitial.creator_reward * acceptance(kInitial.quality_threshold));
  return {
    arrival: incentive ** 0.5 * fee ** -0.35,
    views: incentive ** 0.3,
    payments: fee ** -0.6,
    size: fee ** -0.2,
    work: earning ** 0.9,
    uploads: earning ** 0.5,
  };
}

/// Chance that something with the given mean waiting time happens within dt.
function chance(dt, meanSeconds) {
  return 1 - Math.exp(-dt / meanSeconds);
}

export class Population {
  /// `calm` leaves out the cycles and the shocks: what remains answers to the parameters alone.
  constructor({ users, seed, calm = false, onShock = () => {} }) {
    this.x_random = makeRandom(seed);
    this.x_calm = calm;
    this.x_onShock = onShock;
    this.x_time = 0;
    this.x_perceived = { ...kInitial };
    this.x_shock = undefined;
    this.x_nextShockAt = kFirstShockSeconds;
    this.users = Array.from({ length: users }, (_, index) => ({
      index,
      online: this.x_random() < kSessionSeconds / (kSessionSeconds + kAwaySeconds),
      creator: index % kCreatorEvery === 0,
      working: this.x_random() < kWorkSeconds / (kWorkSeconds + kRestSeconds),
      talent: kTalentMean + kTalentSpread * normal(this.x_random),
    }));
    this.x_creators = this.users.filter((user) => user.creator);
  }

  /// Advances by `dt` seconds under the parameters (as numbers, not scaled) and returns the actions.
  step(dt, parameters) {
    this.x_time += dt;
    const follow = chance(dt, kPerceptionSeconds);
    for (const name of Object.keys(kInitial)) {
      this.x_perceived[name] += follow * (parameters[name] - this.x_perceived[name]);
    }
    const response = responses(this.x_perceived);
    const drive = this.x_drives();
    const actions = [];
    for (const user of this.users) this.x_act(user, dt, response, drive, actions);
    return actions;
  }

  online() {
    return this.users.filter((user) => user.online).length;
  }

  x_drives() {
    const drive = { demand: 1, zeal: 1, uploads: 1, payments: 1 };
    if (this.x_calm) return drive;
    for (const [name, cycle] of Object.entries(kCycles)) {
      drive[name] += cycle.amplitude * Math.sin((2 * Math.PI * this.x_time) / cycle.seconds);
    }
    this.x_advanceShock();
    if (this.x_shock) drive[this.x_shock.drive] *= this.x_shock.factor;
    return drive;
  }

  x_advanceShock() {
    if (this.x_shock && this.x_time >= this.x_shock.until) {
      this.x_onShock(`over: ${this.x_shock.name}`);
      this.x_shock = undefined;
      this.x_nextShockAt = this.x_time + kQuietSeconds.min + this.x_random() * (kQuietSeconds.max - kQuietSeconds.min);
    }
    if (!this.x_shock && this.x_time >= this.x_nextShockAt) {
      const shock = kShocks[Math.floor(this.x_random() * kShocks.length)];
      this.x_shock = { ...shock, until: this.x_time + shock.seconds };
      this.x_onShock(`${shock.name} (${shock.seconds} s)`);
    }
  }

  x_act(user, dt, response, drive, actions) {
    const random = this.x_random;
    if (user.creator) this.x_create(user, dt, response, drive, actions);
    if (user.online) {
      if (random() < chance(dt, kSessionSeconds)) user.online = false;
    } else if (random() < chance(dt, kAwaySeconds / (response.arrival * drive.demand))) {
      user.online = true;
    }
    if (!user.online) return;

    const times = (rate) => poisson(random, rate * dt, kActionsPerUserMax);
    for (let n = times(kViewRate * response.views); n > 0; n--) {
      actions.push({ kind: "view", user: user.index, creator: this.x_otherCreator(user) });
    }
    for (let n = times(kTipRate * response.payments); n > 0; n--) {
      const share = kTipShare * response.size * (0.5 + random());
      actions.push({ kind: "tip", user: user.index, creator: this.x_otherCreator(user), share });
    }
    for (let n = times(kPaymentRate * response.payments * drive.payments); n > 0; n--) {
      const share = kPaymentShare * response.size * (0.5 + random());
      actions.push({ kind: "pay", user: user.index, to: this.x_other(user), share });
    }
    // What users buy from the platform brings back to the reserve what it pays in rewards.
    for (let n = times(kPurchaseRate); n > 0; n--) {
      actions.push({ kind: "purchase", user: user.index, share: kPurchaseShare });
    }
  }

  x_create(user, dt, response, drive, actions) {
    const random = this.x_random;
    if (user.working) {
      if (random() < chance(dt, kWorkSeconds)) user.working = false;
    } else if (random() < chance(dt, kRestSeconds / (response.work * drive.zeal))) {
      user.working = true;
    }
    if (!user.working) return;
    // A strike also idles those who are at work.
    const rate = kUploadRate * response.uploads * drive.uploads * Math.min(1, drive.zeal);
    for (let n = poisson(random, rate * dt, kActionsPerUserMax); n > 0; n--) {
      const quality = user.talent + kFormSpread * normal(random);
      actions.push({ kind: "upload", user: user.index, quality: Math.min(1, Math.max(0, quality)) });
    }
  }

  x_other(user) {
    const other = Math.floor(this.x_random() * (this.users.length - 1));
    return other >= user.index ? other + 1 : other;
  }

  x_otherCreator(user) {
    const creators = this.x_creators;
    const pick = creators[Math.floor(this.x_random() * creators.length)];
    return pick === user ? creators[(creators.indexOf(user) + 1) % creators.length].index : pick.index;
  }
}
