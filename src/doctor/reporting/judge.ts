/** Makes the finding of `reporting` from the visitors that came, and their outcomes. Pure. */

import { type Evidence, type Finding, pass, skipped, warn } from "../finding.ts";
import { type Fault, faultsOf } from "./faults.ts";
import type { Examined, Heard } from "./visitors.ts";

/** The visitors of all addresses, with all that helps to name a fault. */
export interface Seen {
  readonly examined: readonly Examined[];
  /** The daemons that doctor asked, by the addresses of their admin listeners. */
  readonly daemons: readonly string[];
  /** The name of the proxy at an address, such as `nginx, process 17`; empty if doctor does not know it. */
  proxyAt(examined: Examined): string;
  /** The remedy if the proxy at this address reports nothing, or not all. */
  remedyAt(examined: Examined): string;
  readonly application: string | undefined;
}

/** Whether every visitor was reported, and no report has a fault. */
export function isSound(examined: Examined, application: string | undefined): boolean {
  return reportedOf(examined) === examined.visitors.length && faultsOf(examined, application).length === 0;
}

export function judgeReporting(seen: Seen): Finding {
  const { examined, application } = seen;
  const decided = examined.filter(({ visitors }) => visitors.length > 0);
  if (decided.length === 0) {
    return skipped("no proxy got a decision in time for doctor's visitors, so there was nothing to report");
  }
  const silent = decided.filter((each) => reportedOf(each) === 0);
  const partly = decided.filter((each) => reportedOf(each) > 0 && reportedOf(each) < each.visitors.length);
  const faulty = decided
    .map((each) => ({ each, faults: faultsOf(each, application) }))
    .filter(({ faults }) => faults.length > 0);
  const evidence = evidenceOf(
    seen,
    faulty.flatMap(({ faults }) => faults),
  );
  const sound = decided.filter((each) => isSound(each, application));
  if (sound.length === decided.length) return pass(sound.map(countText).join("; "), evidence);
  const texts = [
    ...silent.map((each) => `${nameOf(each, seen)} reports nothing: ${countText(each)}`),
    ...partly.map((each) => `${nameOf(each, seen)} does not report all: ${countText(each)}`),
    ...silentDaemons(seen),
    ...faulty.map(({ each, faults }) => {
      return `the reports of ${nameOf(each, seen)} are wrong: ${faults.map(({ text }) => text).join("; ")}`;
    }),
  ];
  const well = sound.length === 0 ? "" : `. All is well with the others: ${sound.map(countText).join("; ")}`;
  const isUnheard = silent.length + partly.length > 0;
  const consequence = isUnheard ? ". The judge of releases does not see these visitors" : "";
  const remedies = [
    ...[...silent, ...partly].map((each) => seen.remedyAt(each)),
    ...faulty.flatMap(({ faults }) => faults.map(({ remedy }) => remedy)),
  ];
  return warn(`${texts.join("; ")}${consequence}${well}`, [...new Set(remedies)].join(". "), evidence);
}

function reportedOf({ visitors }: Examined): number {
  return visitors.filter(({ heard }) => heard.length > 0).length;
}

function countText(each: Examined): string {
  const doors = [...new Set(allHeard([each]).map(({ outcome }) => outcome.door))];
  const over = doors.length === 0 ? "" : ` (${doors.join(", ")})`;
  return `${reportedOf(each)} of ${each.visitors.length} visitors of ${each.site.shownUrl} were reported${over}`;
}

function nameOf(each: Examined, seen: Seen): string {
  const proxy = seen.proxyAt(each);
  return `the proxy at ${each.site.shownUrl}${proxy === "" ? "" : ` (${proxy})`}`;
}

/** If visitors are missing, a daemon that heard of none of them has the silent proxy beside it. */
function silentDaemons({ examined, daemons }: Seen): string[] {
  const hears = new Set(allHeard(examined).map(({ by }) => by));
  if (hears.size === 0 || examined.every((each) => reportedOf(each) === each.visitors.length)) return [];
  return daemons
    .filter((daemon) => !hears.has(daemon))
    .map((daemon) => `the daemon at ${daemon} heard of no visitor, so look at the proxy beside it`);
}

function allHeard(examined: readonly Examined[]): readonly Heard[] {
  return examined.flatMap(({ visitors }) => visitors.flatMap(({ heard }) => heard));
}

function evidenceOf({ examined, daemons }: Seen, faults: readonly Fault[]): Evidence {
  const heard = allHeard(examined);
  const byUrl = (count: (each: Examined) => number) =>
    Object.fromEntries(examined.map((each) => [each.site.shownUrl, count(each)]));
  const tally = (names: readonly string[], of: (each: Heard) => string) =>
    Object.fromEntries(names.map((name) => [name, heard.filter((each) => of(each) === name).length]));
  const doors = [...new Set(heard.map(({ outcome }) => outcome.door))];
  return {
    visitors: byUrl(({ visitors }) => visitors.length),
    reported: byUrl(reportedOf),
    doors: tally(doors, ({ outcome }) => outcome.door),
    daemons: tally(daemons, ({ by }) => by),
    sources: [...new Set(heard.map(({ outcome }) => outcome.source ?? "none"))],
    faults: faults.map(({ text }) => text),
  };
}
