/** Writes a rollout. `src/records` decides what is written; here are the flags and the words. */

import { MAINTENANCE, MASTER, VERSION } from "../../circle.ts";
import { Problem } from "../../config/option.ts";
import { parseRollout } from "../../config/values.ts";
import { type Change, isDown } from "../../records/change.ts";
import { remarksOnChange } from "../../records/remarks.ts";
import { fullRollout, type ShownRecord } from "../../records/shown.ts";
import { LOOK_AGAIN_MS, writeChange } from "../../records/write.ts";
import { application } from "../../settings/application.ts";
import { StoreError } from "../../stores/store.ts";
import { nearest } from "../../text/nearest.ts";
import { oneLine } from "../../text/one-line.ts";
import { quote } from "../../text/quote.ts";
import { followingText } from "../../verbs/beside-words.ts";
import { changeText, remarkSentence } from "../../verbs/change-text.ts";
import { adminAddresses, admins } from "../admins.ts";
import { type Command, type Invocation, PROGRAM } from "../command.ts";
import { CliError, EXITS } from "../exit.ts";
import { output, print } from "../output.ts";
import { oneOfText } from "../records/application-hint.ts";
import { authorOf } from "../records/author.ts";
import { errorOf, unwrittenError } from "../records/change-error.ts";
import { expect, failsafe, isNew, mayOverlap, message, offset } from "../records/change-options.ts";
import { stampOf } from "../releases/carrying.ts";
import { STORE_OPTIONS, withStore } from "../with-store.ts";
import { type Follower, wait, waitForDaemons } from "./set/wait.ts";

export const set: Command = {
  name: "set",
  summary: "write a rollout into the store",
  description:
    "All daemons that read the store follow within their -delay. Writing what is there already does nothing. If another\n" +
    "operator was first, set ends with status 4. Only 0% and maintenance on, without -expect, are tried again until\n" +
    "they are written. The version maintenance is a switch: on or off. A version with a release under way is not raised,\n" +
    "because promote and resume do that. A lower rollout pauses the release with the same write, and 0% aborts it.",
  positionals: [
    { name: "VERSION", summary: "canary, maintenance, or another version", required: true },
    { name: "ROLLOUT", summary: "5% or 0.05; on or off for maintenance", required: true },
  ],
  options: [
    ...[application, offset, failsafe, expect, isNew, mayOverlap, message, wait, admins],
    ...STORE_OPTIONS,
    output,
  ],
  summaries: { application: "the application of the record" },
  examples: [
    { line: "set canary 5%", meaning: "a twentieth of all visitors" },
    { line: "set canary 10% -expect 5%", meaning: "only if it is 5% now" },
    { line: "set canary 0% -m INC-42", meaning: "take it back, and say why" },
    { line: "set canary 5% -new", meaning: "the first record of a version" },
    { line: "set canary 20% -wait -admin web1:6293 -admin web2:6293", meaning: "until both daemons have it" },
    { line: "set maintenance on", meaning: "the daemons write their maintenance files" },
  ],
  exits: ["conflict", "behind"],

  async run(invocation) {
    const { settings, io } = invocation;
    const change = readChange(invocation);
    const waitMs = settings.get(wait);
    const addresses = waitMs === undefined ? [] : adminAddresses(settings);
    const done = await writeOrExplain(change, invocation);
    const followers = waitMs === undefined ? undefined : await waitForDaemons(addresses, done.after, waitMs);
    const { written, store, before, after, remarks } = done;
    const json = { written, store, before, after, remarks, ...(followers && { followers }) };
    print(invocation, json, () => `${oneLine(done.text)}\n${followersText(followers)}`);
    for (const remark of remarks) io.stderr.write(`${PROGRAM}: ${remark}\n`);
    if (followers === undefined || followers.every(({ follows }) => follows)) return EXITS.ok.status;
    io.stderr.write(`${PROGRAM}: ${behindText(change.version, written)}\n`);
    return EXITS.behind.status;
  },
};

interface Done {
  readonly written: boolean;
  readonly store: string;
  readonly before: ShownRecord | null;
  readonly after: ShownRecord;
  readonly remarks: readonly string[];
  readonly text: string;
}

/** Writes the change. Rejects with a `CliError` if it is not what the store holds afterwards. */
async function writeOrExplain(change: Change, { settings, io, storeFlags }: Invocation): Promise<Done> {
  const { application: name, version } = change;
  try {
    return await withStore(
      settings,
      io,
      async (store, signal) => {
        const outcome = await writeChange(change, store, signal, () => stampOf(store, io, signal));
        const what = `${version} of ${name}`;
        if (outcome.kind === "conflict" && outcome.current === null && isDown(change)) {
          throw new CliError(
            "conflict",
            oneLine(
              `another writer removed ${what} in the meantime, so it counts as 0%; nothing was written`,
            ),
          );
        }
        if (outcome.kind === "written") {
          const { before, after, conflicts, snapshot, following } = outcome;
          const target = { application: name, version };
          const again =
            conflicts === 0 ? "" : `, after ${conflicts} other ${conflicts === 1 ? "write" : "writes"}`;
          return {
            ...{ written: true, store: store.address, before, after },
            remarks: [
              ...(following === undefined
                ? []
                : [followingText(target, following, after.rollout, storeFlags)]),
              ...remarksOnChange(change, before, after, snapshot).map((each) =>
                remarkSentence(version, each),
              ),
            ],
            text: `${changeText(before, after)} in ${store.address}${again}`,
          };
        }
        if (outcome.kind === "same") {
          const { before, snapshot } = outcome;
          return {
            ...{ written: false, store: store.address, before, after: before },
            remarks: remarksOnChange(change, before, before, snapshot).map((each) =>
              remarkSentence(version, each),
            ),
            text: `${what} is ${fullRollout(before)} already; nothing was written`,
          };
        }
        throw await errorOf(outcome, change, store, storeFlags);
      },
      LOOK_AGAIN_MS,
    );
  } catch (error) {
    throw error instanceof StoreError ? unwrittenError(error, change) : error;
  }
}

function followersText(followers: readonly Follower[] | undefined): string {
  if (followers === undefined) return "";
  return followers
    .map(({ admin, follows, instead }) => `${admin} ${follows ? "follows" : `DOES NOT FOLLOW: ${instead}`}`)
    .map((line) => `${oneLine(line)}\n`)
    .join("");
}

/** The fate of the change, and of the visitors of daemons that do not follow. */
function behindText(version: string, written: boolean): string {
  const store = written ? "the change was written" : "the store had the value already";
  return version === MAINTENANCE
    ? `${store}. At a machine that does not follow, maintenance stays as it is there, also if its daemon is gone`
    : `${store}. Visitors of a machine that does not follow are where its daemon last placed them, or at master if it is gone`;
}

/** The change of the arguments. Throws all that is wrong with them. */
function readChange({ settings, positionals, io }: Invocation): Change {
  const [version = "", text = ""] = positionals;
  const names = settings.get(application);
  const [name = "", ...others] = names;
  const rollout = version === MAINTENANCE ? parseMaintenance(text) : parseRollout(text);
  const problems: string[] = [];
  if (others.length > 0) problems.push(`set writes one application at a time; ${oneOfText(names)}`);
  if (version === MASTER) {
    problems.push("master is not set: it serves all visitors that no other version serves; set canary 5%");
  } else if (!VERSION.test(version)) {
    problems.push(`${quote(version)} cannot be a version; write letters, digits, ".", "_", "-", at most 64`);
  }
  if (rollout instanceof Problem) {
    const meant = text === "on" || text === "off" ? nearest(version, [MAINTENANCE]) : "";
    const problem = meant === "" ? rollout.message : `only maintenance is on or off${meant}`;
    problems.push(`${quote(text)}: ${problem}`);
  }
  if (problems.length > 0 || rollout instanceof Problem) {
    throw new CliError("usage", problems.join("\n  "), "nothing was written");
  }
  return {
    application: name,
    version,
    rollout,
    offset: settings.get(offset),
    failsafe: settings.get(failsafe),
    expect: settings.get(expect),
    isNew: settings.get(isNew),
    mayOverlap: settings.get(mayOverlap),
    signature: { author: authorOf(io), at: new Date(), why: settings.get(message) },
  };
}

function parseMaintenance(text: string): number | Problem {
  if (text === "on") return 1;
  if (text === "off") return 0;
  const rollout = text === "1" ? 1 : parseRollout(text);
  return rollout === 0 || rollout === 1 ? rollout : new Problem("maintenance is a switch; write on or off");
}
