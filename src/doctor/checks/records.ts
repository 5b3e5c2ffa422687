/**
 * Every application has records in the store. If an application has none, perhaps because its name is
 * misspelt, master serves all its visitors.
 */

import { nearest } from "../../text/nearest.ts";
import { commandLine } from "../../verbs/command-line.ts";
import type { Check } from "../check.ts";
import { isState } from "../daemon-side.ts";
import { pass, warn } from "../finding.ts";
import { type Subject, storeFlagsOf } from "../subject.ts";

/** A finding names at most this many applications. There may be thousands. */
const NAMED_MAX = 5;

export const records: Check = {
  id: "records",
  title: "every application has records in the store",
  follows: ["daemon", "store"],

  skip: ({ state }) => (isState(state) ? undefined : "only the admin listener has the number of records"),

  async run(subject) {
    const { state, options } = subject;
    if (!isState(state)) throw new TypeError("records was run without a state");
    const looked = applicationsOf(subject);
    const empty = looked.filter(
      ({ fresh, arcs, malformed }) => fresh && arcs.length + malformed.length === 0,
    );
    const names = empty.map(({ name }) => name);
    const evidence = { applications: looked.length, empty: names };
    const [first] = names;
    if (first === undefined) return pass(looked.map(counted).join("; "), evidence);
    const known = [
      ...state.applications.flatMap(({ name, arcs }) => (arcs.length > 0 ? [name] : [])),
      ...((await options.storedApplications?.(state.store)) ?? []),
    ];
    const others = known.filter((name) => !names.includes(name));
    const more = names.length > NAMED_MAX ? ` and ${names.length - NAMED_MAX} more` : "";
    return warn(
      `the store has no records of ${names.slice(0, NAMED_MAX).join(", ")}${more}: all visitors go to master there`,
      `write the first record: ${commandLine(storeFlagsOf(subject), first, "set", "canary", "0%", "-new")}. Or start the daemon with the name that the ` +
        `application has in the store${nearest(first, others)}`,
      evidence,
    );
  },
};

/** The application that the operator named, or all of them. */
function applicationsOf({ state, daemon }: Subject) {
  if (!isState(state)) return [];
  const asked = daemon.isNamed ? daemon.applicationOf(state) : undefined;
  return asked === undefined ? state.applications : [asked];
}

function counted({ name, arcs, malformed }: ReturnType<typeof applicationsOf>[number]): string {
  return `${name}: ${arcs.length + malformed.length} records`;
}
