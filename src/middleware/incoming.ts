/**
 * What was decided, on a request of `node:http`, in place of what the visitor says of itself there.
 *
 * A proxy in the application copies `headers` or `rawHeaders`, so both tell the truth. Of the visitor's own headers under
 * these names nothing is left, in whatever spelling and however often they came.
 */

import type { IncomingMessage } from "node:http";
import type { Decision } from "../client/client.ts";
import { FORGEABLE_NAMES, tellUpstreams } from "./visit.ts";

/** Tells upstreams in the headers of a request what was decided. */
export function tellRequest(
  request: Pick<IncomingMessage, "headers" | "rawHeaders" | "headersDistinct">,
  decision: Decision,
): void {
  // First, as `headers` are made from `rawHeaders` when somebody asks for them.
  tellUpstreams(request.headers, decision);
  const raw = request.rawHeaders;
  if (raw.some(isForged)) forget(request);
  const told: Record<string, string> = {};
  tellUpstreams(told, decision);
  for (const [name, value] of Object.entries(told)) raw.push(name, value);
}

/** Of a request over HTTP/2 there are no `headersDistinct`. */
function forget({
  rawHeaders,
  headersDistinct,
}: {
  readonly rawHeaders: string[];
  readonly headersDistinct?: Record<string, unknown>;
}): void {
  // These, too, are made from `rawHeaders`, and of as many as there were: they are here before that becomes shorter.
  if (headersDistinct !== undefined) {
    for (const name of FORGEABLE_NAMES) delete headersDistinct[name];
  }
  for (let at = rawHeaders.length - 2; at >= 0; at -= 2) {
    if (isForged(rawHeaders[at] ?? "", at)) rawHeaders.splice(at, 2);
  }
}

/** Whether this is one of our names; names and values come in turn. */
function isForged(text: string, index: number): boolean {
  if (index % 2 === 1) return false;
  return FORGEABLE_NAMES.includes(text.toLowerCase());
}
