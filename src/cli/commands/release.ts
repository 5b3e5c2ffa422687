/** Starts a release, shows it, follows it. `src/verbs` decides; here are the flags and the words. */

import { CANARY } from "../../circle.ts";
import { traefikListen } from "../../leases/traefik.ts";
import { DEFAULT_PLAN, plans } from "../../releases/named-plans.ts";
import { application } from "../../settings/application.ts";
import { store } from "../../settings/options.ts";
import type { Command } from "../command.ts";
import { EXITS } from "../exit.ts";
import { output } from "../output.ts";
import { isNew, message } from "../records/change-options.ts";
import { onlyApplication } from "../releases/only-application.ts";
import { STORE_OPTIONS, withOpenStore } from "../with-store.ts";
import { clearSign } from "./release/clear.ts";
import { followedRelease } from "./release/followed.ts";
import { look } from "./release/look.ts";
import { clear, dryRun, of, replace, taskOf, timeout, unattended, wait, watch } from "./release/options.ts";
import { startRelease } from "./release/start.ts";
import { waitForRelease } from "./release/wait.ts";
import { watchRelease } from "./release/watch.ts";

export const release: Command = {
  name: "release",
  summary: "start a release that goes forward by its plan, show it, or follow it",
  description:
    "With -of it starts a release of a version: the first step of its plan, for a new part of all visitors. Daemons with\n" +
    "-releases on go on with it, and it waits up to 10 s for one that says so. It refuses if another version has visitors.\n" +
    "Servers of the version must run the new software before. Master's servers keep what they run until the promotion,\n" +
    "because all visitors go back to them; deploy the software there after it, and say so with finish.\n" +
    "Without -of it shows the release: its steps, its time, all that it waits for, and the daemons that lead it. It asks the\n" +
    "store alone, and works while no daemon runs. Only a controller, which is a daemon with -releases on, knows whether a\n" +
    "check passes. All times are in UTC. -watch shows it until it\n" +
    "is finished or aborted. -wait ends at the promotion, too. Both have the same exit statuses.\n" +
    "The command knows that Traefik divides the visitors only by -traefik in the configuration file: then it refuses ok, and\n" +
    "shares that are finer than 0.1%.",
  positionals: [
    {
      name: "VERSION",
      summary: "the version: canary for a start, or the one that has a release",
      required: false,
    },
    {
      name: "PLAN",
      summary: `the name of a plan, or the line of one; ${DEFAULT_PLAN} if none is named`,
      required: false,
    },
  ],
  options: [
    ...[of, message, replace, isNew, dryRun, unattended, watch, wait, timeout, clear, application],
    ...[traefikListen, ...STORE_OPTIONS, output],
  ],
  tables: [plans],
  summaries: {
    application: "the application of the release",
    message: "the reason of a start or of -clear, for history and the release itself",
    traefik: "the listener of the daemons for Traefik, whose slices cannot serve every share, nor be judged",
  },
  examples: [
    { line: "release canary default -of v42 -m 'new checkout'", meaning: "from 0% by the plan default" },
    {
      line: "release canary 1%:10m,10%:1h,100%:1d -of v42 -dry-run",
      meaning: "what would be, by a plan without a name",
    },
    { line: "release canary default -of v43 -replace", meaning: "in place of a release that goes on" },
    { line: "release", meaning: "how far is it, and what does it wait for?" },
    { line: "release -watch", meaning: "the same until it is over, with a clock that ticks" },
    { line: "release -wait -timeout 3h", meaning: "in a script: what became of it?" },
  ],
  exits: ["conflict", "aborted", "running", "paused", "replaced", "unled"],

  async run(invocation) {
    const { settings, positionals, io } = invocation;
    const name = onlyApplication(invocation);
    const { clear: sign, isStart, follow } = taskOf(invocation);
    if (sign !== undefined) return clearSign(sign, invocation);
    return withOpenStore(settings.get(store), settings, io, async (opened) => {
      let [version] = positionals;
      let key: string | undefined;
      if (isStart) {
        const started = await startRelease(opened, name, follow !== "look", invocation);
        if (started === undefined) return EXITS.ok.status;
        if (started.exit !== "ok" || follow === "look") return EXITS[started.exit].status;
        version ??= CANARY;
        key = started.key;
      }
      if (follow === "look") return look(opened, name, version, invocation);
      const followed = await followedRelease(opened, name, version, key, invocation);
      return follow === "watch"
        ? watchRelease(followed, invocation)
        : waitForRelease(followed, settings.get(timeout), invocation);
    });
  },
};
