/** Starts a release, shows it, follows it. `src/verbs` decides; here are the flags and the words. */

import { application } from "../../settings/application.ts";
import { store } from "../../settings/options.ts";
import type { Command, Invocation } from "../command.ts";
import { CliError } from "../exit.ts";
import { output } from "../output.ts";
import { STORE_OPTIONS, withOpenStore } from "../with-store.ts";
import { followedRelease } from "./release/followed.ts";
import { look } from "./release/look.ts";
import { taskOf, timeout, wait, watch } from "./release/options.ts";
import { waitForRelease } from "./release/wait.ts";
import { watchRelease } from "./release/watch.ts";

export const release: Command = {
  name: "release",
  summary: "show a release and all that it waits for, or follow it",
  description:
    "It shows each release of the application that goes on, or else the newest one: its steps, its time, all that it waits\n" +
    "for, and the daemons that lead it. It asks the store alone, and works while no daemon runs. Only a daemon with\n" +
    "-releases on knows whether a check passes, and what the judge says. All times are in UTC.",
  positionals: [
    { name: "VERSION", summary: "the version; all that have a release if none is named", required: false },
  ],
  options: [watch, wait, timeout, application, ...STORE_OPTIONS, output],
  summaries: { application: "the application of the release" },
  examples: [
    { line: "release", meaning: "how far is the release, and what does it wait for?" },
    { line: "release -watch", meaning: "the same until it is over, with a clock that ticks" },
    { line: "release -wait -timeout 3h", meaning: "in a script: what became of it?" },
  ],
  exits: ["aborted", "running", "paused", "replaced", "unled"],

  async run(invocation) {
    const { settings, positionals, io } = invocation;
    const name = onlyApplication(invocation);
    const { follow } = taskOf(invocation);
    return withOpenStore(settings.get(store), settings, io, async (opened) => {
      if (follow === "look") return look(opened, name, positionals[0], invocation);
      const followed = await followedRelease(opened, name, positionals[0], undefined, invocation);
      return follow === "watch"
        ? watchRelease(followed, invocation)
        : waitForRelease(followed, settings.get(timeout), invocation);
    });
  },
};

function onlyApplication({ settings }: Invocation): string {
  const [name = "", ...others] = settings.get(application);
  if (others.length === 0) return name;
  throw new CliError("usage", "a release is of one application; name it with -application");
}
