/** What a doctor looks at: the machine, the daemon and the site, and what earlier checks found. */

import type { State } from "../admin/state.ts";
import type { Finding } from "./check.ts";
import { type DaemonSide, isAnswer, isState, type SocketAnswer, type Unanswered } from "./daemon-side.ts";
import { type RunningProxy, runningProxies } from "./proxies.ts";
import type { Site } from "./site.ts";

export interface Options {
  /** How many visitors are sent to see the split. */
  readonly probes: number;
  /** Whether the daemon may be taken away for some seconds. */
  readonly mayBreak: boolean;
  /** Whether testers may force their location. */
  readonly allowForce: boolean;
  /** Where the maintenance file is looked for; null: nowhere. */
  readonly stateDirectory: string | null;
  /** A line for whoever watches, before something is broken. */
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
  /** Undefined without `-url`. */
  readonly site: Site | undefined;
  /** Of the checks so far, by their ids. */
  readonly findings: ReadonlyMap<string, Finding>;
}

/** Looks around: everything that checks have in common. Never rejects for what is not there. */
export async function lookAround(
  options: Options,
  daemon: DaemonSide,
  site: Site | undefined,
  findings: ReadonlyMap<string, Finding>,
): Promise<Subject> {
  const [proxies, state] = await Promise.all([runningProxies(), daemon.state()]);
  const answer = await daemon.ask();
  await site?.begin();
  return { options, daemon, state, answer, proxies, site, findings };
}

/** Whether anybody could be asked at all: a daemon, or the site. */
export function isAnybodyThere({ state, answer, site }: Subject): boolean {
  return isState(state) || isAnswer(answer) || (site?.first?.status ?? 0) > 0;
}

/** Why there are no visitors to send; undefined where there are. */
export function withoutSite({ site, findings }: Subject): string | undefined {
  if (site === undefined) return "no -url was given";
  const url = findings.get("url")?.verdict;
  return url === "fail" || url === "skipped" ? "the page of -url is not served" : undefined;
}

/** As `withoutSite`, or why nobody knows where they belong. */
export function withoutSplit(subject: Subject): string | undefined {
  return (
    withoutSite(subject) ??
    (isState(subject.state) || isAnswer(subject.answer) ? undefined : "no daemon says what would be right")
  );
}

/** As `withoutSplit`, or why it cannot be seen who served. */
export function withoutVersion(subject: Subject): string | undefined {
  const why = withoutSplit(subject);
  return why ?? (subject.site?.tells ? undefined : "replies do not say which version served (see told)");
}

/** The site, for checks whose `skip` has seen to it that there is one. */
export function siteOf({ site }: Subject): Site {
  if (site === undefined) throw new TypeError("a check of the site was run without one");
  return site;
}
