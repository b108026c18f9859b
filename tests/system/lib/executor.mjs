// An executor whose answers the test decides.
import { onEnd } from "./cleanup.mjs";
import { connect } from "./clients.mjs";
import { pause } from "./wait.mjs";

/// Subscribes, keeps every adjustment it ever saw in `seen`, answers with what `answer(adjustment)` gives:
/// {applied: {value, reference}}, {rejected: {reason}}, or undefined for silence. Comes back after a lost stream
/// until it is closed; `endpoint()` is asked each time, for a restarted daemon has other ports.
export function startExecutor(t, endpoint, { name = "test-executor", parameters = [], answer = applyAsAsked } = {}) {
  const where = typeof endpoint === "function" ? endpoint : () => endpoint;
  const seen = [];
  let closed = false;
  let call;
  let lastId = "0";
  let decide = answer;

  async function once() {
    const client = connect(t, where(), "ActuatorService");
    try {
      call = client.raw.Subscribe({ executor: name, parameters, after_id: lastId });
      for await (const adjustment of call) {
        seen.push(adjustment);
        const reply = decide(adjustment);
        if (!reply) continue;
        await client.Acknowledge({ adjustment_id: adjustment.id, executor: name, ...reply });
        lastId = adjustment.id;
      }
    } finally {
      client.close();
    }
  }
  const running = (async () => {
    while (!closed) {
      await once().catch(() => {}); // the daemon is away: that is what the test does to it
      if (!closed) await pause(20);
    }
  })();
  async function close() {
    closed = true;
    call?.cancel();
    await running;
  }
  onEnd(t, close);
  return {
    seen,
    close,
    of: (parameter) => seen.filter((a) => a.parameter === parameter),
    answerWith: (next) => (decide = next),
  };
}

export function applyAsAsked(adjustment) {
  return { applied: { value: adjustment.value, reference: `applied-${adjustment.id}` } };
}
