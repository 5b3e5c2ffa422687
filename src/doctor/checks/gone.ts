/**
 * Law 4: the daemon hangs, then is gone; everyone is served by master at once and without an error, and the canary comes
 * back when the daemon does. The one check that breaks something, and only with `-break`.
 *
 *     before ─▶ hang ─▶ until the leases have run out ─▶ probes ─▶ hide ─▶ probes ─▶ give back ─▶ until the canary is back
 */

import { durationText } from "../../cli/status.ts";
import { MASTER } from "../../record.ts";
import { type Check, type Evidence, type Finding, fail, pass, skipped, warn } from "../check.ts";
import { isState } from "../daemon-side.ts";
import { Outage } from "../outage.ts";
import { type Placed, pointsAt } from "../placing.ts";
import { outcome, type Site, type Visit } from "../site.ts";
import { type Subject, siteOf, withoutSplit } from "../subject.ts";

/** Visitors of each location. */
const VISITORS = 10;

/** Whoever decides under a lease goes on until it has run out; longer leases than this are not waited for. */
const GRACE_MS_MAX = 10_000;

/** How much later than its lease a proxy may notice. */
const GRACE_SLACK_MS = 1_500;

/** A probe that takes longer while the daemon is away has failed. */
const PROBE_MS_MAX = 2_000;

/** Half of the visitors may not be later than usual by more than this. */
const ADDED_MS_MAX = 100;

/** How soon the canary has visitors again: the next read of the store, and the proxy's next look. */
const BACK_MS_MAX = 10_000;

const LOOK_EVERY_MS = 100;

export const gone: Check = {
  id: "gone",
  title: "with the daemon hung and gone, everyone is served by master",

  skip: (subject) =>
    withoutSplit(subject) ??
    (subject.options.mayBreak
      ? undefined
      : "it takes the daemon away for some seconds, so it wants -break") ??
    (isState(subject.state) ? undefined : "only the admin listener says which process is the daemon") ??
    (subject.findings.get("split")?.verdict === "fail"
      ? "nothing more is broken while the split is wrong"
      : undefined),

  async run(subject, signal) {
    const site = siteOf(subject);
    const arcs = (await subject.daemon.arcs()) ?? [];
    const people = peopleOf(arcs, subject.options.random);
    const before = await site.visitAll(people, signal);
    const outage = await prepare(subject);
    if ("why" in outage) return skipped(outage.why);
    subject.options.tell(`taking the daemon away; should it not come back by itself: ${outage.byHand}`);
    const taken = await takeAway(outage, site, people, await leaseMs(subject), signal);
    const back = await comesBack(subject, arcs);
    return judge(before, taken, back, site);
  },
};

/** A visitor, with less patience than usual. */
interface Person {
  readonly assignment: string;
  readonly timeoutMs: number;
}

/** What was seen while the daemon was away. */
interface Taken {
  /** How long the canary still had visitors after the daemon hung; null where it did to the end. */
  readonly graceMs: number | null;
  readonly leaseMs: number;
  readonly hung: readonly Visit[];
  /** None where no socket file could be hidden. */
  readonly hidden: readonly Visit[];
  readonly hiddenPaths: readonly string[];
  readonly whyNotHidden: string | undefined;
}

function peopleOf(arcs: readonly Placed[], random: () => number): Person[] {
  const locations = [MASTER, ...new Set(arcs.map(({ version }) => version))];
  return locations
    .flatMap((location) => pointsAt(arcs, location, VISITORS, random))
    .map((assignment) => ({ assignment, timeoutMs: PROBE_MS_MAX }));
}

async function prepare({ state, daemon }: Subject): Promise<Outage | { readonly why: string }> {
  if (!isState(state) || daemon.admin === null)
    return { why: "only the admin listener says which process it is" };
  const sockets = state.servers.flatMap(({ name }) => /^(?:line|http|spop) unix:(.+)$/.exec(name)?.[1] ?? []);
  return Outage.prepare({ pid: state.pid, adminPort: daemon.admin.port, sockets });
}

async function takeAway(
  outage: Outage,
  site: Site,
  people: readonly Person[],
  lease: number,
  signal: AbortSignal,
): Promise<Taken> {
  const hung: Visit[] = [];
  const nothing = { hidden: [], hiddenPaths: [], leaseMs: lease, hung };
  try {
    outage.hang();
    const beganMs = performance.now();
    const patienceMs = Math.min(GRACE_MS_MAX, lease + GRACE_SLACK_MS);
    let graceMs: number | null = null;
    // The first round with everyone at master ends it; so does the first error.
    for (;;) {
      const visits = await site.visitAll(people, signal);
      hung.push(...visits);
      if (signal.aborted || visits.some((visit) => !site.isServed(visit))) break;
      const atMs = performance.now() - beganMs;
      if (visits.every(({ version }) => version === undefined || version === MASTER)) {
        graceMs = Math.round(atMs);
        // Without a version to see, the leases are waited for.
        if (site.tells || atMs > patienceMs) break;
      }
      if (atMs > patienceMs) break;
      await Bun.sleep(LOOK_EVERY_MS);
    }
    if (hung.some((visit) => !site.isServed(visit)))
      return { ...nothing, graceMs, whyNotHidden: "it stopped before" };
    const whyNotHidden = outage.sockets.length === 0 ? "it has no unix socket" : outage.hide();
    if (whyNotHidden !== undefined) return { ...nothing, graceMs, whyNotHidden };
    const hidden = await site.visitAll([...people, ...people], signal);
    return { graceMs, leaseMs: lease, hung, hidden, hiddenPaths: outage.sockets, whyNotHidden };
  } finally {
    outage.end();
  }
}

/** For how long proxies may decide by themselves from now on. */
async function leaseMs({ daemon }: Subject): Promise<number> {
  const state = await daemon.state();
  return isState(state) ? Math.max(0, ...state.applications.map((application) => application.leaseMs)) : 0;
}

/** After how long the versions have their visitors again; null where they do not. */
async function comesBack(
  { daemon, site, options }: Subject,
  arcs: readonly Placed[],
): Promise<number | null> {
  const beganMs = performance.now();
  const people = arcs.flatMap(({ version }) =>
    pointsAt(arcs, version, 1, options.random).map((assignment) => ({ assignment, version })),
  );
  while (performance.now() - beganMs < BACK_MS_MAX) {
    const visits = await Promise.all(people.map(({ assignment }) => site?.visit({ assignment })));
    const areBack = visits.every((visit, index) => {
      return visit !== undefined && (visit.version === undefined || visit.version === people[index]?.version);
    });
    if (areBack && (await daemon.arcs()) !== undefined) return Math.round(performance.now() - beganMs);
    await Bun.sleep(LOOK_EVERY_MS);
  }
  return null;
}

function judge(before: readonly Visit[], taken: Taken, backMs: number | null, site: Site): Finding {
  const { hung, hidden, graceMs, leaseMs: lease, hiddenPaths, whyNotHidden } = taken;
  const away = [...hung, ...hidden];
  const errors = away.filter((visit) => !site.isServed(visit));
  const elsewhere = hidden.filter(({ version }) => version !== undefined && version !== MASTER);
  const addedMs = Math.round(Math.max(median(hung), median(hidden)) - median(before));
  const evidence: Evidence = {
    visits: away.length,
    errors: errors.length,
    leaseMs: lease,
    graceMs,
    addedMs,
    slowestMs: Math.round(Math.max(...away.map(({ tookMs }) => tookMs))),
    hidden: hiddenPaths,
    notHidden: whyNotHidden ?? null,
    backMs,
  };
  const law =
    "law 4: the proxy waits for the daemon for a few milliseconds and then serves master; the shipped configurations do. " +
    "Turn on what yours has for a check that fails, such as failure_mode_allow or an error_page, and a short time-out";
  if (errors.length > 0) {
    const kinds = [...new Set(errors.map((visit) => visit.error ?? `status ${outcome(visit)}`))].join(", ");
    return fail(
      `${errors.length} of ${away.length} visitors saw an error while the daemon was away: ${kinds}`,
      law,
      evidence,
    );
  }
  if (graceMs === null && lease + GRACE_SLACK_MS <= GRACE_MS_MAX) {
    return fail(`versions still had visitors ${durationText(lease)} after the daemon hung`, law, evidence);
  }
  if (elsewhere.length > 0) {
    return fail(`${elsewhere.length} visitors were not at master while the daemon was gone`, law, evidence);
  }
  if (addedMs > ADDED_MS_MAX) {
    return fail(`visitors waited ${addedMs} ms longer while the daemon was away`, law, evidence);
  }
  if (backMs === null) {
    return fail(
      `the versions had no visitors again within ${durationText(BACK_MS_MAX)}, though the daemon is back`,
      "the proxy should ask again by itself; see the store's and the daemon's checks, and reload the proxy",
      evidence,
    );
  }
  if (graceMs === null) {
    return warn(
      `leases last for ${durationText(lease)}, longer than doctor takes the daemon away; no visitor saw an error`,
      "a shorter -unhealthy makes leases shorter",
      evidence,
    );
  }
  const summary =
    `${away.length} visitors without an error, ${addedMs} ms slower; master for all after ${durationText(graceMs)}, ` +
    `back within ${durationText(backMs)}`;
  if (!site.tells) {
    return warn(
      `${away.length} visitors without an error, ${addedMs} ms slower; which version served cannot be seen`,
      "make replies say which version served them (see told)",
      evidence,
    );
  }
  return pass(summary, evidence);
}

function median(visits: readonly Visit[]): number {
  const sorted = visits.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
