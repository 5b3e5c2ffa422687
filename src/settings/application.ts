/** The setting for applications, with its limits. */

import { Problem } from "../config/option.ts";
import { repeatable } from "../config/values.ts";

/** Names of applications are names of files in the state directory, and travel in lines and headers. */
const APPLICATION_BYTES_MAX = 128;

/**
 * A daemon serves this many applications. `npm run bench -- applications` shows what they cost; more are for another
 * daemon.
 */
export const APPLICATIONS_MAX = 10_000;

export const application = repeatable(
  {
    name: "application",
    placeholder: "NAME",
    summary: "an application to serve; the first one is the default",
    defaultText: "app",
  },
  parseApplication,
);

function parseApplication(text: string): string | Problem {
  const isSafe = /^[^\p{Cc}/.][^\p{Cc}/]*$/u.test(text) && Buffer.byteLength(text) <= APPLICATION_BYTES_MAX;
  return isSafe
    ? text
    : new Problem(
        `write a name of at most ${APPLICATION_BYTES_MAX} bytes, without "/", not beginning with "."`,
      );
}
