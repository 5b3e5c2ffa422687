/** The client against healthy daemons, and against every other kind of peer. */

import { afterEach, describe, expect, test } from "bun:test";
import { assignmentOfKey } from "../../src/assignment.ts";
import {
  Client,
  type ClientEvent,
  type ClientOptions,
  type Decision,
  type Question,
  type Undecided,
  type UndecidedReason,
} from "../../src/client/client.ts";
import { PAUSE_MS, REFUSED_PAUSE_MS } from "../../src/client/pause.ts";
import { eventually } from "../support/eventually.ts";
import { answer, FakeDaemon, replyTo, silence } from "../support/line-peer.ts";
import { Random } from "../support/random.ts";

/** For tests that do not measure time: longer than a busy machine may need. */
const PATIENT_MS = 5_000;
/** For tests that measure time: the default, and the extra time of a busy machine. */
const IMPATIENT_MS = 8;
const SLACK_MS = 500;

const clients: Client[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

function clientOf(address: string, options: ClientOptions = {}): Client {
  const client = new Client({ address, timeoutMs: PATIENT_MS, ...options });
  clients.push(client);
  return client;
}

/** The error in a decision for a visitor with `assignment`, at rollout 0.25; undefined if it is right. */
function wrong(decision: Decision, assignment: string): string | undefined {
  const location = decision.isDecided && Number(assignment) < 0.25 ? "canary" : "master";
  const isRight = decision.assignment === assignment && decision.location === location;
  return isRight ? undefined : `${assignment}: ${JSON.stringify(decision)}`;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function undecided(reason: UndecidedReason, assignment?: string): Undecided {
  return { isDecided: false, assignment, location: "master", reason };
}

describe("the question", () => {
  test("values are percent-encoded, so no value becomes a second request", async () => {
    await using fake = await FakeDaemon.start((_, socket) => void socket.write("0.5\nmaster\n"));
    const client = clientOf(fake.address);
    const key = 'user 1=2 % \n é "\u0000 😀\ud800';
    await client.decide({ key, application: "a b", force: "x\ny" });
    expect(fake.lines).toEqual([
      ` application=a%20b key=${encodeURIComponent(key.toWellFormed())} force=x%0Ay`,
    ]);
  });

  test("an assignment with other characters than a number's is not sent", async () => {
    let count = 0;
    await using fake = await FakeDaemon.start((_, socket) => void socket.write(`0.${++count}5\nmaster\n`));
    const client = clientOf(fake.address);
    for (const assignment of ["0.5\n0.6", "0.5 force=canary", "?lease", "", "nan", "9".repeat(33)]) {
      expect(await client.decide({ assignment })).toMatchObject({ isDecided: true });
    }
    expect(fake.lines).toEqual(["", "", "", "", "", ""]);
  });

  test("all questions of one turn go out in one piece, over one connection", async () => {
    await using fake = await FakeDaemon.start(answer);
    const client = clientOf(fake.address);
    await client.decide({ assignment: "0.5" });
    const before = fake.pieces;
    await Promise.all(Array.from({ length: 100 }, (_, i) => client.decide({ assignment: `0.${i + 1}` })));
    expect([fake.accepted, fake.pieces - before]).toEqual([1, 1]);
  });

  test("a question that does not fit into a line is not asked", async () => {
    await using fake = await FakeDaemon.start(answer);
    const client = clientOf(fake.address);
    const key = "x".repeat(8_192);
    expect(await client.decide({ key, assignment: "0.1" })).toEqual(
      undecided("unaskable", "0.1") as Decision,
    );
    expect(fake.lines).toEqual([]);
  });

  test.each<[name: string, question: unknown, kept: string | undefined]>([
    ["null", null, undefined],
    ["a string", "0.1", undefined],
    ["a number as key", { assignment: "0.1", key: 7 }, "0.1"],
    ["a list as application", { assignment: "0.1", application: ["website"] }, "0.1"],
    ["an object without toString as force", { force: Object.create(null) }, undefined],
    [
      "a getter that throws",
      {
        assignment: "0.1",
        get key() {
          throw new Error("from the getter");
        },
      },
      "0.1",
    ],
  ])(
    "law 4: %s, passed from JavaScript, is not sent; the visitor gets master, and no error",
    async (_, question, kept) => {
      await using fake = await FakeDaemon.start(answer);
      const client = clientOf(fake.address);
      expect(await client.decide(question as Question)).toEqual(undecided("unaskable", kept));
      expect(fake.lines).toEqual([]);
      client.close();
      expect(await client.decide(question as Question)).toEqual(undecided("closed", kept));
    },
  );

  test("an assignment that is not a string does not count, and null counts as absent", async () => {
    let count = 0;
    await using fake = await FakeDaemon.start((_, socket) => void socket.write(`0.${++count}5\nmaster\n`));
    const client = clientOf(fake.address);
    const forged = { length: 1, toString: () => "0.5\n0.6" };
    for (const assignment of [0.1, ["0.1"], forged, Symbol("0.1"), null]) {
      const question = { assignment, application: null, key: null, force: null } as unknown;
      expect(await client.decide(question as Question)).toMatchObject({ isDecided: true });
    }
    expect(fake.lines).toEqual(["", "", "", "", ""]);
  });

  test("a wrong address or time limit throws, and the message says how to write it", () => {
    for (const address of ["/tmp/socket", "tcp:localhost", "tcp:a:b:1", "tcp:h:70000", "unix:", ""]) {
      expect(() => new Client({ address })).toThrow("write unix:PATH or tcp:HOST:PORT");
    }
    for (const timeoutMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => new Client({ timeoutMs })).toThrow("timeoutMs");
    }
  });

  test.each<[name: string, options: unknown, said: string]>([
    ["null", null, "an object"],
    ["an address alone", "unix:/tmp/socket", "an object"],
    ["a time limit that is a string", { timeoutMs: "8" }, "timeoutMs"],
    ["a time limit that is a bigint", { timeoutMs: 8n }, "timeoutMs"],
    ["null as time limit", { timeoutMs: null }, "timeoutMs"],
    ["an address in a list", { address: ["unix:/tmp/socket"] }, "write unix:PATH"],
    ["null as address", { address: null }, "write unix:PATH"],
    ["a listener that is not a function", { onEvent: "log" }, "onEvent"],
  ])("%s, passed from JavaScript, throws a TypeError", (_, options, said) => {
    const make = () => new Client(options as ClientOptions);
    expect(make).toThrow(TypeError);
    expect(make).toThrow(said);
  });
});

describe("the answer", () => {
  test("each of ten thousand questions at once gets its own answer", async () => {
    await using fake = await FakeDaemon.start(answer);
    const client = clientOf(fake.address);
    const random = new Random();
    const assignments = Array.from({ length: 10_000 }, () => `0.${random.digits(16)}`);
    const decisions = await Promise.all(assignments.map((assignment) => client.decide({ assignment })));
    expect(decisions.map((decision, i) => wrong(decision, assignments[i] ?? "")).filter(Boolean)).toEqual([]);
    expect(client.stats).toMatchObject({ decided: 10_000, waiting: 0, isLost: false });
  });

  test("replies are read if they are cut in two, at every byte", async () => {
    const replies = ["0.1", "0.9", "0.2"].map(replyTo).join("");
    for (let cut = 1; cut < replies.length; cut++) {
      await using fake = await FakeDaemon.start((_, socket, before) => {
        if (before < 2) return;
        socket.write(replies.slice(0, cut), () => setImmediate(() => socket.write(replies.slice(cut))));
      });
      const client = clientOf(fake.address);
      const decisions = await Promise.all(
        ["0.1", "0.9", "0.2"].map((assignment) => client.decide({ assignment })),
      );
      expect(decisions.map(({ location }) => location)).toEqual(["canary", "master", "canary"]);
      client.close();
    }
  });

  test("another spelling of the visitor's number is a valid answer", async () => {
    await using fake = await FakeDaemon.start((_, socket) => void socket.write("0.5\nmaster\n"));
    const decision = await clientOf(fake.address).decide({ assignment: "+5.000000000000000000000000e-1" });
    expect(decision).toEqual({ isDecided: true, assignment: "0.5", location: "master" });
  });

  test.each<[string, string]>([
    ["another visitor's number", "0.6\ncanary\n"],
    ["the number with a digit less", "0.12345678901234\ncanary\n"],
    ["three lines", "0.123456789012345\nmaster\nmore\n"],
    ["bytes after the reply", "0.123456789012345\nmaster\nx"],
    ["a page", "HTTP/1.1 400 Bad Request\r\n\r\n"],
    ["a number out of range", "1\nmaster\n"],
    ["NaN", "NaN\nmaster\n"],
    ["no location", "0.123456789012345\n\n"],
    ["a location with a space", "0.123456789012345\nmas ter\n"],
    ["a location too long", `0.123456789012345\n${"m".repeat(65)}\n`],
    ["a number too long", `0.123456789012345${"0".repeat(30)}\nmaster\n`],
    ["a line without end", "x".repeat(100_000)],
    ["bytes that are not text", "\xff\xfe\x00\n\n"],
  ])("%s never reaches a visitor, and ends the connection", async (_, reply) => {
    await using fake = await FakeDaemon.start((_line, socket) => void socket.write(reply, "latin1"));
    const client = clientOf(fake.address);
    const [first, second] = await Promise.all([
      client.decide({ assignment: "0.123456789012345" }),
      client.decide({ assignment: "0.2" }),
    ]);
    // The bytes before the nonsense may be a valid answer.
    expect(first?.assignment).toBe("0.123456789012345");
    if (!first?.isDecided) expect(first).toEqual(undecided("malformed", "0.123456789012345"));
    expect(second).toEqual(undecided("malformed", "0.2"));
    expect(client.stats.connections).toBe(0);
  });

  test("a reply that comes twice reaches no other visitor, known or new", async () => {
    let fresh = 0;
    await using fake = await FakeDaemon.start((line, socket) => {
      const reply = replyTo(line || `0.3${++fresh}`);
      socket.write(reply + reply);
    });
    const client = clientOf(fake.address);
    const questions = ["0.1", "0.2", undefined, undefined, "0.9", undefined];
    for (let round = 0; round < 50; round++) {
      const decisions = await Promise.all(questions.map((assignment) => client.decide({ assignment })));
      const seen = new Set<string>();
      for (const [i, { isDecided, assignment }] of decisions.entries()) {
        if (questions[i] !== undefined) expect(assignment).toBe(questions[i]);
        else if (isDecided) {
          expect(seen.has(assignment)).toBeFalse();
          seen.add(assignment);
        }
      }
    }
  });

  test("if replies come twice, no two new visitors get the same assignment", async () => {
    let fresh = 0;
    await using fake = await FakeDaemon.start((_, socket) => {
      const reply = `0.3${++fresh}5\nmaster\n`;
      socket.write(reply + reply);
    });
    const client = clientOf(fake.address);
    const decisions = await Promise.all(Array.from({ length: 6 }, () => client.decide()));
    const decided = decisions.filter(({ isDecided }) => isDecided);
    expect(new Set(decided.map(({ assignment }) => assignment)).size).toBe(decided.length);
    expect(client.stats.undecided.malformed).toBeGreaterThan(0);
  });

  test("a byte after the last reply ends the connection, too", async () => {
    await using fake = await FakeDaemon.start((line, socket) => void socket.write(`${replyTo(line)}x`));
    const client = clientOf(fake.address);
    expect(await client.decide({ assignment: "0.1" })).toMatchObject({ location: "canary" });
    await eventually(() => client.stats.connections === 0, "the connection to be ended");
  });

  test("a reply without a question ends the connection, and the next question opens a new one", async () => {
    await using fake = await FakeDaemon.start((line, socket) => {
      socket.write(replyTo(line), () => setImmediate(() => socket.write("0.7\ncanary\n")));
    });
    const client = clientOf(fake.address);
    for (let i = 1; i < 20; i++) {
      expect(wrong(await client.decide({ assignment: `0.${i}` }), `0.${i}`)).toBeUndefined();
      await eventually(() => client.stats.connections === 0, "the connection to be ended");
    }
    expect(fake.accepted).toBe(19);
  });
});

describe("a connection that is dead", () => {
  test("is replaced by a fresh one, which gets all waiting questions within their time", async () => {
    await using fake = await FakeDaemon.start((line, socket) => {
      if (fake.accepted === 1 && line !== "0.1") socket.destroy();
      else socket.write(replyTo(line));
    });
    const client = clientOf(fake.address);
    await client.decide({ assignment: "0.1" });
    const assignments = Array.from({ length: 50 }, (_, i) => `0.2${i}`);
    const decisions = await Promise.all(assignments.map((assignment) => client.decide({ assignment })));
    expect(decisions.filter(({ isDecided }) => !isDecided)).toEqual([]);
    expect(fake.accepted).toBe(2);
  });

  test("is replaced once; then the visitor goes to master", async () => {
    await using fake = await FakeDaemon.start((line, socket, before) => {
      if (before === 0 && line === "0.1") socket.write(replyTo(line));
      else socket.destroy();
    });
    const client = clientOf(fake.address);
    await client.decide({ assignment: "0.1" });
    expect(await client.decide({ assignment: "0.2" })).toEqual(undecided("unreachable", "0.2"));
    expect([fake.accepted, fake.lines]).toEqual([2, ["0.1", "0.2", "0.2"]]);
  });

  test("is replaced once for each question, even if the fresh one answered others first", async () => {
    await using fake = await FakeDaemon.start((line, socket, before) => {
      if (before === 0) socket.end(replyTo(line));
    });
    const client = clientOf(fake.address);
    const decisions = await Promise.all(
      ["0.1", "0.2", "0.3"].map((assignment) => client.decide({ assignment })),
    );
    expect(decisions.map((decision) => decision.isDecided)).toEqual([true, true, false]);
    expect(fake.accepted).toBe(2);
  });

  test("begins no pause if a fresh one answers each time, as it does with an idle timeout of 0", async () => {
    await using fake = await FakeDaemon.start((line, socket, before) => {
      if (before === 0) socket.end(replyTo(line));
    });
    const events: ClientEvent[] = [];
    const client = clientOf(fake.address, { onEvent: (event) => events.push(event) });
    const ten = Array.from({ length: 10 }, (_, i) => `0.1${i}`);
    for (let round = 0; round < 5; round++) {
      const decisions = await Promise.all(ten.map((assignment) => client.decide({ assignment })));
      expect(decisions.filter(({ isDecided }) => isDecided).length).toBeGreaterThan(0);
    }
    expect([client.stats.isLost, client.stats.undecided.paused, events]).toEqual([false, 0, []]);
  });

  test("is not replaced if it never answered", async () => {
    await using fake = await FakeDaemon.start((_, socket) => socket.destroy());
    expect(await clientOf(fake.address).decide()).toEqual(undecided("unreachable"));
    expect(fake.accepted).toBe(1);
  });

  test("costs a visitor nothing if it was idle", async () => {
    await using fake = await FakeDaemon.start(answer);
    const client = clientOf(fake.address);
    await client.decide({ assignment: "0.1" });
    fake.cut();
    await eventually(() => client.stats.connections === 0, "the end to be seen");
    expect(await client.decide({ assignment: "0.1" })).toMatchObject({ location: "canary" });
    expect(fake.lines).toEqual(["0.1", "0.1"]);
  });
});

describe("law 4: a daemon that does not answer", () => {
  test("costs a few visitors the time limit, and the others nothing; a probe finds it when it is back", async () => {
    const events: ClientEvent[] = [];
    await using fake = await FakeDaemon.start(silence);
    const client = clientOf(fake.address, {
      timeoutMs: IMPATIENT_MS,
      onEvent: (event) => events.push(event),
    });
    const tookMs: number[] = [];
    for (let i = 0; i < 200; i++) {
      const beganMs = performance.now();
      const decision = await client.decide({ assignment: "0.1" });
      tookMs.push(performance.now() - beganMs);
      expect([decision.isDecided, decision.assignment, decision.location]).toEqual([false, "0.1", "master"]);
    }
    expect(Math.min(...tookMs.slice(0, 3))).toBeGreaterThan(IMPATIENT_MS - 2);
    expect(Math.max(...tookMs)).toBeLessThan(IMPATIENT_MS + SLACK_MS);
    // If all of them together took longer than the pause, one more question was a probe.
    const asked = fake.lines.length;
    expect(asked).toBeWithin(3, 4 + Math.floor(sum(tookMs) / PAUSE_MS));
    expect(client.stats).toMatchObject({ isLost: true, undecided: { timeout: asked, paused: 200 - asked } });
    expect(events.map(({ kind }) => kind)).toEqual(["lost"]);
    expect(events[0]?.message).toContain("does not answer (timeout)");

    fake.become(answer);
    const sinceMs = performance.now();
    await eventually(async () => (await client.decide({ assignment: "0.1" })).location === "canary", "found");
    expect(performance.now() - sinceMs).toBeLessThan(2_500);
    expect(events.map(({ kind }) => kind)).toEqual(["lost", "found"]);
  });

  test("a late answer reaches no other visitor, and ends the pause at once: the daemon is awake", async () => {
    const waiting: (() => void)[] = [];
    await using fake = await FakeDaemon.start((line, socket) => {
      waiting.push(() => void socket.write(replyTo(line)));
    });
    const client = clientOf(fake.address, { timeoutMs: IMPATIENT_MS });
    const old = Array.from({ length: 100 }, (_, i) => `0.1${i}`);
    const decisions = await Promise.all(old.map((assignment) => client.decide({ assignment })));
    expect(decisions.map((decision, i) => wrong(decision, old[i] ?? "")).filter(Boolean)).toEqual([]);
    expect(client.stats.isLost).toBeTrue();

    fake.become(answer);
    for (const reply of waiting.splice(0)) reply();
    const sinceMs = performance.now();
    await eventually(async () => {
      const decision = await client.decide({ assignment: "0.2" });
      expect(wrong(decision, "0.2")).toBeUndefined();
      return decision.isDecided;
    }, "found");
    expect(performance.now() - sinceMs).toBeLessThan(900);
    // Late replies were counted off on the late connection, so it is in order again.
    expect(fake.accepted).toBeLessThanOrEqual(2);
  });

  test("a daemon that is always late gives no visitor another one's answer, and is not probed all the time", async () => {
    const late: (() => void)[] = [];
    await using fake = await FakeDaemon.start((line, socket) => {
      late.push(() => void socket.write(replyTo(line)));
    });
    const client = clientOf(fake.address, { timeoutMs: IMPATIENT_MS });
    const beganMs = performance.now();
    for (let i = 0; performance.now() - beganMs < 600; i++) {
      const assignment = `0.${100 + i}`;
      expect(wrong(await client.decide({ assignment }), assignment)).toBeUndefined();
      // By then the client has given the question up.
      const replies = late.splice(0);
      setTimeout(() => {
        for (const reply of replies) reply();
      }, 30);
      await Bun.sleep(1);
    }
    expect(client.stats.decided).toBe(0);
    expect(fake.lines.length).toBeLessThanOrEqual(4);
  });

  test("if one connection hangs, another replaces it, and the client closes the first after a while", async () => {
    let hanging: unknown;
    await using fake = await FakeDaemon.start((line, socket) => {
      hanging ??= socket;
      if (socket !== hanging) socket.write(replyTo(line));
    });
    const client = clientOf(fake.address, { timeoutMs: 30 });
    expect(await client.decide({ assignment: "0.1" })).toEqual(undecided("timeout", "0.1"));
    const isOver = () => client.stats.connections === 1;
    await eventually(async () => {
      const decision = await client.decide({ assignment: "0.2" });
      expect(wrong(decision, "0.2")).toBeUndefined();
      return isOver();
    }, "the connection that hangs to be closed");
    expect(fake.accepted).toBe(2);
  });
});

describe("without a daemon", () => {
  test("visitors go to master at once, with one event", async () => {
    const events: ClientEvent[] = [];
    const client = clientOf("unix:/nowhere/daemon.sock", { onEvent: (event) => events.push(event) });
    const sinceMs = performance.now();
    for (let i = 0; i < 3; i++)
      expect(await client.decide({ assignment: "0.1" })).toEqual(undecided("unreachable", "0.1"));
    // Far fewer connections than visitors, even if the daemon stays away.
    for (let i = 0; i < 500; i++) {
      expect(await client.decide({ assignment: "0.1" })).toMatchObject({
        assignment: "0.1",
        location: "master",
      });
      if (i % 50 === 0) await Bun.sleep(REFUSED_PAUSE_MS / 2);
    }
    const probes = Math.ceil((performance.now() - sinceMs) / REFUSED_PAUSE_MS);
    expect(client.stats.undecided.unreachable).toBeWithin(4, 4 + probes);
    expect(events.map(({ kind }) => kind)).toEqual(["lost"]);
    expect(events[0]?.message).toContain("ENOENT");
  });

  test("a question that cannot be sent is not the probe; the next one is", async () => {
    const client = clientOf("unix:/nowhere/daemon.sock");
    for (let i = 0; i < 4; i++) await client.decide({ assignment: "0.1" });
    await Bun.sleep(REFUSED_PAUSE_MS + 50);
    expect(await client.decide({ key: "k".repeat(9_000) })).toMatchObject({ reason: "unaskable" });
    expect(await client.decide({ assignment: "0.1" })).toEqual(undecided("unreachable", "0.1"));
    expect(await client.decide({ assignment: "0.1" })).toEqual(undecided("paused", "0.1"));
  });

  test("a listener that throws causes no error for a visitor", async () => {
    const client = clientOf("unix:/nowhere/daemon.sock", {
      onEvent: () => {
        throw new Error("from the listener");
      },
    });
    for (let i = 0; i < 10; i++) expect((await client.decide()).location).toBe("master");
  });
});

test("an application that is busy itself does not count the daemon as late", async () => {
  await using fake = await FakeDaemon.start(answer);
  // In this process, so the fake daemon has to answer before the work begins.
  const client = clientOf(fake.address, { timeoutMs: 60 });
  await client.decide({ assignment: "0.1" });
  const decision = client.decide({ assignment: "0.2" });
  const answered = fake.lines.length + 1;
  while (fake.lines.length < answered) await new Promise(setImmediate);
  const untilMs = performance.now() + 200;
  while (performance.now() < untilMs);
  expect(wrong(await decision, "0.2")).toBeUndefined();
  expect((await decision).isDecided).toBeTrue();
});

test("a closed client sends all visitors to master, those that wait included", async () => {
  await using fake = await FakeDaemon.start(silence);
  const client = clientOf(fake.address);
  const waiting = client.decide({ assignment: "0.1" });
  await eventually(() => fake.lines.length === 1, "the question to arrive");
  client.close();
  expect(await waiting).toEqual(undecided("closed", "0.1"));
  expect(await client.decide()).toEqual(undecided("closed"));
  expect(client.stats).toMatchObject({ connections: 0, waiting: 0 });
});

test("a key gives a visitor the same assignment as all other ways to ask", async () => {
  await using fake = await FakeDaemon.start((line, socket) => {
    const key = decodeURIComponent(/ key=(.*)/.exec(line)?.[1] ?? "");
    socket.write(replyTo(String(assignmentOfKey(key))));
  });
  const client = clientOf(fake.address);
  const decisions = await Promise.all([client.decide({ key: "abc" }), client.decide({ key: "abc" })]);
  expect(decisions.map(({ assignment }) => assignment)).toEqual(["0.2684963321493933", "0.2684963321493933"]);
});
