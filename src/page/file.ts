/**
 * A file of the page as an answer: compressed if the client takes that, and not at all if it has it. Pure.
 */

import type { AdminPage, Asked } from "../admin/pages.ts";
import type { BuiltFile } from "./built.ts";

/** A browser may keep the file, but asks each time if it is still the same. */
const KEPT = "no-cache";

export function fileAnswer(
  contentType: string,
  { plain, gzip, tag }: BuiltFile,
  headers: Asked["headers"],
): AdminPage {
  const isGzip = takesGzip(headers.get("accept-encoding"));
  // The two forms have other bytes, so they have other tags.
  const own = isGzip ? `"${tag}-gzip"` : `"${tag}"`;
  const about = {
    "Cache-Control": KEPT,
    ETag: own,
    Vary: "Accept-Encoding",
    ...(isGzip ? { "Content-Encoding": "gzip" } : {}),
  };
  const isSame = hasTag(headers.get("if-none-match"), own);
  return isSame
    ? { status: 304, contentType, body: "", headers: about }
    : { status: 200, contentType, body: isGzip ? gzip : plain, headers: about };
}

/** Whether `Accept-Encoding` takes gzip (RFC 9110, section 12.5.3). A weight of 0 forbids it. */
export function takesGzip(header: string | undefined): boolean {
  const weights = new Map<string, number>();
  for (const part of (header ?? "").split(",")) {
    const [name = "", ...parameters] = part.split(";").map((text) => text.trim().toLowerCase());
    const weight = parameters.find((text) => text.startsWith("q="))?.slice(2);
    weights.set(name, weight === undefined ? 1 : Number(weight) || 0);
  }
  return (weights.get("gzip") ?? weights.get("x-gzip") ?? weights.get("*") ?? 0) > 0;
}

/** Whether `If-None-Match` has this tag, or any. */
function hasTag(header: string | undefined, tag: string): boolean {
  const tags = (header ?? "").split(",").map((text) => text.trim().replace(/^W\//, ""));
  return tags.includes(tag) || tags.includes("*");
}
