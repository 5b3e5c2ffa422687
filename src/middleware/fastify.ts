/**
 * Fastify: `app.register(maxwellsDaemon, { client })`, then `request.maxwellsdaemon.location` names the
 * version that serves.
 *
 * The middleware writes the decision into the request's headers `maxwellsdaemon` and
 * `maxwellsdaemon-location`. So a proxy in the application tells its upstream the truth. `request.protocol`
 * says whether the request came over TLS; Fastify's setting `trustProxy` decides what that is.
 */

import type { FastifyInstance, FastifyRequest } from "fastify";
import { tellRequest } from "./incoming.ts";
import { reportResponse } from "./report.ts";
import { addCookie } from "./set-cookie.ts";
import { decideVisit, FORCE_NAME, onlyHeader, type VisitOptions, type VisitorDecision } from "./visit.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** The decision for the visitor of this request. */
    maxwellsdaemon: VisitorDecision;
  }
}

/** A plugin for all routes of the instance that registers it. It never gives a visitor an error. */
export async function maxwellsDaemon(
  app: FastifyInstance,
  options: VisitOptions<FastifyRequest>,
): Promise<void> {
  if (!app.hasRequestDecorator("maxwellsdaemon")) app.decorateRequest("maxwellsdaemon");
  const toldOf = new WeakSet<object>();
  app.addHook("onRequest", async (request, reply) => {
    const visit = {
      request,
      cookies: request.headers.cookie,
      force: onlyHeader(request.headers[FORCE_NAME]),
      isTls: request.protocol === "https",
      earlier: request.maxwellsdaemon,
    };
    const beganAtMs = performance.now();
    const outcome = await decideVisit(options, visit, toldOf);
    const { decision, cookie } = outcome;
    if (options.report !== false) {
      const { client, application } = options;
      const source = request.ip;
      reportResponse(reply.raw, { client, application, visit: outcome, source, beganAtMs });
    }
    request.maxwellsdaemon = decision;
    tellRequest(request.raw, decision);
    if (cookie !== undefined) addCookie(reply.raw, cookie);
  });
}

// Without this, the plugin's hooks would serve only the routes that are registered within the plugin.
Object.assign(maxwellsDaemon, {
  [Symbol.for("skip-override")]: true,
  [Symbol.for("fastify.display-name")]: "maxwells-daemon",
});
