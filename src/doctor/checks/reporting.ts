/**
 * Outcomes are reported: doctor sends visitors through each proxy, and finds their outcomes again at the
 * daemons. Without a site, the daemon's counts say whether any proxy reports.
 *
 * Doctor announces its visitors, so the daemon hears them at once, also without a release under way, and
 * keeps their outcomes out of the evidence.
 */

import type { ProbesPage } from "../../admin/probes.ts";
import type { Check } from "../check.ts";
import { type DaemonSide, isProbes, isState, OLDER_DAEMON } from "../daemon-side.ts";
import { skipped } from "../finding.ts";
import { type RunningProxy, servingAt } from "../machine/proxies.ts";
import { remedyFor } from "../reporting/causes.ts";
import { judgeCounts } from "../reporting/counted.ts";
import { isSound, judgeReporting } from "../reporting/judge.ts";
import { hearsOwnReport } from "../reporting/own-report.ts";
import { type Examined, examine } from "../reporting/visitors.ts";
import { pointsAt } from "../site/probe-points.ts";
import type { Site } from "../site/site.ts";
import { CAUSES, type Subject, siteOf, withoutAssignment } from "../subject.ts";

export const reporting: Check = {
  id: "reporting",
  title: "proxies report what became of their visitors",
  follows: CAUSES,

  skip: (subject) =>
    isState(subject.state)
      ? subject.site && withoutAssignment(subject)
      : "only the admin listener says which outcomes the daemon heard",

  async run(subject, signal) {
    const { state, daemon, site, options } = subject;
    const before = await daemon.probes([]);
    if (!isState(state) || !isProbes(before)) return skipped(OLDER_DAEMON);
    const application = daemon.applicationOf(state)?.name;
    if (site === undefined) return judgeCounts(state, before);
    const daemons = [daemon, ...(options.otherDaemons ?? [])];
    const sites = await answering([siteOf(subject), ...(options.otherSites ?? [])]);
    const examined = await examineTwice({ subject, sites, daemons, application }, signal);
    const isSilent = examined.some((each) => !isSound(each, application));
    const isOwnHeard = isSilent ? await ownHeard(subject, before) : undefined;
    const after = await daemon.probes([]);
    const fronts = new Map<Site, readonly RunningProxy[]>();
    for (const each of sites) fronts.set(each, (await servingAt(each.url, subject.proxies)) ?? []);
    return judgeReporting({
      ...{ examined, application, daemons: daemons.map(({ name }) => name) },
      proxyAt: (each) =>
        (fronts.get(each.site) ?? []).map(({ name, pid }) => `${name}, process ${pid}`).join("; "),
      remedyAt: (each) =>
        remedyFor({
          ...{ before, after: isProbes(after) ? after : before, isOwnHeard },
          proxy: nameOf(fronts.get(each.site) ?? [], subject.proxies),
          areOwnAnswers: areRefused(each),
        }),
    });
  },
};

interface Parts {
  readonly subject: Subject;
  readonly sites: readonly Site[];
  readonly daemons: readonly DaemonSide[];
  readonly application: string | undefined;
}

/**
 * A proxy that did not wait for the daemon has nothing to report, and a rollout may have changed. So doctor
 * sends other visitors to each site with a fault, and only these count.
 */
async function examineTwice(
  { subject, sites, daemons, application }: Parts,
  signal: AbortSignal,
): Promise<readonly Examined[]> {
  const round = async (chosen: readonly Site[]) => {
    const arcs = (await subject.daemon.arcs()) ?? [];
    return examine({ sites: chosen, daemons, arcs, random: subject.options.random }, signal);
  };
  const first = await round(sites);
  const doubtful = first.filter((each) => !isSound(each, application)).map(({ site }) => site);
  if (doubtful.length === 0 || signal.aborted) return first;
  const second = await round(doubtful);
  return first.map((each) => second.find(({ site }) => site === each.site) ?? each);
}

/** The sites, each of which has shown how its replies name their version. */
async function answering(sites: readonly Site[]): Promise<readonly Site[]> {
  for (const site of sites) if (site.first === undefined) await site.begin();
  return sites;
}

async function ownHeard({ daemon, options }: Subject, page: ProbesPage): Promise<boolean | undefined> {
  const [assignment = "0.5"] = pointsAt([], "master", 1, options.random);
  return hearsOwnReport(daemon, page, assignment);
}

/** The program of the proxy at an address. If doctor cannot know that, the only one of this machine. */
function nameOf(front: readonly RunningProxy[], all: readonly RunningProxy[]): string | undefined {
  const names = [...new Set((front.length > 0 ? front : all).map(({ name }) => name))];
  return names.length === 1 ? names[0] : undefined;
}

/** Whether no answer came from a version: a proxy itself redirects and refuses. */
function areRefused({ visitors }: Examined): boolean {
  return visitors.every(({ visit }) => visit.status >= 300 && visit.status < 500);
}
