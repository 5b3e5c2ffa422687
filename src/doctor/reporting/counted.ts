/**
 * Judges the reporting by the daemon's counts, if doctor has no address for visitors. Pure.
 *
 * A report does not name its proxy. But proxies that ask over HTTP or SPOP report by UDP, OTLP or HTTP, and
 * those that ask over the line protocol mostly report over it.
 */

import type { ProbesPage } from "../../admin/probes.ts";
import type { ApplicationState, State } from "../../admin/state.ts";
import { type Evidence, type Finding, pass, skipped, warn } from "../finding.ts";

/** Fewer decisions may all be of doctor and of people who try the daemon. */
const DECISIONS_MIN = 100;

const LINE = "line";

/** Servers that proxies ask for each visitor, beside the line protocol. */
const ASKED = ["http", "spop"];

const REMEDY = "give doctor the -url of each proxy: then it sends visitors, and looks for their outcomes";

/** The parts of a daemon's state that count here. */
interface Counted extends Pick<State, "servers"> {
  readonly applications: readonly Pick<ApplicationState, "decisions" | "reported">[];
}

export function judgeCounts({ servers, applications }: Counted, page: ProbesPage): Finding {
  const decisions = applications.reduce((sum, application) => sum + decisionsOf(application), 0);
  const heard = Object.fromEntries(
    [...new Set(page.heard.map(({ source }) => source))].map((door) => [door, heardBy(page, door)]),
  );
  const over = (doors: readonly string[]) => doors.reduce((sum, door) => sum + (heard[door] ?? 0), 0);
  const all = over(Object.keys(heard));
  const evidence: Evidence = { decisions, heard };
  if (decisions < DECISIONS_MIN && all === 0) {
    return skipped(`the daemon has placed ${decisions} visitors so far, too few to miss a report`, evidence);
  }
  const counts = `since the daemon started: ${decisions} decisions, ${all} reports of outcomes`;
  if (all === 0) return warn(`no proxy reports: ${counts}`, REMEDY, evidence);
  // A report over the line protocol is an answered question, too.
  const asked = servers.filter(({ listens, protocol, success }) => {
    return listens && success - (protocol === LINE ? (heard[LINE] ?? 0) : 0) >= DECISIONS_MIN;
  });
  const silent = asked.filter(({ protocol }) => {
    if (ASKED.includes(protocol)) return over(["udp", "otlp", "http"]) === 0;
    return protocol === LINE && heard[LINE] === 0 && asked.some((other) => ASKED.includes(other.protocol));
  });
  if (silent.length === 0) return pass(counts, evidence);
  const names = silent.map(({ name, success }) => `${name} (${success} answers)`).join(", ");
  return warn(`the proxies that ask over ${names} seem to report nothing; ${counts}`, REMEDY, evidence);
}

function decisionsOf({ decisions, reported = [] }: Counted["applications"][number]): number {
  return [...decisions, ...reported].reduce((sum, { count }) => sum + count, 0);
}

function heardBy({ heard }: ProbesPage, door: string): number {
  return heard.reduce((sum, { source, count }) => sum + (source === door ? count : 0), 0);
}
