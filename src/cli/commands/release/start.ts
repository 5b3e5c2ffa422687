/** Starts a release, and looks whether a daemon leads it. */

import { setTimeout as sleep } from "node:timers/promises";
import type { Release } from "../../../releases/release.ts";
import { releaseName } from "../../../releases/sentence.ts";
import { unlessAborted } from "../../../stores/shared/abort.ts";
import { type Store, StoreError } from "../../../stores/store.ts";
import { rolloutText } from "../../../text/amounts.ts";
import { oneLine } from "../../../text/one-line.ts";
import { awaitCrew } from "../../../verbs/await-crew.ts";
import { carryOut } from "../../../verbs/carry-out.ts";
import { commandLine } from "../../../verbs/command-line.ts";
import { FREEZE, freezeIn } from "../../../verbs/freeze.ts";
import type { Looked } from "../../../verbs/look.ts";
import { type Meeting, meet } from "../../../verbs/meeting.ts";
import { nextId } from "../../../verbs/start.ts";
import { unwrittenWords, wordsOf } from "../../../verbs/words.ts";
import { LOOK_AGAIN_MS } from "../../../verbs/write-release.ts";
import { type Invocation, PROGRAM } from "../../command.ts";
import { CliError } from "../../exit.ts";
import { output } from "../../output.ts";
import { message } from "../../records/change-options.ts";
import { carryingFor } from "../../releases/carrying.ts";
import { errorFor, remark } from "../../releases/say.ts";
import { inTime } from "../../with-store.ts";
import { dryRun, unattended } from "./options.ts";
import { type Prepared, prepare, type StartRequest } from "./prepare.ts";
import { crewText, printDryRun, printJson } from "./start-report.ts";
import { type Opening, openingText, unledText } from "./start-text.ts";
import { CLOCKS } from "./terminal.ts";

/** The look for a release that meets this one may take this long. */
const MEETING_MS = 10_000;

/** A release that has begun. */
export interface Started {
  readonly key: string;
  readonly exit: "ok" | "unled";
}

/**
 * Starts it, and prints all about it, unless a follower prints the JSON. Undefined after `-dry-run`. Rejects
 * with a `CliError` if no release goes on.
 */
export async function startRelease(
  store: Store,
  application: string,
  isFollowed: boolean,
  invocation: Invocation,
): Promise<Started | undefined> {
  const { settings, io } = invocation;
  const prepared = await prepare(store, application, invocation).catch(explained);
  if (settings.get(dryRun)) printDryRun(prepared, invocation);
  if (prepared.error !== undefined) throw prepared.error;
  if (settings.get(dryRun)) return undefined;
  for (const text of prepared.remarks) remark(invocation, text);

  const release = await write(store, prepared, invocation).catch(explained);
  const isJson = settings.get(output) === "json";
  const opening = { ...prepared.opening, id: release.id };
  if (!isJson) io.stdout.write(openingText(opening));
  await meetOthers(store, prepared, release, invocation);
  await tellOfFreeze(store, invocation);
  const aim = { ...opening.target, key: release.key };
  const awaited = settings.get(unattended)
    ? undefined
    : await awaitCrew(store, aim, release.seq, CLOCKS, (ms) => sleep(ms));
  if (isJson && !isFollowed) printJson({ ...prepared, opening }, release, awaited, invocation);
  else if (!isJson) io.stdout.write(`  ${crewText(awaited)}\n`);
  if (awaited?.kind !== "unled") return { key: release.key, exit: "ok" };
  const { text, remedy } = unledText(opening, awaited.unable);
  io.stderr.write(`${PROGRAM}: ${text}\n  ${remedy.replaceAll("\n", "\n  ")}\n`);
  return { key: release.key, exit: "unled" };
}

/** A failure of the store before anything was written. */
function explained(error: unknown): never {
  throw error instanceof StoreError ? errorFor(unwrittenWords(error, { verb: "release" })) : error;
}

/** Writes the release, if the record is still as it was at the first look. */
async function write(
  store: Store,
  { opening, request }: Prepared,
  { settings, io }: Invocation,
): Promise<Release> {
  const { target } = opening;
  // Another version of the application may have taken the id meanwhile.
  const ask = ({ snapshot }: Looked): StartRequest => {
    return { ...request, start: { ...request.start, id: nextId(snapshot) } };
  };
  const outcome = await inTime(
    store,
    io,
    (signal) => carryOut(target, ask, carryingFor(store, io, settings.get(message), signal)),
    undefined,
    LOOK_AGAIN_MS,
  );
  if (outcome.kind === "written" && outcome.release !== null) return outcome.release;
  throw errorFor(
    wordsOf(outcome, { target, request, address: store.address, storeFlags: opening.storeFlags }),
  );
}

/** Looks again after the write, because two people may have started at once. */
async function meetOthers(
  store: Store,
  { opening }: Prepared,
  release: Release,
  invocation: Invocation,
): Promise<void> {
  const { target } = opening;
  const signal = AbortSignal.timeout(MEETING_MS);
  const carrying = carryingFor(store, invocation.io, undefined, signal);
  let meeting: Meeting;
  try {
    meeting = await unlessAborted(signal, meet(target, release.key, carrying, CLOCKS.monotonic));
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    const look = commandLine(invocation.storeFlags, target.application, "release");
    remark(
      invocation,
      oneLine(`${error.message}; another release may have begun at the same time: look with ${look}`),
    );
    return;
  }
  if (meeting.kind === "beside") {
    const { version } = meeting;
    remark(
      invocation,
      oneLine(`${version} has got visitors meanwhile, so a controller will pause this release`),
    );
  }
  if (meeting.kind === "gave-way") throw gaveWayError(meeting, opening, release);
}

function gaveWayError(
  { to, outcome }: Extract<Meeting, { readonly kind: "gave-way" }>,
  { target: { application }, storeFlags }: Opening,
  release: Release,
): CliError {
  const other = `release ${to.release.id} of ${to.version} (${to.release.of})`;
  const what = `${other} began at the same moment as ${releaseName(application, release)} (${release.of})`;
  const isBack = outcome.kind === "written" || outcome.kind === "unchanged";
  return isBack
    ? new CliError("conflict", oneLine(`${what}, so this one was aborted: its visitors are at master again`))
    : new CliError(
        "conflict",
        oneLine(
          `${what}, and this one could not be aborted, so it still has ${rolloutText(release.wrote[0])}`,
        ),
        oneLine(`take its visitors back: ${commandLine(storeFlags, application, "abort")}`),
      );
}

/** A freeze stops no start, but the first step lasts as long as it. */
async function tellOfFreeze(store: Store, invocation: Invocation): Promise<void> {
  const records = await inTime(store, invocation.io, (signal) =>
    store.read(FREEZE.application, signal),
  ).catch(() => {
    return new Map();
  });
  const { isFrozen, by, why } = freezeIn(records);
  if (!isFrozen) return;
  const reason = why === undefined ? "" : `: ${why}`;
  remark(
    invocation,
    oneLine(
      `all releases are frozen by ${by ?? "an unknown writer"}${reason}; it stays at its first step until that ends`,
    ),
  );
}
