/**
 * Writes the decision into the headers of a request of `node:http`, in place of what the visitor claims
 * there.
 *
 * A proxy in the application copies `headers` or `rawHeaders`, so both tell the truth. The visitor's own
 * headers under these names all go, in every spelling and however often they came.
 */

import type { IncomingMessage } from "node:http";
import type { Decision } from "../client/client.ts";
import { FORGEABLE_NAMES, tellUpstreams } from "./visit.ts";

/** Tells upstreams the decision in the headers of a request. */
export function tellRequest(
  request: Pick<IncomingMessage, "headers" | "rawHeaders" | "headersDistinct">,
  decision: Decision,
): void {
  // This comes first, because Node makes `headers` from `rawHeaders` at the first access.
  tellUpstreams(request.headers, decision);
  const raw = request.rawHeaders;
  if (raw.some(isForged)) forget(request);
  const told: Record<string, string> = {};
  tellUpstreams(told, decision);
  for (const [name, value] of Object.entries(told)) raw.push(name, value);
}

/** A request over HTTP/2 has no `headersDistinct`. */
function forget({
  rawHeaders,
  headersDistinct,
}: {
  readonly rawHeaders: string[];
  readonly headersDistinct?: Record<string, unknown>;
}): void {
  // Node makes these from `rawHeaders` at the first access, and expects as many headers as came. So this comes
  // before `rawHeaders` becomes shorter.
  if (headersDistinct !== undefined) {
    for (const name of FORGEABLE_NAMES) delete headersDistinct[name];
  }
  for (let at = rawHeaders.length - 2; at >= 0; at -= 2) {
    if (isForged(rawHeaders[at] ?? "", at)) rawHeaders.splice(at, 2);
  }
}

/** Whether this is one of our names. Names and values alternate, and names have even indexes. */
function isForged(text: string, index: number): boolean {
  if (index % 2 === 1) return false;
  return FORGEABLE_NAMES.includes(text.toLowerCase());
}
