/** The setting for applications, with its limits. */

import { Problem } from "../config/option.ts";
import { repeatable } from "../config/values.ts";

/** The name of an application is also a file name in the state directory, and part of lines and headers. */
const APPLICATION_BYTES_MAX = 128;

/**
 * A daemon serves at most this many applications. `npm run bench -- applications` shows their cost. Further
 * applications need another daemon.
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
