/**
 * Law 4: the daemon hangs, then is gone; everyone is served by master at once and without an error, and the canary comes
 * back when the daemon does. The one check that breaks something, and only with `-break`.
 *
 *     before ─▶ hang ─▶ until the leases have run out ─▶ probes ─▶ hide ─▶ probes ─▶ give back ─▶ until the canary is back
 */

import { MASTER } from "../../circle.ts";
import { durationText } from "../../text.ts";
import type { Check } from "../check.ts";
import { isState } from "../daemon-side.ts";
import { type Evidence, type Finding, fail, pass, skipped, warn } from "../finding.ts";
import {
  BACK_MS_MAX,
  comesBack,
  GRACE_MS_MAX,
  GRACE_SLACK_MS,
  leaseMs,
  type ObservedOutage,
  prepare,
  probesOf,
  takeAway,
} from "../outage/experiment.ts";
import { outcome, type Site, type Visit } from "../site/site.ts";
import { CAUSES, siteOf, withoutAssignment } from "../subject.ts";

/** Half of the visitors may not be later than usual by more than this. */
export const ADDED_MS_MAX = 100;

export const outage: Check = {
  id: "outage",
  title: "with the daemon hung and gone, everyone is served by master",

  follows: CAUSES,

  skip: (subject) =>
    withoutAssignment(subject) ??
    (subject.options.mayBreak
      ? undefined
      : "it takes the daemon away for some seconds, and -break was not given") ??
    (isState(subject.state) ? undefined : "only the admin listener says which process the daemon is") ??
    (subject.findings.get("split")?.verdict === "fail"
      ? "visitors are not where they belong even with the daemon there (see split)"
      : undefined),

  async run(subject, signal) {
    const site = siteOf(subject);
    const arcs = (await subject.daemon.arcs()) ?? [];
    const people = probesOf(arcs, subject.options.random);
    const before = await site.visitAll(people, signal);
    const lease = await leaseMs(subject);
    const absence = await prepare(subject);
    if ("why" in absence) return skipped(absence.why);
    subject.options.tell(`taking the daemon away; should it not come back by itself: ${absence.byHand}`);
    const taken = await takeAway(absence, site, people, lease, signal);
    const back = await comesBack(subject, arcs);
    return judge(before, taken, back, site);
  },
};

function judge(before: readonly Visit[], taken: ObservedOutage, backMs: number | null, site: Site): Finding {
  const { hung, hidden, graceMs, leaseMs: lease, hiddenPaths, whyNotHidden } = taken;
  const away = [...hung, ...hidden];
  const errors = away.filter((visit) => !site.isServed(visit));
  const elsewhere = hidden.filter(({ version }) => version !== undefined && version !== MASTER);
  const addedMs = Math.max(0, Math.round(Math.max(median(hung), median(hidden)) - median(before)));
  const evidence: Evidence = {
    visits: away.length,
    errors: errors.length,
    leaseMs: lease,
    graceMs,
    addedMs,
    slowestMs: Math.round(Math.max(0, ...away.map(({ tookMs }) => tookMs))),
    hidden: hiddenPaths,
    notHidden: whyNotHidden ?? null,
    backMs,
  };
  const law =
    "the proxy has to wait for the daemon for a few milliseconds only, and then to serve master, as the shipped configurations do. " +
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
    `back within ${durationText(backMs)}` +
    (whyNotHidden === undefined ? "" : `. It only hung, and its sockets stayed: ${whyNotHidden}`);
  if (!site.tells) {
    return warn(
      `${away.length} visitors without an error, ${addedMs} ms slower; which version served cannot be seen`,
      "make replies say which version served them (see version-shown)",
      evidence,
    );
  }
  return pass(summary, evidence);
}

function median(visits: readonly Visit[]): number {
  const sorted = visits.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
