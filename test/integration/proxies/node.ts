/**
 * Applications of Express, Fastify and Hono in Node that ask for their visitors themselves: those of `apps`, which answer
 * with what they saw, on the package as it is installed. They serve both versions, so the upstreams are not asked.
 */

import { appOf, FRAMEWORK_PACKAGES, type Framework, Installed } from "../../support/installed.ts";
import type { Integration } from "../conformance/integration.ts";

/**
 * More than the client's own 8 ms, which its tests keep: an application that serves everything itself takes the processor
 * that the daemon needs, on a machine with two of them that its visitors and other tests use as well.
 */
const PATIENCE_MS = 100;

export const express = integrationOf("Express", "express");
export const fastify = integrationOf("Fastify", "fastify");
export const hono = integrationOf("Hono", "hono");

function integrationOf(name: string, framework: Framework): Integration {
  return {
    name,
    folder: "node",
    missing: () => undefined,
    daemonFlags: () => [],
    async start({ port, home, allowForce, tls }) {
      const installed = new Installed(...FRAMEWORK_PACKAGES);
      const app = await installed.start(appOf(framework), {
        env: {
          PORT: String(port),
          TIMEOUT_MS: String(PATIENCE_MS),
          MAXWELLS_DAEMON_SOCKET: `unix:${home.socket}`,
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
    exceptions: {
      websockets: "an application's WebSockets are its own; the middleware is for requests",
      maintenance: "an application has no maintenance mode; the proxy in front of it has",
    },
  };
}
