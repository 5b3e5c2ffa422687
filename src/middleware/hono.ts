/**
 * Hono: `app.use(maxwellsDaemon({ client }))`, then `c.var.maxwellsdaemon.location` names the version that
 * serves.
 *
 * A request of Hono does not change, so an application that passes it on sends `upstreamHeaders(c)`. The
 * request's URL says whether it came over TLS. Behind a balancer that ends TLS, set `secure: true`.
 */

import { versions } from "node:process";
import type { Context, MiddlewareHandler } from "hono";
import { CACHE_CONTROL, isKeptFromSharedCaches, ONE_VISITORS } from "./cache-control.ts";
import { reportStatus } from "./report.ts";
import {
  decideVisit,
  FORCE_NAME,
  FORGEABLE_NAMES,
  tellUpstreams,
  type VisitOptions,
  type VisitorDecision,
} from "./visit.ts";

const SWITCHING_PROTOCOLS = 101;

/** The header that tells Hono's server for Node that the handler has answered by itself. */
const ALREADY_SENT = "x-hono-already-sent";

declare module "hono" {
  interface ContextVariableMap {
    /** The decision for the visitor of this request. */
    maxwellsdaemon: VisitorDecision;
  }
}

/** A middleware for the handlers after it. It never gives a visitor an error. */
export function maxwellsDaemon(options: VisitOptions<Context>): MiddlewareHandler {
  const toldOf = new WeakSet<object>();
  return async (c, next) => {
    const visit = {
      request: c,
      cookies: c.req.header("cookie"),
      force: c.req.header(FORCE_NAME),
      isTls: c.req.url.startsWith("https:"),
      earlier: c.get("maxwellsdaemon"),
    };
    const beganAtMs = performance.now();
    const outcome = await decideVisit(options, visit, toldOf);
    const { decision, cookie } = outcome;
    c.set("maxwellsdaemon", decision);
    await next();
    if (options.report !== false) {
      const { client, application } = options;
      reportStatus(statusOf(c), { client, application, visit: outcome, source: undefined, beganAtMs });
    }
    if (cookie === undefined || !c.finalized || !canBeMadeAnew(c.res)) return;
    const { res } = c;
    // The new response replaces the handler's; if the old one stayed, Hono would mix the headers of both.
    c.res = undefined;
    c.res = withCookie(res, cookie);
  };
}

/**
 * The status of the answer, undefined if the visitor has left already. A body that streams is still to come:
 * Hono does not tell its end.
 */
function statusOf(c: Context): number | undefined {
  return c.req.raw.signal.aborted ? undefined : c.res.status;
}

/**
 * Whether the response can be copied. Three kinds cannot: one that becomes a WebSocket (for Deno, a copy no
 * longer is one), one that was sent, and one whose body was read. Their visitor gets the cookie with another
 * request.
 */
function canBeMadeAnew({ status, headers, bodyUsed }: Response): boolean {
  return status !== SWITCHING_PROTOCOLS && !headers.has(ALREADY_SENT) && !bodyUsed;
}

/**
 * A copy, because a response may have fixed headers, or the application may give the same one to many
 * visitors.
 */
function withCookie(response: Response, cookie: string): Response {
  // Bun names the type of a string's body when it sends it, and only in a clone the body is still a string.
  const isClone = versions["bun"] !== undefined && !response.headers.has("content-type");
  const result = isClone ? (response.clone() as Response) : new Response(response.body, response);
  // Otherwise a stream keeps a second copy of all that the clone sends.
  if (isClone) response.body?.cancel().catch(() => {});
  result.headers.append("set-cookie", cookie);
  if (!isKeptFromSharedCaches(result.headers.get(CACHE_CONTROL) ?? "")) {
    result.headers.set(CACHE_CONTROL, ONE_VISITORS);
  }
  return result;
}

/** The request's headers for an upstream, with the decision in place of what the visitor claims. */
export function upstreamHeaders(c: Context): Headers {
  const headers = new Headers(c.req.raw.headers);
  for (const name of FORGEABLE_NAMES) headers.delete(name);
  const told: Record<string, string> = {};
  tellUpstreams(told, c.get("maxwellsdaemon"));
  for (const [name, value] of Object.entries(told)) headers.set(name, value);
  return headers;
}
