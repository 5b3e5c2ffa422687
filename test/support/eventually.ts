/** Waits for what sends no event. It starts no process, so that quick tests can use it. */

const EVENTUALLY_MS = 10_000;
const LOOK_EVERY_MS = 10;

/** Looks every few milliseconds until `holds` is true; rejects after a while. */
export async function eventually(
  holds: () => Promise<boolean> | boolean,
  what: string,
  withinMs = EVENTUALLY_MS,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await Bun.sleep(LOOK_EVERY_MS);
  }
}
