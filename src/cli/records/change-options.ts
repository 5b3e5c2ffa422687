/** The flags of the commands that write records. */

import type { Failsafe } from "../../circle.ts";
import { type Option, Problem } from "../../config/option.ts";
import { parseRollout, parseSwitch, single } from "../../config/values.ts";

export const offset: Option<number | undefined> = single<number | undefined>(
  {
    name: "offset",
    placeholder: "FRACTION",
    summary: "which visitors: those with numbers from here on, from 0 to less than 1; kept if not named",
    flagOnly: true,
  },
  (text) =>
    /^(0|0?\.\d+)$/.test(text)
      ? Number(text)
      : new Problem("write a fraction from 0 to less than 1, such as 0.5"),
);

export const failsafe: Option<Failsafe | undefined> = single<Failsafe | undefined>(
  {
    name: "failsafe",
    placeholder: "master|hold",
    summary: "if the store is lost: master takes all visitors back, hold leaves them here; kept if not named",
    flagOnly: true,
  },
  (text) => (text === "master" || text === "hold" ? text : new Problem("write master or hold")),
);

export const expect: Option<number | undefined> = single<number | undefined>(
  {
    name: "expect",
    placeholder: "ROLLOUT",
    summary: "go on only if the rollout is this now, so that two operators do not undo each other's work",
    flagOnly: true,
  },
  parseRollout,
);

/** A record has little room. Longer reasons belong into a ticket, whose number fits. */
const MESSAGE_BYTES_MAX = 500;

export const message: Option<string | undefined> = single<string | undefined>(
  {
    name: "message",
    short: "m",
    placeholder: "TEXT",
    summary: "the reason, for history",
    flagOnly: true,
  },
  (text) => (text === "" ? new Problem("write a reason, or leave -m out") : cut(text)),
);

/** A reason that is too long is cut, because it must not stop an abort at night. */
function cut(text: string): string {
  if (Buffer.byteLength(text) <= MESSAGE_BYTES_MAX) return text;
  let short = text;
  while (Buffer.byteLength(`${short}…`) > MESSAGE_BYTES_MAX) {
    // A pair of surrogates is not cut in half.
    short = short.slice(0, -1).replace(/[\uD800-\uDBFF]$/, "");
  }
  return `${short}…`;
}

export const isNew = single(
  {
    name: "new",
    summary: "allow a version that is not there yet; without it such a name counts as a misspelling",
    flagOnly: true,
    defaultText: "false",
  },
  parseSwitch,
);

export const mayOverlap = single(
  {
    name: "overlap",
    summary: "allow that this version takes visitors from another one, or loses them to it",
    flagOnly: true,
    defaultText: "false",
  },
  parseSwitch,
);
