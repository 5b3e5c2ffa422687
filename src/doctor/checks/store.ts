/** The daemon's rollouts are fresh and sound. */

import { MAINTENANCE, spell } from "../../circle.ts";
import { durationText } from "../../text/amounts.ts";
import { commandLine } from "../../verbs/command-line.ts";
import type { Check } from "../check.ts";
import { effectiveArcs, isState } from "../daemon-side.ts";
import { causing, fail, pass, warn } from "../finding.ts";
import { storeFlagsOf } from "../subject.ts";

export const store: Check = {
  id: "store",
  title: "rollouts are fresh, and every record is sound",

  follows: ["daemon"],

  skip: ({ state }) => (isState(state) ? undefined : "only the admin listener has the state of the store"),

  async run(subject) {
    const { state, daemon } = subject;
    const application = isState(state) ? daemon.applicationOf(state) : undefined;
    if (!isState(state) || application === undefined) throw new TypeError("store was run without a state");
    const { name, fresh, ageMs, leaseMs, error, arcs, malformed } = application;
    const evidence = {
      application: name,
      store: state.store,
      fresh,
      ageMs,
      leaseMs,
      error,
      arcs: spell(arcs),
      malformed,
    };
    const age = ageMs === null ? "was never read" : `was last read ${durationText(ageMs)} ago`;
    if (!fresh) {
      const held = effectiveArcs(application).map(({ version }) => version);
      const finding = fail(
        `the store of ${name} ${age}${error === null ? "" : ` (${error})`}: all visitors go to master` +
          (held.length === 0 ? "" : `, except for versions with "failsafe": "hold" (${held.join(", ")})`),
        `make ${state.store} readable for the daemon; its log has each failed read`,
        evidence,
      );
      // Versions that hold still have visitors, so later checks can look at them.
      return held.length === 0
        ? causing(finding, "the store cannot be read, so all visitors go to master")
        : finding;
    }
    if (malformed.length > 0) {
      return fail(
        malformedText(name, malformed),
        `look at them, and write them again with set: ${commandLine(storeFlagsOf(subject), name, "get")}`,
        evidence,
      );
    }
    const circle = spell(arcs) || "no version";
    if (error !== null) {
      return warn(
        `${name} ${age}, and the last read failed: ${error}`,
        "read the daemon's log, which has each failed read. If no read succeeds within -unhealthy, all visitors go to master",
        evidence,
      );
    }
    return pass(`${name}: ${circle}; ${age}`, evidence);
  },
};

/** A malformed record counts as 0%. One of maintenance changes nothing (law 8). */
function malformedText(application: string, malformed: readonly string[]): string {
  const versions = malformed.filter((version) => version !== MAINTENANCE);
  const texts: string[] = [];
  if (versions.length > 0) {
    texts.push(
      `malformed records of ${application} count as 0%, so their visitors go to master: ${versions.join(", ")}`,
    );
  }
  if (malformed.includes(MAINTENANCE)) {
    texts.push(`the record maintenance of ${application} is malformed, so maintenance stays as it was`);
  }
  return texts.join("; ");
}
