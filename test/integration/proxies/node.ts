/**
 * Applications of Express, Fastify and Hono in Node that ask for their visitors themselves. They are in
 * `apps`, use the installed package, and answer with the request that they saw. They serve both versions, so
 * they do not use the upstreams.
 */

import { appOf, FRAMEWORK_PACKAGES, type Framework, Installed } from "../../support/installed.ts";
import type { Integration } from "../conformance/integration.ts";

/**
 * More than the client's own 8 ms, which the client's tests check. An application that serves everything
 * itself takes processor time from the daemon, on two cores that its visitors and other tests use as well.
 */
const PATIENCE_MS = 100;

const NO_WEBSOCKETS = "the middleware is for requests; an application handles its WebSockets itself";
const NO_MAINTENANCE = "maintenance mode is the job of the proxy in front of an application";
const IS_VERSION = "the application itself is the version";

export const express = integrationOf("Express", "express");
export const fastify = integrationOf("Fastify", "fastify");
export const hono = integrationOf("Hono", "hono");

function integrationOf(name: string, framework: Framework): Integration {
  return {
    name,
    folder: "node",
    missing: () => undefined,
    daemonFlags: () => [],
    async start({ port, home, socket, allowForce, tls, changes }) {
      const installed = new Installed(...FRAMEWORK_PACKAGES);
      const app = await installed.start(appOf(framework), {
        env: {
          PORT: String(port),
          TIMEOUT_MS: String(PATIENCE_MS),
          MAXWELLS_DAEMON_SOCKET: `unix:${socket}`,
          APPLICATION: home.application,
          // The reporting suite sends forged addresses.
          ...(changes === undefined ? {} : { TRUST: "none" }),
          ...(allowForce ? { ALLOW_FORCE: "1" } : {}),
          ...(tls === undefined ? {} : { TLS_KEY: tls.key, TLS_CERTIFICATE: tls.certificate }),
        },
      });
      return {
        log: () => app.log,
        async stop() {
          await app.stop();
          installed.remove();
        },
      };
    },
    changeMs: 0,
    graceMs: PATIENCE_MS,
    patienceMs: PATIENCE_MS,
    reporting: {
      hasNoSource: framework === "hono",
      exceptions: {
        websocket: NO_WEBSOCKETS,
        absent: IS_VERSION,
        closes: IS_VERSION,
        hangs: IS_VERSION,
        cuts: IS_VERSION,
        retried: IS_VERSION,
        "own-answer": IS_VERSION,
        maintenance: NO_MAINTENANCE,
      },
    },
    exceptions: { websockets: NO_WEBSOCKETS, maintenance: NO_MAINTENANCE },
  };
}
