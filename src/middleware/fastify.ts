/**
 * Fastify: `app.register(maxwellsDaemon, { client })`, then `request.maxwellsdaemon.location` says who serves.
 *
 * The request's headers `maxwellsdaemon` and `maxwellsdaemon-location` become what was decided, so whatever proxies the
 * request on tells its upstream the truth. TLS is what `request.protocol` says, by Fastify's setting `trustProxy`.
 */

import type { FastifyInstance, FastifyRequest } from "fastify";
import { tellRequest } from "./incoming.ts";
import { addCookie } from "./set-cookie.ts";
import { decideVisit, FORCE_NAME, onlyHeader, type VisitOptions, type VisitorDecision } from "./visit.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Where the visitor of this request is served. */
    maxwellsdaemon: VisitorDecision;
  }
}

/** A plugin for all routes of the instance that it is registered on. No visitor gets an error from it. */
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
    const { decision, cookie } = await decideVisit(options, visit, toldOf);
    request.maxwellsdaemon = decision;
    tellRequest(request.raw, decision);
    if (cookie !== undefined) addCookie(reply.raw, cookie);
  });
}

// Without this a plugin's hooks are only for what is registered within it.
Object.assign(maxwellsDaemon, {
  [Symbol.for("skip-override")]: true,
  [Symbol.for("fastify.display-name")]: "maxwells-daemon",
});
