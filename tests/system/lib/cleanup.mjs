// What a test leaves behind is cleared away in reverse order: processes end before their folders go.
const stacks = new WeakMap();

/// Runs `action` when the test `t` ends, before what was registered earlier.
export function onEnd(t, action) {
  let stack = stacks.get(t);
  if (!stack) {
    stacks.set(t, (stack = []));
    t.after(async () => {
      while (stack.length > 0) await stack.pop()();
    });
  }
  stack.push(action);
}
