/** The proxy asks the daemon, as the daemon's counts show, or decides under a lease of it. */

import type { State } from "../../admin/state.ts";
import { type Check, fail, pass, skipped, warn } from "../check.ts";
import { decisionsBy, isState } from "../daemon-side.ts";
import { siteOf, withoutSite } from "../subject.ts";

/** Enough that other traffic does not look like them where there is none. */
const VISITORS_MAX = 20;

/** Proxies that hold a lease renew it, and report, within a second. */
const REPORT_MS = 1_500;

export const asked: Check = {
  id: "asked",
  title: "the proxy asks the daemon",

  skip: (subject) =>
    withoutSite(subject) ??
    (isState(subject.state) ? undefined : "the daemon's counts are at its admin listener"),
  isRepeated: true,

  async run(subject, signal) {
    const site = siteOf(subject);
    const before = await countsOf(subject);
    const visits = await site.visitAll(
      Array.from({ length: VISITORS_MAX }, () => ({})),
      signal,
    );
    await Bun.sleep(REPORT_MS);
    const after = await countsOf(subject);
    if (before === undefined || after === undefined) return skipped("the admin listener stopped to answer");
    const decisions = after.decisions - before.decisions;
    const renewals = after.answers - before.answers;
    const written = after.written - before.written;
    const evidence = { visitors: visits.length, decisions, answers: renewals, written };
    if (decisions >= visits.length)
      return pass(`${visits.length} visitors, ${decisions} decisions`, evidence);
    if (decisions > 0) {
      return warn(
        `${visits.length} visitors came, and the daemon was asked for ${decisions} of them`,
        "the proxy loses its patience now and then, and serves master: this machine is too busy for the daemon to answer at once",
        evidence,
      );
    }
    if (renewals > 0) {
      return pass(
        `it decides by itself under a lease: renewed or reported ${renewals} times meanwhile`,
        evidence,
      );
    }
    if (written > 0) {
      return skipped(
        "the daemon writes a lease for a proxy that decides by itself; whether that is what serves here, split tells",
        evidence,
      );
    }
    return fail(
      `${visits.length} visitors came, and the daemon was asked for ${decisions} of them`,
      "is the integration in the proxy's configuration, at this address, with this daemon's socket? was the proxy reloaded? " +
        "its error log says when the daemon cannot be reached",
      evidence,
    );
  },
};

/**
 * What the daemon counted so far: decisions of its application, answers of its listeners, and what it wrote for proxies,
 * who take a lease from it without asking: such servers accept nobody.
 */
async function countsOf({ daemon }: Parameters<Check["run"]>[0]) {
  const state = await daemon.state();
  const application = isState(state) ? daemon.applicationOf(state) : undefined;
  if (!isState(state) || application === undefined) return undefined;
  return {
    decisions: Object.values(decisionsBy(application)).reduce((sum, count) => sum + count, 0),
    answers: successes(state.servers.filter(({ accepted }) => accepted > 0)),
    written: successes(state.servers.filter(({ accepted }) => accepted === 0)),
  };
}

function successes(servers: State["servers"]): number {
  return servers.reduce((sum, { success }) => sum + success, 0);
}
