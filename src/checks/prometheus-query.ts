/**
 * A query with names in it: `{{application}}`, `{{version}}` and `{{of}}` stand for those of the release, so
 * one check serves many applications. Pure.
 */

import { Problem } from "../config/option.ts";
import { nearest } from "../text/nearest.ts";
import { quote } from "../text/quote.ts";
import type { Subject } from "./check-kind.ts";

/** The query in the address has at most this many bytes: proxies take addresses of 8 KiB, or less. */
export const QUERY_BYTES_MAX = 4_096;

const NAMES = ["application", "version", "of"] as const;

const PLACE = /\{\{\s*([^{}]*?)\s*\}\}/g;

/** A name with other characters could end the string in which it stands, and change the query. */
const SAFE = /^[\w.:/@+-]*$/;

/** The query as it was written, or its mistake. */
export function parseQuery(text: string): string | Problem {
  for (const [, name = ""] of text.matchAll(PLACE)) {
    if ((NAMES as readonly string[]).includes(name)) continue;
    const known = NAMES.map((each) => `{{${each}}}`).join(", ");
    return new Problem(`{{${quote(name, "")}}}: write ${known}${nearest(name, NAMES)}`);
  }
  return lengthOf(text) <= QUERY_BYTES_MAX
    ? text
    : new Problem(`it is longer than ${QUERY_BYTES_MAX} bytes in an address; write a recording rule`);
}

/** The query for one release, or why it cannot be asked. */
export function fillQuery(query: string, subject: Subject): string | Problem {
  let problem: Problem | undefined;
  const filled = query.replace(PLACE, (_, name: (typeof NAMES)[number]) => {
    const value = subject[name];
    if (!SAFE.test(value)) {
      problem = new Problem(
        `the ${nameOf(name)} ${quote(value)} does not fit into a query; use letters, digits and . _ - : / @ +`,
      );
    }
    return value;
  });
  if (problem === undefined && lengthOf(filled) > QUERY_BYTES_MAX) {
    return new Problem(`the query is longer than ${QUERY_BYTES_MAX} bytes in an address`);
  }
  return problem ?? filled;
}

function nameOf(name: (typeof NAMES)[number]): string {
  return name === "of" ? "name behind -of" : name;
}

function lengthOf(query: string): number {
  return new URLSearchParams({ query }).toString().length;
}
