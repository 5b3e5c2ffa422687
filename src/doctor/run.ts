/** Runs the checks one after the other, each within its time, and collects their findings. */

import { errorMessage } from "../text/error-message.ts";
import { type Check, causeOf } from "./check.ts";
import { store } from "./checks/store.ts";
import type { DaemonSide } from "./daemon-side.ts";
import { type Finding, fail, skipped } from "./finding.ts";
import { CHECKS } from "./list.ts";
import type { CheckReport, DoctorReport } from "./report.ts";
import type { Site } from "./site/site.ts";
import { storeAgain } from "./store-again.ts";
import { isAnybodyThere, lookAround, type Options, type Subject } from "./subject.ts";

/** Doctor ends a check that takes longer. */
const CHECK_MS_MAX = 60_000;

/** After this time a change has reached every proxy, and a proxy that gave up on the daemon asks again. */
const SETTLE_MS = 1_500;

/** Runs all checks. Faults of the set-up are findings, and never reject. */
export async function runChecks(
  options: Options,
  daemon: DaemonSide,
  site: Site | undefined,
  checks: readonly Check[] = CHECKS,
): Promise<Pick<DoctorReport, "proxies" | "checks" | "isAnybodyThere">> {
  const findings = new Map<string, Finding>();
  const subject = await lookAround(options, daemon, site, findings);
  const times = new Map<string, number>();
  for (const check of checks) {
    const beganMs = performance.now();
    const finding = await findingOf(check, subject);
    const stale = await storeAgain(check, finding, subject);
    if (stale !== undefined) findings.set(store.id, stale);
    findings.set(check.id, stale === undefined ? finding : await findingOf(check, subject));
    times.set(check.id, Math.round(performance.now() - beganMs));
  }
  const reports = checks.map(({ id, title }): CheckReport => {
    const { isFinal: _, ...said } = findings.get(id) as Finding;
    return { id, title, ...said, tookMs: times.get(id) ?? 0 };
  });
  return { proxies: subject.proxies, checks: reports, isAnybodyThere: isAnybodyThere(subject) };
}

/** Runs a check, unless it has a reason not to run. */
async function findingOf(check: Check, subject: Subject): Promise<Finding> {
  const why = whyNot(check, subject);
  return why === undefined ? await runWell(check, subject) : skipped(why);
}

/** Why a check does not run; undefined if it does. */
function whyNot(check: Check, subject: Subject): string | undefined {
  const why = check.skip?.(subject);
  if (why !== undefined) return why;
  const cause = causeOf(check, subject.findings);
  return cause && `${cause.consequence} (see ${cause.id})`;
}

/**
 * Runs a check, and once more if it failed. A rollout may have changed meanwhile. A proxy on a busy machine
 * may also have stopped waiting for a moment, and rightly served master.
 */
async function runWell(check: Check, subject: Subject): Promise<Finding> {
  const finding = await runInTime(check, subject);
  if (finding.verdict !== "fail" || finding.isFinal || !check.isRepeated) return finding;
  await Bun.sleep(SETTLE_MS);
  return runInTime(check, subject);
}

async function runInTime(check: Check, subject: Subject): Promise<Finding> {
  const ending = new AbortController();
  const timer = setTimeout(() => ending.abort(), CHECK_MS_MAX);
  try {
    const finding = await check.run(subject, ending.signal);
    if (!ending.signal.aborted) return finding;
    return fail(
      `the check took longer than ${CHECK_MS_MAX / 1_000} s; so far: ${finding.summary}`,
      "replies are slow or missing: read the proxy's error log, or send fewer -probes",
      finding.evidence,
    );
  } catch (error) {
    const message = errorMessage(error);
    return fail(
      `doctor could not finish this check: ${message}`,
      "run doctor again; if this finding stays, it is a bug of doctor: report it",
    );
  } finally {
    clearTimeout(timer);
  }
}
