/**
 * Finds the version that served a reply: a header names it, or a text of the page does, or nothing does.
 *
 * Doctor does not guess. If a reply does not name its version, the version is unknown, and nothing is proved.
 */

import { MASTER, VERSION } from "../../circle.ts";
import { Problem } from "../../config/option.ts";
import { type HttpReply, headerOf } from "./site-connection.ts";

/** A text in the pages of one version. The first pattern that matches the body decides. */
export interface VersionText {
  readonly version: string;
  readonly pattern: RegExp;
}

export type VersionSource =
  | { readonly by: "header"; readonly name: string }
  | { readonly by: "text"; readonly texts: readonly VersionText[] }
  | { readonly by: "nothing" };

/** Reads `canary=REGEX`. */
export function parseVersionText(text: string): VersionText | Problem {
  const [, version = "", source] = /^([^=]*)=(.+)$/s.exec(text) ?? [];
  if (source === undefined || !(VERSION.test(version) || version === MASTER)) {
    return new Problem("write VERSION=REGEX, such as canary='build 42'");
  }
  try {
    return { version, pattern: new RegExp(source) };
  } catch {
    return new Problem(
      `${source} is not a regular expression; write VERSION=REGEX, such as canary='build 42'`,
    );
  }
}

/** Decides, by the first reply, how the version of later replies is found. */
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
