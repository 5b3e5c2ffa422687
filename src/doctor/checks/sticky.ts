/** Visitors that return get the same version, over new connections and over one that they share. */

import type { Check } from "../check.ts";
import { fail, pass, warn } from "../finding.ts";
import { probePoints } from "../site/probe-points.ts";
import type { Site, Visit } from "../site/site.ts";
import { CAUSES, siteOf, withoutAssignment } from "../subject.ts";

const VISITORS_MAX = 50;

export const sticky: Check = {
  id: "sticky",
  title: "visitors that return get the same version, and no new cookie",
  skip: withoutAssignment,
  follows: CAUSES,
  isRepeated: true,

  async run(subject, signal) {
    const site = siteOf(subject);
    const { probes, random } = subject.options;
    const points = probePoints((await subject.daemon.arcs()) ?? [], Math.min(probes, VISITORS_MAX), random);
    const visitors = points.map((assignment) => ({ assignment }));
    const first = await site.visitAll(visitors, signal);
    const again = await site.visitAll(visitors, signal);
    const overOne = await overOneConnection(site, points, signal);

    const moved = points.filter((_, index) =>
      [again[index], overOne[index]].some(
        (visit) => visit !== undefined && visit.version !== first[index]?.version,
      ),
    ).length;
    const recookied = [...first, ...again, ...overOne].filter(({ cookies }) => cookies.length > 0).length;
    const evidence = {
      visitors: points.length,
      visits: first.length + again.length + overOne.length,
      moved,
      recookied,
    };
    if (moved > 0) {
      return fail(
        `${moved} of ${points.length} visitors got another version when they returned`,
        "make the proxy decide each request by the cookie maxwellsdaemon, not by connection, address or chance. If a rollout " +
          "has just changed, or proxy-asks warns, run doctor again",
        evidence,
      );
    }
    if (recookied > 0) {
      return fail(
        `${recookied} visits with a cookie got a new one, so these visitors are new each time`,
        "make the proxy send the daemon the assignment in the cookie maxwellsdaemon",
        evidence,
      );
    }
    const what = `${points.length} visitors, ${evidence.visits} visits over fresh and kept connections`;
    if (!site.tells) {
      return warn(
        `no new cookie for ${what}; replies do not say which version served them`,
        "make replies say which version served them (see version-shown)",
        evidence,
      );
    }
    return pass(what, evidence);
  },
};

/** Makes visits one after the other, over one connection, for as long as the other side keeps it. */
async function overOneConnection(
  site: Site,
  points: readonly string[],
  signal: AbortSignal,
): Promise<Visit[]> {
  const visits: Visit[] = [];
  const connection = site.connect();
  try {
    for (const assignment of points) {
      if (signal.aborted) break;
      visits.push(await site.visit({ assignment }, connection));
    }
  } finally {
    connection.close();
  }
  return visits;
}
