/**
 * Tests of a server's contract. They run for every protocol, over every kind of socket. A new protocol joins
 * with a `Protocol`, which translates questions and answers.
 */

import { afterEach, test as bunTest, describe, expect } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import type { NetConnectOpts } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Address } from "../../src/address.ts";
import { assignmentOfKey } from "../../src/assignment.ts";
import { covers } from "../../src/circle.ts";
import type { Server } from "../../src/servers/server.ts";
import { DRAIN_MS } from "../../src/stream/stream-context.ts";
import { type Core, countOf, createCore, UNHEALTHY_MS } from "../support/core.ts";
import { eventually } from "../support/eventually.ts";
import { Random } from "../support/random.ts";
import { reasonOf } from "../support/reason-of.ts";
import { xxh64 } from "../support/xxh64.ts";

/** A busy machine may make a wait longer by this. */
const BUSY_MS = 2_000;

/** A proxy's question, in any protocol. An empty text is sent as an empty value. */
export interface Question {
  readonly assignment?: string;
  readonly application?: string;
  readonly key?: string;
  readonly force?: string;
}

export interface Answer {
  readonly assignment: string;
  readonly location: string;
}

/** One connection of a proxy. */
export interface Client {
  /** Sends without waiting. `next` returns the answers, in order. */
  send(question: Question): void;
  next(): Promise<Answer>;
  close(): void;
}

export interface Protocol {
  readonly name: string;
  /** Whether a client may send a question before the previous one has its answer. */
  readonly pipelines: boolean;
  create(core: Core, address: Address): Server & { readonly port?: number | undefined };
  connect(to: NetConnectOpts): Promise<Client>;
}

type Kind = "unix" | "tcp";

type Skips = Readonly<Record<string, string>>;

type Case = () => Promise<void>;

interface Running {
  readonly core: Core;
  readonly server: Server;
  connect(): Promise<Client>;
  /** Asks over one connection, which all questions of a test share. */
  ask(question?: Question): Promise<Answer>;
}

/**
 * @param skips the titles of cases that make no sense for this protocol, each with the reason, such as
 *              "it has no force" or "its reply has no number"
 */
export function describeServer(protocol: Protocol, kind: Kind, skips: Skips = {}): void {
  const { test, unknown } = testsWithout(skips);
  const releases: (() => Promise<void> | void)[] = [];

  afterEach(async () => {
    for (const release of releases.splice(0).reverse()) await release();
  });

  async function run(options: Parameters<typeof createCore>[0] = {}): Promise<Running> {
    const directory = mkdtempSync(join(tmpdir(), "server-"));
    releases.push(() => rmSync(directory, { recursive: true }));
    const path = join(directory, "socket");
    const core = createCore({ applications: ["app", "web"], ...options });
    const address: Address = kind === "unix" ? { kind, path } : { kind, host: "127.0.0.1", port: 0 };
    const server = protocol.create(core, address);
    await server.start();
    releases.push(() => server.close());
    const to = (): NetConnectOpts =>
      kind === "unix" ? { path } : { host: "127.0.0.1", port: server.port ?? 0 };
    const connect = async () => {
      const client = await protocol.connect(to());
      releases.push(() => client.close());
      return client;
    };
    let shared: Client | undefined;
    return {
      ...{ core, server, connect },
      async ask(question = {}) {
        shared ??= await connect();
        shared.send(question);
        return shared.next();
      },
    };
  }

  function expectFresh({ assignment }: Answer): void {
    expect(assignment).toMatch(/^\d(\.\d+)?(e-\d+)?$/);
    expect(Number(assignment)).toBeLessThan(1);
  }

  describe(`${protocol.name} over ${kind}`, () => {
    test("a known visitor gets its number back, and its place on the circle", async () => {
      const { core, ask } = await run();
      core.apply("app", { rollout: 0.25 });
      expect(await ask({ assignment: "0.1" })).toEqual({ assignment: "0.1", location: "canary" });
      expect(await ask({ assignment: "0.24999999999999997" })).toMatchObject({ location: "canary" });
      expect(await ask({ assignment: "0.25" })).toEqual({ assignment: "0.25", location: "master" });
      expect(await ask({ assignment: "0" })).toEqual({ assignment: "0", location: "canary" });
    });

    test("a new visitor gets a number that leads back to the same place", async () => {
      const { core, ask } = await run();
      core.apply("app", { rollout: 0.5 });
      const numbers = new Set<string>();
      for (let visitor = 0; visitor < 50; visitor++) {
        const first = await ask();
        expectFresh(first);
        numbers.add(first.assignment);
        expect(await ask({ assignment: first.assignment })).toEqual(first);
      }
      expect(numbers.size).toBe(50);
      expect(countOf(core, "rollout")).toBeGreaterThan(10);
      expect(countOf(core, "outside")).toBeGreaterThan(10);
    });

    test("LP-10, HTTP-6: a key places by the top 53 bits of its XXH64", async () => {
      const { core, ask } = await run();
      core.apply("app", { rollout: 0.5 });
      for (const key of ["user-1", "a", "user@example.com", "é", "日本語", "a b=c%41", "x".repeat(1_000)]) {
        const expected = Number(xxh64(Buffer.from(key)) >> 11n) / 2 ** 53;
        const { assignment, location } = await ask({ key });
        expect(Number(assignment)).toBe(expected);
        expect(location).toBe(expected < 0.5 ? "canary" : "master");
      }
      expect(Number((await ask({ key: "abc" })).assignment)).toBe(0.2684963321493933);
    });

    test("an assignment takes precedence over a key", async () => {
      const { ask } = await run();
      expect((await ask({ assignment: "0.75", key: "user-1" })).assignment).toBe("0.75");
    });

    test("an empty value counts as absent", async () => {
      const { core, ask } = await run({ allowForce: true });
      core.apply("app", { rollout: 1 });
      expectFresh(await ask({ assignment: "", key: "", application: "", force: "" }));
      expect(await ask({ assignment: "0.5", key: "", application: "", force: "" })).toEqual({
        assignment: "0.5",
        location: "canary",
      });
      expect(Number((await ask({ assignment: "", key: "a" })).assignment)).toBe(assignmentOfKey("a"));
      expect(countOf(core, "rollout")).toBe(3);
    });

    test("another application has arcs of its own", async () => {
      const { core, ask } = await run({ applications: ["app", "web", "é ü"] });
      core.apply("web", { rollout: 1 });
      core.apply("é ü", { version: "blue", rollout: 1 });
      expect(await ask({ assignment: "0.5", application: "web" })).toMatchObject({ location: "canary" });
      expect(await ask({ assignment: "0.5", application: "é ü" })).toMatchObject({ location: "blue" });
      expect(await ask({ assignment: "0.5", application: "app" })).toMatchObject({ location: "master" });
    });

    test("LP-18, HTTP-5: if an application is not served, the answer is master and the visitor's own number", async () => {
      const { core, ask } = await run();
      core.apply("app", { rollout: 1 });
      expect(await ask({ assignment: "0.5", application: "nobody" })).toEqual({
        assignment: "0.5",
        location: "master",
      });
      expect(countOf(core, "unknown-application")).toBe(1);
    });

    test("LP-11, HTTP-7: if the operator allows it, force is obeyed for versions that exist", async () => {
      const { core, ask } = await run({ allowForce: true });
      core.apply("app", { rollout: 0.1 }, { version: "maintenance", rollout: 1 });
      const forced = async (assignment: string, force: string) => (await ask({ assignment, force })).location;
      expect(await forced("0.5", "canary")).toBe("canary");
      expect(await forced("0.05", "master")).toBe("master");
      expect(await forced("0.05", "nobody")).toBe("canary");
      expect(await forced("0.5", "maintenance")).toBe("master");
      expect(await forced("0.5", "always")).toBe("canary");
      expect(await forced("0.05", "never")).toBe("master");
      expect(countOf(core, "forced")).toBe(4);
      core.apply("app", { rollout: 0.1 }, { version: "always", rollout: 0.1, offset: 0.5 });
      expect(await forced("0.9", "always")).toBe("always");
    });

    test("LP-11, HTTP-7: if the operator does not allow it, force is ignored", async () => {
      const { core, ask } = await run();
      core.apply("app", { rollout: 0.1 });
      expect((await ask({ assignment: "0.5", force: "canary" })).location).toBe("master");
      expect(countOf(core, "forced")).toBe(0);
    });

    test.each(["1", "-0", "-1", "nan", "0x1", "canary", "0,5", "1e9", "0.5x", "9".repeat(5_000)])(
      "LP-4, HTTP-4: the invalid assignment %p gets a fresh one and master, and the connection goes on",
      async (assignment) => {
        const { core, ask } = await run({ allowForce: true });
        core.apply("app", { rollout: 1 });
        const answer = await ask({ assignment, key: "a", force: "canary" });
        expectFresh(answer);
        expect(answer.location).toBe("master");
        expect(Number(answer.assignment)).not.toBe(assignmentOfKey("a"));
        expect(countOf(core, "invalid")).toBe(1);
        expect((await ask({ assignment: "0.5" })).location).toBe("canary");
      },
    );

    test("LP-20, law 3: before the first read, and when the store is lost, all visitors go to master", async () => {
      const { core, ask } = await run();
      expect((await ask({ assignment: "0" })).location).toBe("master");
      expect(countOf(core, "unread")).toBe(1);
      core.apply("app", { rollout: 1 });
      core.advance(UNHEALTHY_MS - 1_000);
      expect((await ask({ assignment: "0" })).location).toBe("canary");
      core.advance(1_000);
      expect(await ask({ assignment: "0.5" })).toEqual({ assignment: "0.5", location: "master" });
      expect(countOf(core, "stale")).toBe(1);
      core.apply("app", { rollout: 1 });
      expect((await ask({ assignment: "0" })).location).toBe("canary");
    });

    test("LP-20: a version with failsafe hold keeps its visitors when the store is lost", async () => {
      const { core, ask } = await run();
      core.apply("app", { rollout: 1, failsafe: "hold" });
      core.advance(100 * UNHEALTHY_MS);
      expect((await ask({ assignment: "0.5" })).location).toBe("canary");
      expect(countOf(core, "hold")).toBe(1);
    });

    test("LP-19: an arc with an offset goes around the circle", async () => {
      const { core, ask } = await run();
      core.apply("app", { rollout: 0.2, offset: 0.9 });
      for (const [assignment, location] of [
        ["0.9", "canary"],
        ["0.999999", "canary"],
        ["0", "canary"],
        ["0.0999", "canary"],
        ["0.1001", "master"],
        ["0.8999", "master"],
      ] as const) {
        expect(await ask({ assignment })).toEqual({ assignment, location });
      }
    });

    test("LP-19: if arcs overlap, canary is first, then the others by name; maintenance is not a version", async () => {
      const { core, ask } = await run();
      core.apply(
        "app",
        { version: "maintenance", rollout: 1 },
        { version: "b", rollout: 0.8 },
        { version: "a", rollout: 0.6 },
        { rollout: 0.4 },
      );
      const places = [];
      for (const assignment of ["0.3", "0.5", "0.7", "0.9"])
        places.push((await ask({ assignment })).location);
      expect(places).toEqual(["canary", "a", "b", "master"]);
    });

    test("sticky: the same number and the same arcs give the same place on every connection", async () => {
      const { core, ask, connect } = await run();
      const random = new Random();
      core.apply("app", { rollout: 0.3, offset: 0.85 }, { version: "b", rollout: 0.5, offset: 0.05 });
      const another = await connect();
      for (let visitor = 0; visitor < 200; visitor++) {
        const assignment = String(random.fraction());
        const u = Number(assignment);
        const location = covers(0.85, 0.3, u) ? "canary" : covers(0.05, 0.5, u) ? "b" : "master";
        expect(await ask({ assignment })).toEqual({ assignment, location });
        another.send({ assignment });
        expect(await another.next()).toEqual({ assignment, location });
      }
    });

    test("every answer is counted, for its server and for its reason", async () => {
      const { core, ask, server } = await run();
      core.apply("app", { rollout: 0.5 });
      for (const assignment of ["0.1", "0.2", "0.7", "x"]) await ask({ assignment });
      const [counts] = core.metrics.servers;
      expect(counts).toMatchObject({ name: server.name, success: 4, failure: 0 });
      expect(["rollout", "outside", "invalid"].map((reason) => countOf(core, reason))).toEqual([2, 1, 1]);
      // The daemon times replies at the end of their turn of the event loop.
      const timed = () => core.metrics.delay.counts.reduce((sum, count) => sum + count);
      await eventually(() => timed() === 4, "every reply is timed");
    });

    test("many clients that ask at once each get their own answers", async () => {
      const { core, connect } = await run();
      core.apply("app", { rollout: 0.5 });
      const clients = await Promise.all(Array.from({ length: 40 }, connect));
      for (let round = 0; round < 5; round++) {
        const numbers = clients.map((_, index) => `0.${String(round * 100 + index + 1).padStart(3, "0")}`);
        clients.forEach((client, index) => {
          client.send({ assignment: numbers[index] as string });
        });
        const answers = await Promise.all(clients.map((client) => client.next()));
        expect(answers.map(({ assignment }) => assignment)).toEqual(numbers);
      }
    });

    if (protocol.pipelines) {
      test("LP-5, HTTP-10: replies to pipelined requests come in order", async () => {
        const { connect } = await run();
        const client = await connect();
        const numbers = Array.from({ length: 500 }, (_, index) => `0.${index + 1}`);
        for (const assignment of numbers) client.send({ assignment });
        for (const assignment of numbers) expect((await client.next()).assignment).toBe(assignment);
      });
    }

    test("close answers all questions that were sent, on old and on new connections, and accepts no more connections", async () => {
      const { server, connect, ask } = await run();
      await ask();
      const clients = await Promise.all(Array.from({ length: 10 }, connect));
      clients.slice(0, 5).forEach((client) => {
        client.send({});
      });
      await Promise.all(clients.slice(0, 5).map((client) => client.next()));
      for (const client of clients) client.send({ assignment: "0.5" });
      // The questions are sent. Only the kernel knows whether they have arrived.
      await Bun.sleep(1);
      const closed = server.close();
      for (const client of clients) expect((await client.next()).assignment).toBe("0.5");
      await closed;
      expect(await reasonOf(connect())).toBeInstanceOf(Error);
    });

    if (kind === "tcp") {
      test("law 9: start rejects if another daemon listens at the address, which goes on undisturbed", async () => {
        const { server, ask } = await run();
        const { port = 0 } = server as { port?: number };
        const second = protocol.create(createCore(), { kind, host: "127.0.0.1", port });
        expect(await reasonOf(second.start())).toBeInstanceOf(Error);
        expect((await ask({ assignment: "0.5" })).assignment).toBe("0.5");
      });
    }

    test("close ends in time although clients are silent", async () => {
      const { server, connect } = await run();
      await Promise.all(Array.from({ length: 5 }, connect));
      const startedAtMs = performance.now();
      await server.close();
      expect(performance.now() - startedAtMs).toBeLessThan(DRAIN_MS + BUSY_MS);
    });

    if (unknown.size > 0) throw new Error(`skips name no case of the suite: ${[...unknown].join("; ")}`);
  });
}

/** Bun's `test`, except for the titles in `skips`. `unknown` has the titles that no test had so far. */
function testsWithout(skips: Skips) {
  const unknown = new Set(Object.keys(skips));
  const isSkipped = (title: string): boolean => {
    unknown.delete(title);
    const reason = skips[title];
    if (reason !== undefined) bunTest.skip(`${title} (skipped: ${reason})`, () => {});
    return reason !== undefined;
  };
  const one = (title: string, run: Case): void => {
    if (!isSkipped(title)) bunTest(title, run);
  };
  const each = (inputs: readonly string[]) => (title: string, run: (input: string) => Promise<void>) => {
    if (!isSkipped(title)) bunTest.each(inputs)(title, run);
  };
  return { test: Object.assign(one, { each }), unknown };
}
