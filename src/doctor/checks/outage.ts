/**
 * Law 4: the daemon hangs, then is gone. Master serves all visitors at once and without an error, and the
 * canary has visitors again when the daemon is back. Only this check breaks something, and only with
 * `-break`.
 *
 *     before ─▶ hang ─▶ until leases end ─▶ probes ─▶ hide ─▶ probes ─▶ give back ─▶ until the canary is back
 */

import { MASTER } from "../../circle.ts";
import { durationText } from "../../text/amounts.ts";
import type { Check } from "../check.ts";
import { isState } from "../daemon-side.ts";
import { type Evidence, type Finding, fail, pass, skipped, warn } from "../finding.ts";
import {
  BACK_MS_MAX,
  comesBack,
  GRACE_MS_MAX,
  GRACE_SLACK_MS,
  isFresh,
  leaseMs,
  type ObservedOutage,
  prepare,
  probesOf,
  takeAway,
} from "../outage/experiment.ts";
import { outcome, type Site, type Visit } from "../site/site.ts";
import { CAUSES, siteOf, withoutAssignment } from "../subject.ts";

/** The median of the visits may be this much slower than before. */
export const ADDED_MS_MAX = 100;

const REMEDY =
  "make the proxy wait for the daemon for only a few milliseconds, and then serve master, as the shipped configurations do. " +
  "Set a short time-out, and the proxy's setting for a check that fails, such as failure_mode_allow or error_page";

export const outage: Check = {
  id: "outage",
  title: "with the daemon hung and gone, master serves all visitors",

  follows: CAUSES,

  skip: (subject) =>
    withoutAssignment(subject) ??
    (subject.options.mayBreak
      ? undefined
      : "the check takes the daemon away for some seconds, and -break was not given") ??
    (isState(subject.state) ? undefined : "only the admin listener says which process the daemon is") ??
    (subject.findings.get("split")?.verdict === "fail"
      ? "visitors get the wrong version even while the daemon runs (see split)"
      : undefined),

  async run(subject, signal) {
    const site = siteOf(subject);
    const arcs = (await subject.daemon.arcs()) ?? [];
    const people = probesOf(arcs, subject.options.random);
    const before = await site.visitAll(people, signal);
    const lease = await leaseMs(subject);
    const wasFresh = (await isFresh(subject)) === true;
    const absence = await prepare(subject);
    if ("why" in absence) return skipped(absence.why);
    subject.options.tell(
      `taking the daemon away; if it does not come back by itself, run: ${absence.byHand}`,
    );
    const taken = await takeAway(absence, site, people, lease, signal);
    const back = await comesBack(subject, arcs, wasFresh);
    return judge(before, taken, back, site);
  },
};

/** An outage that was seen, with its numbers. */
interface Seen {
  readonly taken: ObservedOutage;
  readonly away: readonly Visit[];
  readonly errors: readonly Visit[];
  /** Visits while the daemon was gone that another version than master served. */
  readonly elsewhere: readonly Visit[];
  readonly addedMs: number;
  /** Null: the versions had no visitors again in time. */
  readonly backMs: number | null;
}

function judge(before: readonly Visit[], taken: ObservedOutage, backMs: number | null, site: Site): Finding {
  const { hung, hidden } = taken;
  const away = [...hung, ...hidden];
  const seen: Seen = {
    ...{ taken, away, backMs },
    errors: away.filter((visit) => !site.isServed(visit)),
    elsewhere: hidden.filter(({ version }) => version !== undefined && version !== MASTER),
    addedMs: Math.max(0, Math.round(Math.max(median(hung), median(hidden)) - median(before))),
  };
  const fault = faultOfProxy(seen);
  if (fault !== undefined) return fail(fault, REMEDY, evidenceOf(seen));
  return judgeReturn(seen, site.tells);
}

/** The fault of a proxy that does not serve master at once and without an error; undefined if it does. */
function faultOfProxy({ taken, away, errors, elsewhere, addedMs }: Seen): string | undefined {
  if (errors.length > 0) {
    const kinds = [...new Set(errors.map((visit) => visit.error ?? `status ${outcome(visit)}`))].join(", ");
    return `${errors.length} of ${away.length} visitors saw an error while the daemon was away: ${kinds}`;
  }
  if (taken.graceMs === null && taken.leaseMs + GRACE_SLACK_MS <= GRACE_MS_MAX) {
    return `versions still had visitors ${durationText(taken.leaseMs)} after the daemon hung`;
  }
  if (elsewhere.length > 0) {
    return `${elsewhere.length} visitors were not at master while the daemon was gone`;
  }
  return addedMs > ADDED_MS_MAX
    ? `visitors waited ${addedMs} ms longer while the daemon was away`
    : undefined;
}

/** The finding if the proxy served master: whether the versions came back, and how much was seen. */
function judgeReturn(seen: Seen, siteTells: boolean): Finding {
  const { taken, away, addedMs, backMs } = seen;
  const { graceMs, leaseMs: lease, whyNotHidden } = taken;
  const evidence = evidenceOf(seen);
  if (backMs === null) {
    return fail(
      `the daemon is back, but the versions had no visitors again within ${durationText(BACK_MS_MAX)}`,
      "look at the checks store and daemon, and reload the proxy, which should ask again by itself",
      evidence,
    );
  }
  if (graceMs === null) {
    return warn(
      `leases last for ${durationText(lease)}, longer than doctor takes the daemon away; no visitor saw an error`,
      "choose a shorter -unhealthy, which makes leases shorter",
      evidence,
    );
  }
  const unharmed = `${away.length} visitors saw no error and waited ${addedMs} ms longer`;
  if (!siteTells) {
    return warn(
      `${unharmed}; replies do not say which version served them`,
      "make replies say which version served them (see version-shown)",
      evidence,
    );
  }
  return pass(
    `${unharmed}; all visitors were at master after ` +
      `${durationText(graceMs)}, and the versions were back within ${durationText(backMs)}` +
      (whyNotHidden === undefined ? "" : `. The daemon only hung, and its sockets stayed: ${whyNotHidden}`),
    evidence,
  );
}

function evidenceOf({ taken, away, errors, addedMs, backMs }: Seen): Evidence {
  return {
    visits: away.length,
    errors: errors.length,
    leaseMs: taken.leaseMs,
    graceMs: taken.graceMs,
    addedMs,
    slowestMs: Math.round(Math.max(0, ...away.map(({ tookMs }) => tookMs))),
    hidden: taken.hiddenPaths,
    notHidden: taken.whyNotHidden ?? null,
    backMs,
  };
}

function median(visits: readonly Visit[]): number {
  const sorted = visits.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
