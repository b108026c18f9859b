// Waiting in tests: for a condition, never for a time.

/// Upper bound of one wait. Far above what anything here takes, sanitizers on two busy cores included: it only
/// decides how long a failing test takes to say so (HOMEOSTAT_WAIT_MS: for the impatient).
export const kWaitMs = Number(process.env.HOMEOSTAT_WAIT_MS ?? 60_000);
const kPollMs = 25;

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/// Asks `condition` until it gives something truthy, and gives that back. `what` says in the error what was missing,
/// with the last answer or error.
export async function waitFor(what, condition, { timeoutMs = kWaitMs, pollMs = kPollMs } = {}) {
  const deadline = Date.now() + timeoutMs;
  let last;
  for (;;) {
    try {
      last = await condition();
      if (last) return last;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) {
      const seen = last instanceof Error ? last.message : JSON.stringify(last);
      throw new Error(`not within ${timeoutMs / 1000} s: ${what}; last seen: ${seen}`);
    }
    await pause(pollMs);
  }
}
