/**
 * Looks at the store once more after a check found a fault. The daemon's snapshot may have become stale since
 * doctor began. Then all visitors go to master, and the fault of the check is only the consequence.
 */

import type { Check } from "./check.ts";
import { store } from "./checks/store.ts";
import { isState } from "./daemon-side.ts";
import type { Finding } from "./finding.ts";
import type { Subject } from "./subject.ts";

/** If reads fail, doctor waits this long for a good read or a stale snapshot. `-unhealthy` is usually 8 s. */
const WAIT_MS_MAX = 10_000;

const LOOK_MS = 250;

/**
 * The new finding about the store, if its snapshot was fresh before and is stale now. Undefined otherwise,
 * and if the check does not follow the store.
 */
export async function storeAgain(
  check: Pick<Check, "follows">,
  { verdict }: Finding,
  subject: Subject,
): Promise<Finding | undefined> {
  const isFault = verdict === "fail" || verdict === "warn";
  const before = subject.findings.get(store.id);
  if (!isFault || before?.evidence["fresh"] !== true || !check.follows?.includes(store.id)) return undefined;
  const endMs = performance.now() + (verdict === "fail" ? WAIT_MS_MAX : 0);
  for (;;) {
    const state = await subject.daemon.state();
    const application = isState(state) ? subject.daemon.applicationOf(state) : undefined;
    if (application === undefined) return undefined;
    if (!application.fresh) return store.run({ ...subject, state }, new AbortController().signal);
    if (application.error === null || performance.now() >= endMs) return undefined;
    await Bun.sleep(LOOK_MS);
  }
}
