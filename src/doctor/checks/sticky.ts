/** Visitors who come back stay where they were, over connections of their own and over one that others use, too. */

import type { Check } from "../check.ts";
import { fail, pass, warn } from "../finding.ts";
import { probePoints } from "../site/probe-points.ts";
import type { Site, Visit } from "../site/site.ts";
import { CAUSES, siteOf, withoutAssignment } from "../subject.ts";

const VISITORS_MAX = 50;

export const sticky: Check = {
  id: "sticky",
  title: "visitors who come back stay where they were, and get no new cookie",
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
        `${moved} of ${points.length} visitors were served by another version when they came back`,
        "the proxy has to decide each request by the cookie maxwellsdaemon, not by connection, address or chance; if a rollout " +
          "changed just now, or proxy-asks warns of lost patience, run doctor again",
        evidence,
      );
    }
    if (recookied > 0) {
      return fail(
        `${recookied} visits of visitors who brought their cookie got a new one`,
        "the proxy does not send the daemon the assignment of the cookie maxwellsdaemon, so everyone is new each time",
        evidence,
      );
    }
    const what = `${points.length} visitors, ${evidence.visits} visits over fresh and kept connections`;
    if (!site.tells) {
      return warn(
        `no new cookie for ${what}; which version served cannot be seen`,
        "make replies say which version served them (see version-shown)",
        evidence,
      );
    }
    return pass(what, evidence);
  },
};

/** One after the other, over one connection for as long as the other side keeps it. */
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
