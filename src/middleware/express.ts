/**
 * Express: `app.use(maxwellsDaemon({ client }))`, then `request.maxwellsdaemon.location` names the version
 * that serves.
 *
 * The middleware writes the decision into the request's headers `maxwellsdaemon` and
 * `maxwellsdaemon-location`. So a proxy in the application tells its upstream the truth. `request.secure`
 * says whether the request came over TLS; Express's setting `trust proxy` decides what that is.
 */

import type { Request, RequestHandler } from "express";
import { tellRequest } from "./incoming.ts";
import { reportResponse } from "./report.ts";
import { addCookie } from "./set-cookie.ts";
import { decideVisit, FORCE_NAME, onlyHeader, type VisitOptions, type VisitorDecision } from "./visit.ts";

declare global {
  namespace Express {
    interface Request {
      /** The decision for the visitor of this request. */
      maxwellsdaemon: VisitorDecision;
    }
  }
}

/** A middleware for the handlers after it. It never gives a visitor an error. */
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
    const beganAtMs = performance.now();
    const outcome = await decideVisit(options, visit, toldOf);
    const { decision, cookie } = outcome;
    if (options.report !== false) {
      const { client, application } = options;
      const source = request.ip;
      reportResponse(response, { client, application, visit: outcome, source, beganAtMs });
    }
    request.maxwellsdaemon = decision;
    tellRequest(request, decision);
    if (cookie !== undefined) addCookie(response, cookie);
    next();
  };
}
