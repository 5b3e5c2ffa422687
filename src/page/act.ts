/** The wish of a page, as its body tells it: a verb for a release, a rollout, or a freeze. Pure. */

import { isVersion, MAINTENANCE } from "../circle.ts";

/** The longest reason, and the longest of the other texts. */
const REASON_LENGTH_MAX = 500;

/** A verb for the release that the page showed. */
export interface ReleaseAct {
  readonly verb: "pause" | "resume" | "promote" | "abort" | "undo" | "finish" | "clear";
  readonly application: string;
  readonly version: string;
  readonly key: string;
  readonly step: number;
  readonly reason: string;
  /** For `clear`: the name of the sign. */
  readonly sign: string | undefined;
}

/** A rollout by hand. */
export interface SetAct {
  readonly verb: "set";
  readonly application: string;
  readonly version: string;
  readonly rollout: number;
  /** The rollout that the page showed; it must still be that one. The way down does not ask. */
  readonly expect: number | undefined;
  readonly reason: string;
}

/** It is about all releases of the store. */
export interface FreezeAct {
  readonly verb: "freeze" | "unfreeze";
  readonly reason: string;
  /** For `unfreeze`: when the freeze was written that the page showed. */
  readonly seenAt: string | undefined;
}

export type Act = ReleaseAct | SetAct | FreezeAct;

const RELEASE_VERBS = ["pause", "resume", "promote", "abort", "undo", "finish", "clear"] as const;

/** @returns undefined if the body is not an act */
export function readAct(body: string): Act | undefined {
  const fields = fieldsIn(body);
  const verb = fields.get("verb");
  const reason = reasonIn(fields);
  if (verb === "freeze" || verb === "unfreeze") return { verb, reason, seenAt: textIn(fields, "seenAt") };
  const application = textIn(fields, "application");
  const version = textIn(fields, "version");
  if (application === undefined || !isVersion(version)) return undefined;
  if (verb === "set") return readSet(fields, { application, version, reason });
  const ofRelease = RELEASE_VERBS.find((each) => each === verb);
  const key = textIn(fields, "key");
  const step = fields.get("step");
  if (ofRelease === undefined || key === undefined || !isStep(step)) return undefined;
  return { verb: ofRelease, application, version, key, step, reason, sign: textIn(fields, "sign") };
}

function readSet(
  fields: ReadonlyMap<string, unknown>,
  about: Pick<SetAct, "application" | "version" | "reason">,
): SetAct | undefined {
  const rollout = fields.get("rollout");
  const expect = fields.get("expect");
  if (!isShare(rollout) || !isShare(expect)) return undefined;
  if (about.version === MAINTENANCE && rollout !== 0 && rollout !== 1) return undefined;
  const isDown = rollout === (about.version === MAINTENANCE ? 1 : 0);
  return { verb: "set", ...about, rollout, expect: isDown ? undefined : expect };
}

function fieldsIn(body: string): ReadonlyMap<string, unknown> {
  try {
    const read: unknown = JSON.parse(body);
    return new Map(typeof read === "object" && read !== null ? Object.entries(read) : []);
  } catch {
    return new Map();
  }
}

/** A longer reason is cut: it never keeps visitors from their way back. */
function reasonIn(fields: ReadonlyMap<string, unknown>): string {
  const value = fields.get("reason");
  return typeof value === "string" ? value.slice(0, REASON_LENGTH_MAX).toWellFormed().trim() : "";
}

function textIn(fields: ReadonlyMap<string, unknown>, name: string): string | undefined {
  const value = fields.get(name);
  return typeof value === "string" && value.length <= REASON_LENGTH_MAX ? value : undefined;
}

function isStep(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value);
}

function isShare(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value <= 1;
}
