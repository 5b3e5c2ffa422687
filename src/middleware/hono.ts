/**
 * Hono: `app.use(maxwellsDaemon({ client }))`, then `c.var.maxwellsdaemon.location` says who serves.
 *
 * Requests of Hono do not change: an application that proxies one on sends `upstreamHeaders(c)`. TLS is what the request's URL says;
 * behind a balancer that does TLS, give `secure: true`.
 */

import { versions } from "node:process";
import type { Context, MiddlewareHandler } from "hono";
import { CACHE_CONTROL, isKeptFromSharedCaches, ONE_VISITORS } from "./cache-control.ts";
import {
  decideVisit,
  FORCE_NAME,
  FORGEABLE_NAMES,
  tellUpstreams,
  type VisitOptions,
  type VisitorDecision,
} from "./visit.ts";

const SWITCHING_PROTOCOLS = 101;

/** By which the server of Hono for Node knows that the handler has answered by itself. */
const ALREADY_SENT = "x-hono-already-sent";

declare module "hono" {
  interface ContextVariableMap {
    /** Where the visitor of this request is served. */
    maxwellsdaemon: VisitorDecision;
  }
}

/** A middleware for whatever comes behind it. No visitor gets an error from it. */
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
    const { decision, cookie } = await decideVisit(options, visit, toldOf);
    c.set("maxwellsdaemon", decision);
    await next();
    if (cookie === undefined || !c.finalized || !canBeMadeAnew(c.res)) return;
    const { res } = c;
    // Behind the handler, beside what it set; Hono itself would mix the headers of both.
    c.res = undefined;
    c.res = withCookie(res, cookie);
  };
}

/**
 * An answer that becomes a WebSocket, and for Deno no longer is one if it is made again, one that was sent, or one whose
 * body was read stays what it is: its visitor gets the cookie with another request.
 */
function canBeMadeAnew({ status, headers, bodyUsed }: Response): boolean {
  return status !== SWITCHING_PROTOCOLS && !headers.has(ALREADY_SENT) && !bodyUsed;
}

/** Made again, because an answer may have headers that do not change, or be one that the application gives to many visitors. */
function withCookie(response: Response, cookie: string): Response {
  // Of a body that is a string Bun names the type as it sends it, and only a clone's is still a string.
  const isClone = versions["bun"] !== undefined && !response.headers.has("content-type");
  const result = isClone ? (response.clone() as Response) : new Response(response.body, response);
  // Else a stream keeps for this one whatever the clone has sent.
  if (isClone) response.body?.cancel().catch(() => {});
  result.headers.append("set-cookie", cookie);
  if (!isKeptFromSharedCaches(result.headers.get(CACHE_CONTROL) ?? "")) {
    result.headers.set(CACHE_CONTROL, ONE_VISITORS);
  }
  return result;
}

/** The request's headers as an upstream has to get them: with what was decided in place of what the visitor says. */
export function upstreamHeaders(c: Context): Headers {
  const headers = new Headers(c.req.raw.headers);
  for (const name of FORGEABLE_NAMES) headers.delete(name);
  const told: Record<string, string> = {};
  tellUpstreams(told, c.get("maxwellsdaemon"));
  for (const [name, value] of Object.entries(told)) headers.set(name, value);
  return headers;
}
