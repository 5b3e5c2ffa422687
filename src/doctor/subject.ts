/** What a doctor looks at: the machine, the daemon and the site, and what earlier checks found. */

import type { State } from "../admin/state.ts";
import { type Asking, seeAsking } from "./asking.ts";
import { type DaemonSide, isAnswer, isState, type SocketAnswer, type Unanswered } from "./daemon-side.ts";
import type { Finding } from "./finding.ts";
import { type ProxyName, type RunningProxy, runningProxies, servingAt } from "./machine/proxies.ts";
import type { Site } from "./site/site.ts";

export interface Options {
  /** How many visitors are sent to see the split. */
  readonly probes: number;
  /** Whether the daemon may be taken away for some seconds. */
  readonly mayBreak: boolean;
  /** Whether testers may force their location. */
  readonly allowForce: boolean;
  /** The directory that the maintenance file is looked for in; null: the file is not looked for. */
  readonly stateDirectory: string | null;
  /** The proxies to look at; none: all of this machine. */
  readonly proxies: readonly ProxyName[];
  /** The names of all applications in the daemon's store; undefined if they cannot be had. Absent without a store. */
  readonly storedApplications?: (address: string) => Promise<readonly string[] | undefined>;
  /** Tells the operator a line before something is broken. */
  readonly tell: (line: string) => void;
  /** Numbers in [0, 1). */
  readonly random: () => number;
}

export interface Subject {
  readonly options: Options;
  readonly daemon: DaemonSide;
  /** As it was at the beginning. */
  readonly state: State | Unanswered;
  readonly answer: SocketAnswer | Unanswered;
  readonly proxies: readonly RunningProxy[];
  /** Those of the proxies that listen at the address of `-url`; undefined if that cannot be seen. */
  readonly front: readonly RunningProxy[] | undefined;
  /** Undefined without `-url`. */
  readonly site: Site | undefined;
  /** Of the checks so far, by their ids. */
  readonly findings: ReadonlyMap<string, Finding>;
  /** Whether the proxy asks the daemon. It is measured once, by the first check that wants to know. */
  asking(signal: AbortSignal): Promise<Asking | undefined>;
}

/** Looks around: everything that checks have in common. Never rejects for what is not there. */
export async function lookAround(
  options: Options,
  daemon: DaemonSide,
  site: Site | undefined,
  findings: ReadonlyMap<string, Finding>,
): Promise<Subject> {
  const [proxies, state] = await Promise.all([runningProxies(options.proxies, site?.url), daemon.state()]);
  const front = site === undefined ? undefined : await servingAt(site.url, proxies);
  const answer = await daemon.ask();
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

/** Whether anything answered at all: a daemon, or the site. */
export function isAnybodyThere({ state, answer, site }: Subject): boolean {
  return isState(state) || isAnswer(answer) || (site?.first?.status ?? 0) > 0;
}

/** Why there are no visitors to send; undefined if there are. */
export function withoutSite({ site }: Subject): string | undefined {
  return site === undefined ? "no -url was given" : undefined;
}

/** As `withoutSite`, or why no visitor can come back with an assignment. */
export function withoutAssignment(subject: Subject): string | undefined {
  const why = withoutSite(subject);
  return (
    why ??
    (subject.site?.isSliced
      ? "Traefik keeps visitors in slices of its own, which doctor does not know"
      : undefined)
  );
}

/** As `withoutAssignment`, or why it cannot be seen which version served. */
export function withoutVersion(subject: Subject): string | undefined {
  const why = withoutAssignment(subject);
  return (
    why ?? (subject.site?.tells ? undefined : "replies do not say which version served (see version-shown)")
  );
}

/**
 * The checks that find why visitors cannot be where they belong: checks of visitors follow them. `split` is the last one,
 * because it sees that everyone is at master, from whatever cause.
 */
export const CAUSES = [
  ...["daemon", "store", "maintenance", "socket", "socket-access", "leases"],
  ...["url", "errors", "proxy-asks", "cache", "split"],
];

/** The site, for checks whose `skip` has seen to it that there is one. */
export function siteOf({ site }: Subject): Site {
  if (site === undefined) throw new TypeError("a check of the site was run without one");
  return site;
}
