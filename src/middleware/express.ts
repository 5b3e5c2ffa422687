/**
 * Express: `app.use(maxwellsDaemon({ client }))`, then `request.maxwellsdaemon.location` says who serves.
 *
 * The request's headers `maxwellsdaemon` and `maxwellsdaemon-location` become what was decided, so whatever proxies the
 * request on tells its upstream the truth. TLS is what `request.secure` says, by Express's setting `trust proxy`.
 */

import type { Request, RequestHandler } from "express";
import { tellRequest } from "./incoming.ts";
import { addCookie } from "./set-cookie.ts";
import { decideVisit, FORCE_NAME, onlyHeader, type VisitOptions, type VisitorDecision } from "./visit.ts";

declare global {
  namespace Express {
    interface Request {
      /** Where the visitor of this request is served. */
      maxwellsdaemon: VisitorDecision;
    }
  }
}

/** A middleware for whatever comes behind it. No visitor gets an error from it. */
export function maxwellsDaemon(options: VisitOptions<Request>): RequestHandler {
  const toldOf = new WeakSet<object>();
  return async (request, response, next) => {
    const visit = {
      request,
      cookies: request.headers.cookie,
      force: onlyHeader(request.headers[FORCE_NAME]),
      isTls: request.secure,
      earlier: request.maxwellsdaemon,
    };
    const { decision, cookie } = await decideVisit(options, visit, toldOf);
    request.maxwellsdaemon = decision;
    tellRequest(request, decision);
    if (cookie !== undefined) addCookie(response, cookie);
    next();
  };
}
