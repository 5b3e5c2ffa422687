/** The middleware reports by itself what became of each visit that the daemon decided. */

import { afterEach, describe, expect, test } from "bun:test";
import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import express from "express";
import fastify from "fastify";
import { Hono } from "hono";
import type { Client, Decision, Report } from "../../src/client/client.ts";
import { maxwellsDaemon as expressDaemon } from "../../src/middleware/express.ts";
import { maxwellsDaemon as fastifyDaemon } from "../../src/middleware/fastify.ts";
import { maxwellsDaemon as honoDaemon } from "../../src/middleware/hono.ts";
import { eventually } from "../support/eventually.ts";

const releases: (() => Promise<unknown> | unknown)[] = [];

afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release();
});

/** The part of a client that a middleware calls. It decides canary, and keeps the reports. */
function createClient(isDecided = true) {
  const reports: Report[] = [];
  const decision: Decision = isDecided
    ? { isDecided, assignment: "0.1", location: "canary" }
    : { isDecided: false, assignment: undefined, location: "master", reason: "timeout" };
  const client = { decide: async () => decision, report: (report: Report) => void reports.push(report) };
  // A middleware calls nothing else of its client.
  return { client: client as unknown as Client, reports };
}

interface Options {
  readonly client: Client;
  readonly application?: string;
  readonly report?: boolean;
  readonly allowForce?: boolean;
}

/** Three sites with the same pages: `/` is well, `/fails` throws, `/hangs` never answers. */
const SITES = {
  async express(options: Options): Promise<number> {
    const app = express().use(expressDaemon(options));
    app.get("/", (_, response) => void response.send("hello"));
    app.get("/fails", () => {
      throw new Error("a bug");
    });
    app.get("/hangs", () => {});
    app.set("env", "test");
    const server = app.listen(0, "127.0.0.1");
    releases.push(() => {
      server.close();
      server.closeAllConnections();
    });
    await new Promise((resolve) => server.once("listening", resolve));
    return (server.address() as AddressInfo).port;
  },
  async fastify(options: Options): Promise<number> {
    const app = fastify({ forceCloseConnections: true });
    await app.register(fastifyDaemon, options);
    app.get("/", async () => "hello");
    app.get("/fails", async () => {
      throw new Error("a bug");
    });
    app.get("/hangs", () => {});
    await app.listen({ port: 0, host: "127.0.0.1" });
    releases.push(() => app.close());
    return (app.server.address() as AddressInfo).port;
  },
  async hono(options: Options): Promise<number> {
    const app = new Hono().use(honoDaemon(options));
    app.get("/", (c) => c.text("hello"));
    app.get("/fails", () => {
      throw new Error("a bug");
    });
    app.get("/hangs", async (c) => {
      await new Promise((resolve) => c.req.raw.signal.addEventListener("abort", resolve));
      return c.text("too late");
    });
    app.onError((_, c) => c.text("sorry", 500));
    const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: app.fetch });
    releases.push(() => server.stop(true));
    return server.port ?? 0;
  },
};

for (const [framework, start] of Object.entries(SITES)) {
  describe(framework, () => {
    test("an answer is reported with its status, and the visitor's part in it", async () => {
      const { client, reports } = createClient();
      const url = `http://127.0.0.1:${await start({ client, application: "website", allowForce: true })}`;
      await fetch(url, { headers: { cookie: "maxwellsdaemon=0.1" } });
      await eventually(() => reports.length === 1, "a report");
      await fetch(url, { headers: { cookie: "maxwellsdaemon-force=canary" } });
      await eventually(() => reports.length === 2, "a second report");
      const common = { assignment: "0.1", location: "canary", status: 200, application: "website" };
      expect(reports).toMatchObject([
        { ...common, isBrought: true, isForced: false },
        { ...common, isBrought: false, isForced: true },
      ]);
      expect(reports[0]?.durationMs).toBeGreaterThanOrEqual(0);
      expect(reports[0]?.source).toBe(framework === "hono" ? undefined : "127.0.0.1");
    });

    test("an error of the application is reported with its status", async () => {
      const { client, reports } = createClient();
      const response = await fetch(`http://127.0.0.1:${await start({ client })}/fails`);
      expect(response.status).toBe(500);
      await eventually(() => reports.length === 1, "a report");
      expect(reports[0]?.status).toBe(500);
    });

    test("a visitor who leaves before the answer has no status", async () => {
      const { client, reports } = createClient();
      const socket = connect(await start({ client }), "127.0.0.1");
      socket.write("GET /hangs HTTP/1.1\r\nHost: x\r\n\r\n");
      await Bun.sleep(200);
      socket.destroy();
      await eventually(() => reports.length === 1, "a report");
      expect(reports[0]).toMatchObject({ location: "canary", status: undefined });
    });

    test("nothing is reported without a decision, or if the operator switches it off", async () => {
      const undecided = createClient(false);
      await (await fetch(`http://127.0.0.1:${await start(undecided)}`)).text();
      const off = createClient();
      await (await fetch(`http://127.0.0.1:${await start({ ...off, report: false })}`)).text();
      await Bun.sleep(100);
      expect([undecided.reports, off.reports]).toEqual([[], []]);
    });
  });
}
