/** Holds back the next steps of all releases of a store, ends that, or shows it. */

import { releaseName, stepPlace } from "../../releases/sentence.ts";
import { application } from "../../settings/application.ts";
import { type Store, StoreError } from "../../stores/store.ts";
import { rolloutText } from "../../text/amounts.ts";
import { oneLine } from "../../text/one-line.ts";
import { FREEZE, type Freeze, freezeIn } from "../../verbs/freeze.ts";
import { freezeText, freezeWords } from "../../verbs/freeze-words.ts";
import { type RunningReleases, runningReleases } from "../../verbs/running-releases.ts";
import { type FreezeOutcome, setFreeze } from "../../verbs/set-freeze.ts";
import type { Command, Invocation } from "../command.ts";
import { EXITS } from "../exit.ts";
import { output, print } from "../output.ts";
import { message } from "../records/change-options.ts";
import { carryingFor } from "../releases/carrying.ts";
import { errorFor } from "../releases/say.ts";
import { STORE_OPTIONS, withStore } from "../with-store.ts";

/** A longer list helps no person at a terminal. */
const SHOWN_MAX = 20;

export const freeze: Command = {
  name: "freeze",
  summary: "hold back the next steps of all releases in the store, or end that",
  description:
    "No daemon advances a release while there is a freeze. Nothing else changes: visitors stay where they are, and promote,\n" +
    "pause, abort and set work as ever. Without on or off it shows the freeze, and the releases that it holds back. on is tried\n" +
    "again until it is written. off ends only the freeze that it sees first.",
  positionals: [{ name: "on|off", summary: "begin or end the freeze; without it, show it", required: false }],
  options: [message, application, ...STORE_OPTIONS, output],
  summaries: { application: "whose releases are shown, if the store cannot list its applications" },
  examples: [
    { line: "freeze on -m 'Black Friday'", meaning: "no release goes forward until freeze off" },
    { line: "freeze", meaning: "the freeze with its author, its time and its reason" },
  ],
  exits: ["conflict"],

  async run(invocation) {
    const { settings, positionals, io } = invocation;
    const [word] = positionals;
    const shown = await withStore(settings, io, async (store, signal) => {
      const { outcome, now } = await change(word, invocation, store, signal);
      // The freeze is written already. The command does not fail if the store cannot list its releases.
      const releases = await runningReleases(store, settings.get(application), signal).catch((error) => {
        if (word === undefined || !(error instanceof StoreError)) throw error;
        return undefined;
      });
      return { store: store.address, written: outcome?.kind === "written", now, releases };
    });
    const { store, written, now, releases } = shown;
    print(invocation, { ...now, written, store, releases: releases && releasesJson(releases) }, () => {
      const isAsked = word !== undefined && !written;
      const already = isAsked ? `${now.isFrozen ? " already" : ""}; nothing was written` : "";
      return `${oneLine(`${freezeText(now)}${already}`)}\n${releasesText(now, releases)}`;
    });
    return EXITS.ok.status;
  },
};

/** Writes the freeze if a word asks for it. Throws if it is not written. */
async function change(
  word: string | undefined,
  { settings, io }: Invocation,
  store: Store,
  signal: AbortSignal,
): Promise<{ readonly outcome: FreezeOutcome | undefined; readonly now: Freeze }> {
  if (word === undefined) {
    return { outcome: undefined, now: freezeIn(await store.read(FREEZE.application, signal)) };
  }
  const carrying = carryingFor(store, io, settings.get(message), signal);
  const outcome = await setFreeze(word === "on", carrying);
  if (outcome.kind === "written" || outcome.kind === "unchanged") return { outcome, now: outcome.now };
  throw errorFor(freezeWords(outcome, store.address));
}

function releasesText({ isFrozen }: Freeze, found: RunningReleases | undefined): string {
  if (found === undefined) return "";
  const { running, isWhole } = found;
  const verb = isFrozen ? "waits" : "is running";
  const lines = running.slice(0, SHOWN_MAX).map(({ application: name, version, release }) => {
    const place = `at ${stepPlace(release)}, ${version} at ${rolloutText(release.wrote[0])}`;
    return `  ${oneLine(`${releaseName(name, release)} ${verb}, ${place}`)}\n`;
  });
  if (running.length > SHOWN_MAX) lines.push(`  and ${running.length - SHOWN_MAX} more\n`);
  if (!isWhole) lines.push("  releases of other applications are not shown\n");
  return lines.join("");
}

function releasesJson({ running }: RunningReleases): readonly object[] {
  return running.map(({ application: name, version, release: { id, step, wrote } }) => {
    return { application: name, version, id, step, rollout: wrote[0] };
  });
}
