/** The laws of a write by a person, and of the time that a command takes. */

import { asSettled } from "../../../src/releases/foreign.ts";
import { isUnderWay, type Release } from "../../../src/releases/release.ts";
import type { Now } from "../../../src/releases/request.ts";
import { isLowering, type Typed } from "../person.ts";
import { type Fault, seconds } from "./history.ts";
import { nowOfRecord } from "./knowledge.ts";

/** A command that lowers pauses this long before it tries again. */
const PAUSE_MS = 20;

/** @param revision the revision over which the command wrote; null if there was no record */
export function personFault(typed: Typed, was: Now, now: Now, revision: string | null): Fault {
  const { words, name, target } = typed;
  const what = `${words.verb} by ${name} wrote ${target.version} ${was.rollout} → ${now.rollout}`;
  const before = was.found.kind === "release" ? was.found.release : undefined;
  const after = now.found.kind === "release" ? now.found.release : undefined;
  if (isRaising(words) && now.rollout > 0 && revision !== typed.revision) {
    return ["14", `${what} over another state than the one that it saw first`];
  }
  switch (words.verb) {
    case "abort":
      return now.rollout === 0 && !isOn(after) ? undefined : ["10", `${what}, and it is ${after?.state}`];
    case "undo":
    case "finish":
      return endFault(typed, now, before, after, what);
    case "set":
      if (words.rollout === 0 && isOn(after)) return ["10", `${what}, and the release goes on`];
      return now.rollout === words.rollout ? undefined : ["14", what];
    case "pause":
      return now.rollout === was.rollout ? undefined : ["11", what];
    case "resume":
      return now.rollout <= was.rollout ? undefined : ["11", `${what}: it raised`];
    case "promote":
      return promoteFault(typed, was, before, after, what);
    case "release":
      return startFault(typed, was, now, before, after, what);
    default:
      return undefined;
  }
}

/** A command must know its own write, and must not wait for anything but the store. */
export function typedFault(typed: Typed): Fault {
  const { client, beganAtMs, endedAtMs, words, target, name, outcome } = typed;
  if (outcome === "no answer: failed" && hasSeenItsWrite(typed)) {
    return ["14", `${words.verb} by ${name} says that it wrote nothing, and it has read its own write`];
  }
  if (outcome === "conflict" && words.verb !== "set" && isLowering(words, target)) {
    return ["14", `${words.verb} by ${name} gave way to another writer`];
  }
  const isDone = outcome === "written" || outcome.startsWith("unchanged");
  // The meeting of two releases, and a fade, are beside the write.
  if (!isDone || endedAtMs === undefined || typed.isFading || !isLowering(words, target)) return undefined;
  const ownMs = endedAtMs - beganAtMs - client.callsMs;
  return ownMs > PAUSE_MS * client.calls
    ? ["10", `${words.verb} by ${name} waited ${seconds(ownMs)} beside its calls`]
    : undefined;
}

function hasSeenItsWrite({ client, target: { application, version }, txs }: Typed): boolean {
  const { found } = nowOfRecord(version, client.seen(application)?.get(version));
  return found.kind === "release" && txs.has(found.release.tx);
}

/** Such a command is never aimed at a new revision, not even after another writer was first. */
function isRaising({ verb }: Typed["words"]): boolean {
  return verb === "promote" || verb === "resume" || verb === "release";
}

function isOn(release: Release | undefined): boolean {
  return release !== undefined && isUnderWay(release);
}

function endFault(
  { words, isFading }: Typed,
  now: Now,
  before: Release | undefined,
  after: Release | undefined,
  what: string,
): Fault {
  if (isOn(after)) return ["10", `${what}, and the release goes on`];
  const wasPromoted = before?.state === "promoted" || before?.from === "promoted";
  const mayFade = "overMs" in words && words.overMs > 0 && (wasPromoted || isFading);
  if (now.rollout > 0 && !mayFade) return ["10", `${what}, without a fade`];
  return undefined;
}

function promoteFault(
  { request }: Typed,
  was: Now,
  before: Release | undefined,
  after: Release | undefined,
  what: string,
): Fault {
  if (before === undefined || after === undefined || request?.verb !== "promote") return ["14", what];
  if (before.key !== after.key || before.key !== request.pin.key) return ["14", `${what}: another release`];
  const steps = was.plan?.steps ?? [];
  const isPaused = before.state === "paused" || was.rollout !== before.wrote[0];
  const from = isPaused ? steps.findLastIndex(({ rollout }) => rollout <= was.rollout) + 1 : request.pin.step;
  const wanted = Math.min(from + 1, steps.length);
  if (after.step !== wanted) return ["14", `${what}: step ${before.step} → ${after.step}, not ${wanted}`];
  return undefined;
}

function startFault(
  { words, request }: Typed,
  was: Now,
  now: Now,
  before: Release | undefined,
  after: Release | undefined,
  what: string,
): Fault {
  // After the meeting of two releases, one aborts itself.
  if (after?.state === "aborted" && before?.key === after.key && now.rollout === 0) return undefined;
  if (after === undefined || words.verb !== "release" || request?.verb !== "release") return ["14", what];
  if (after.key !== request.start.key || after.step !== 1) return ["14", `${what}: another release`];
  if (now.rollout !== request.start.plan.steps[0]?.rollout) return ["14", what];
  // A foreign rollout of 0 has aborted the release, also if no controller has seen it yet.
  const isGoingOn = before !== undefined && isUnderWay(asSettled(was, before));
  if (!words.replace && (isGoingOn || was.rollout > 0)) return ["14", `${what} in place of another`];
  if (before?.state === "promoted" && isGoingOn) return ["14", `${what} in place of a promoted release`];
  return undefined;
}
