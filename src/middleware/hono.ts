/**
 * Hono: `app.use(maxwellsDaemon({ client }))`, then `c.var.maxwellsdaemon.location` says who serves.
 *
 * Requests of Hono do not change: whoever proxies one on sends `upstreamHeaders(c)`. TLS is what the request's URL says;
 * behind a balancer that does TLS, give `secure: true`.
 */

import type { Context, MiddlewareHandler } from "hono";
import type { Decision } from "../client/client.ts";
import { ASSIGNMENT_NAME, decideVisit, FORCE_NAME, tellUpstreams, type VisitOptions } from "./visit.ts";

const SWITCHING_PROTOCOLS = 101;

declare module "hono" {
  interface ContextVariableMap {
    /** Where the visitor of this request is served. */
    maxwellsdaemon: Decision;
  }
}

/** A middleware for whatever comes behind it. No visitor gets an error from it. */
export function maxwellsDaemon(options: VisitOptions<Context>): MiddlewareHandler {
  return async (c, next) => {
    const { decision, cookie } = await decideVisit(options, {
      request: c,
      cookies: c.req.header("cookie"),
      force: c.req.header(FORCE_NAME),
      isTls: c.req.url.startsWith("https:"),
    });
    c.set("maxwellsdaemon", decision);
    await next();
    // Behind the handler, beside what it set. An answer that becomes a WebSocket cannot be made anew, and for Deno no longer
    // is one if it is: its visitor gets the cookie with another request.
    if (cookie !== undefined && c.res.status !== SWITCHING_PROTOCOLS)
      c.header("set-cookie", cookie, { append: true });
  };
}

/** The request's headers as an upstream has to get them: with what was decided in place of what the visitor says. */
export function upstreamHeaders(c: Context): Headers {
  const headers = new Headers(c.req.raw.headers);
  headers.delete(ASSIGNMENT_NAME);
  const told: Record<string, string> = {};
  tellUpstreams(told, c.get("maxwellsdaemon"));
  for (const [name, value] of Object.entries(told)) headers.set(name, value);
  return headers;
}
