// A seeded generator, so that a world can be repeated: the same seed, users and parameters give the same actions.

/// Returns a function that gives uniform numbers in [0, 1). Mulberry32: 32 bits of state, enough for traffic.
export function makeRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/// A number of events with the given mean, never more than `max` (Knuth; the mean is small here, at most a few tens).
export function poisson(random, mean, max) {
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = random(); product > limit && count < max; product *= random()) count += 1;
  return count;
}

/// Standard normal, Box and Muller.
export function normal(random) {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
