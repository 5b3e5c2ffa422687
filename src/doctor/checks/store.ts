/** The daemon's rollouts are fresh and sound. */

import { spell } from "../../rollout.ts";
import { durationText } from "../../text.ts";
import { type Check, fail, pass, warn } from "../check.ts";
import { isState } from "../daemon-side.ts";

export const store: Check = {
  id: "store",
  title: "rollouts are fresh, and every record is sound",

  skip: ({ state, daemon }) =>
    isState(state) && daemon.applicationOf(state) !== undefined
      ? undefined
      : "the admin listener does not tell",

  async run({ state, daemon }) {
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
      return fail(
        `the store of ${name} ${age}${error === null ? "" : ` (${error})`}: everyone goes to master but for arcs that hold`,
        `make ${state.store} readable for the daemon; its log has each failed read`,
        evidence,
      );
    }
    if (malformed.length > 0) {
      return fail(
        `records of ${name} cannot be used and count as 0%: ${malformed.join(", ")}`,
        "look at them with maxwells-daemon get, and write them anew with maxwells-daemon set",
        evidence,
      );
    }
    const circle = spell(arcs) || "no version, so everyone goes to master";
    if (error !== null) {
      return warn(
        `${name} ${age} and the last read failed: ${error}`,
        "its log has each failed read; when no read succeeds for as long as -unhealthy says, everyone goes to master",
        evidence,
      );
    }
    return pass(`${name}: ${circle}; ${age}`, evidence);
  },
};
