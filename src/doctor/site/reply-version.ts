/**
 * How a reply tells which version served it: in a header, in its text, or not at all.
 *
 * Nothing is guessed: a reply that says nothing is of no known version, and what cannot be seen is not proved.
 */

import { MASTER, VERSION } from "../../circle.ts";
import { Problem } from "../../config/option.ts";
import { type HttpReply, headerOf } from "./site-connection.ts";

/** The text of a version: the first one whose pattern is found in the body counts. */
export interface VersionText {
  readonly version: string;
  readonly pattern: RegExp;
}

export type VersionSource =
  | { readonly by: "header"; readonly name: string }
  | { readonly by: "text"; readonly texts: readonly VersionText[] }
  | { readonly by: "nothing" };

/** `canary=REGEX`. */
export function parseVersionText(text: string): VersionText | Problem {
  const [, version = "", source] = /^([^=]*)=(.+)$/s.exec(text) ?? [];
  if (source === undefined || !(VERSION.test(version) || version === MASTER)) {
    return new Problem("write VERSION=REGEX, such as canary='build 42'");
  }
  try {
    return { version, pattern: new RegExp(source) };
  } catch {
    return new Problem(`${source} is no regular expression; write VERSION=REGEX, such as canary='build 42'`);
  }
}

/** How to read replies, judged by the first one. */
export function versionSourceOf(
  reply: HttpReply,
  headerName: string,
  texts: readonly VersionText[],
): VersionSource {
  if (texts.length > 0) return { by: "text", texts };
  const name = headerName.toLowerCase();
  return headerOf(reply.headers, name) === undefined ? { by: "nothing" } : { by: "header", name };
}

/** The version that served a reply; undefined if it does not say. */
export function servedVersion(reply: HttpReply, telling: VersionSource): string | undefined {
  if (telling.by === "header") return headerOf(reply.headers, telling.name);
  if (telling.by === "text") return telling.texts.find(({ pattern }) => pattern.test(reply.body))?.version;
  return undefined;
}
