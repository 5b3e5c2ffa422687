/** The subject of all checks: the machine, the daemon, the site, and the findings of earlier checks. */

import type { ApplicationState, State } from "../admin/state.ts";
import { isUnderWay } from "../releases/release.ts";
import type { StoreFlags } from "../settings/store-flags.ts";
import { type Asking, seeAsking } from "./asking.ts";
import { type DaemonSide, isAnswer, isState, type SocketAnswer, type Unanswered } from "./daemon-side.ts";
import type { Finding } from "./finding.ts";
import { type ProxyName, type RunningProxy, runningProxies, servingAt } from "./machine/proxies.ts";
import { Announcer } from "./site/announcer.ts";
import type { Site } from "./site/site.ts";
import type { StoreSide } from "./store-side.ts";

export interface Options {
  /** The flags by which the operator reaches the store. None if the configuration file names it. */
  readonly storeFlags: StoreFlags;
  /** The number of visitors for the check `split`. */
  readonly probes: number;
  /** Whether doctor may take the daemon away for some seconds. */
  readonly mayBreak: boolean;
  /** Whether testers may force their location. */
  readonly allowForce: boolean;
  /** The directory with the maintenance file; null: doctor does not look for that file. */
  readonly stateDirectory: string | null;
  /** The proxies to look at; if there are none, all of this machine. */
  readonly proxies: readonly ProxyName[];
  /**
   * Reads the names of all applications in the daemon's store; undefined if they cannot be read. Absent if
   * there is no store.
   */
  readonly storedApplications?: (address: string) => Promise<readonly string[] | undefined>;
  /** Looks at the daemon's store; undefined if it is another one. Absent if there is no store. */
  readonly storeSide?: (
    address: string,
    applications: readonly string[],
    trial: string | undefined,
  ) => Promise<StoreSide | undefined>;
  /** Addresses of more proxies, and more daemons, for the check `reporting` alone. */
  readonly otherSites?: readonly Site[];
  readonly otherDaemons?: readonly DaemonSide[];
  /** Shows the operator a line before something is broken. */
  readonly tell: (line: string) => void;
  /** Numbers in [0, 1). */
  readonly random: () => number;
}

export interface Subject {
  readonly options: Options;
  readonly daemon: DaemonSide;
  /** The daemon's state when doctor began. */
  readonly state: State | Unanswered;
  readonly answer: SocketAnswer | Unanswered;
  readonly proxies: readonly RunningProxy[];
  /** The proxies that listen at the address of `-url`; undefined if doctor cannot know. */
  readonly front: readonly RunningProxy[] | undefined;
  /** Undefined without `-url`. */
  readonly site: Site | undefined;
  /** The findings of the checks so far, by their ids. */
  readonly findings: ReadonlyMap<string, Finding>;
  /** Whether the proxy asks the daemon. The first check that needs this measures it, for all others. */
  asking(signal: AbortSignal): Promise<Asking | undefined>;
}

/** Collects everything that checks have in common. Never rejects: the result says if something is missing. */
export async function lookAround(
  options: Options,
  daemon: DaemonSide,
  site: Site | undefined,
  findings: ReadonlyMap<string, Finding>,
): Promise<Subject> {
  const [proxies, state] = await Promise.all([runningProxies(options.proxies, site?.url), daemon.state()]);
  const front = site === undefined ? undefined : await servingAt(site.url, proxies);
  const answer = await daemon.ask();
  if (site !== undefined && isState(state) && state.applications.some(hasRelease)) {
    const daemons = [daemon, ...(options.otherDaemons ?? [])];
    site.announcer = new Announcer(async (assignments) => {
      await Promise.all(daemons.map((each) => each.probes(assignments)));
    });
  }
  await site?.begin();
  let asking: Promise<Asking | undefined> | undefined;
  const subject: Subject = {
    ...{ options, daemon, state, answer, proxies, front, site, findings },
    asking(signal) {
      asking ??= seeAsking(subject, signal);
      return asking;
    },
  };
  return subject;
}

/** Whether outcomes are evidence now: a release is under way. */
function hasRelease({ releases = [] }: ApplicationState): boolean {
  return releases.some(isUnderWay);
}

/** Whether a daemon or the site answered at all. */
export function isAnybodyThere({ state, answer, site }: Subject): boolean {
  return isState(state) || isAnswer(answer) || (site?.first?.status ?? 0) > 0;
}

/** For the commands in remedies: doctor's own flags, or else those of the daemon. */
export function storeFlagsOf({ options, state }: Pick<Subject, "options" | "state">): StoreFlags {
  const { storeFlags } = options;
  return storeFlags.length > 0 || !isState(state) ? storeFlags : (state.storeFlags ?? []);
}

/** Why doctor cannot send visitors; undefined if it can. */
export function withoutSite({ site }: Subject): string | undefined {
  return site === undefined ? "no -url was given" : undefined;
}

/** The same as `withoutSite`, or why no visitor can return with an assignment. */
export function withoutAssignment(subject: Subject): string | undefined {
  const why = withoutSite(subject);
  return (
    why ??
    (subject.site?.isSliced
      ? "Traefik keeps visitors in slices, and the cookies of slices are not assignments"
      : undefined)
  );
}

/** The same as `withoutAssignment`, or why doctor cannot see which version served. */
export function withoutVersion(subject: Subject): string | undefined {
  const why = withoutAssignment(subject);
  return (
    why ?? (subject.site?.tells ? undefined : "replies do not say which version served (see version-shown)")
  );
}

/**
 * The checks that can find why visitors do not get their version. The checks of visitors follow them. `split`
 * comes last, because it sees if all visitors go to master, whatever the cause is.
 */
export const CAUSES = [
  ...["daemon", "store", "maintenance", "socket", "socket-access", "leases"],
  ...["url", "errors", "proxy-asks", "cache", "split"],
];

/** The site, for a check whose `skip` makes sure that there is one. Throws if there is none. */
export function siteOf({ site }: Subject): Site {
  if (site === undefined) throw new TypeError("a check of the site was run without one");
  return site;
}
