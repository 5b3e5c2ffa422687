import { afterEach, expect, test } from "bun:test";
import { createSocket, type Socket } from "node:dgram";
import { OutcomeCounts } from "../../src/intake/counts.ts";
import { type DoorContext, SLICE_MS, TRY_MS } from "../../src/intake/door.ts";
import { Intake } from "../../src/intake/intake.ts";
import type { Outcome } from "../../src/intake/outcome.ts";
import { Probes } from "../../src/intake/probes.ts";
import { Senders } from "../../src/intake/senders.ts";
import { Tellings } from "../../src/intake/tellings.ts";
import { READ_MS, UdpDoor } from "../../src/intake/udp.ts";
import { SYSTEM_TIMERS } from "../../src/timers.ts";
import { eventually } from "../support/eventually.ts";
import { KeptLog } from "../support/logged.ts";

const releases: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release();
});

interface OpenOptions extends Partial<Pick<DoorContext, "timers" | "clock" | "isAwake">> {
  readonly host?: string;
  readonly port?: number;
  readonly follower?: (outcome: Outcome) => void;
}

function open({
  host = "127.0.0.1",
  port = 0,
  follower,
  timers = SYSTEM_TIMERS,
  ...options
}: OpenOptions = {}) {
  const { clock = () => performance.now(), isAwake = () => true } = options;
  const log = new KeptLog();
  const counts = new OutcomeCounts();
  const tellings = new Tellings(counts, log);
  const probes = new Probes(timers);
  const intake = new Intake({ applications: ["website"], counts, examples: tellings, follower, probes });
  const context = { intake, address: { host, port }, isAwake, log };
  const soon = timers === SYSTEM_TIMERS ? setImmediate : (turn: () => void) => void timers.set(turn, 0);
  const door = new UdpDoor({ ...context, timers, clock, soon });
  door.start();
  releases.push(() => door.close());
  return { log, counts, tellings, door, probes };
}

type Opened = ReturnType<typeof open>;

function sender(kind: "udp4" | "udp6" = "udp4"): Socket {
  const socket = createSocket(kind);
  releases.push(() => {
    socket.close();
  });
  return socket;
}

function send({ door }: Opened, text: string | Buffer, host = "127.0.0.1"): Promise<void> {
  return new Promise((resolve, reject) => {
    sender(host.includes(":") ? "udp6" : "udp4").send(text, door.port ?? 0, host, (error) =>
      error === null ? resolve() : reject(error),
    );
  });
}

const heard = ({ counts }: Opened, kind: string) =>
  [...counts.allHeard()].find((count) => count.source === "udp" && count.class === kind)?.count ?? 0;

const LINE = "website canary 0.42 503 0.027 1";

test("OUT-20: a datagram is a line, a message of syslog, or several of them", async () => {
  const seen: number[] = [];
  const opened = open({ follower: ({ assignment }) => void seen.push(assignment) });
  await send(opened, LINE);
  await send(opened, `<190>Nov 29 12:10:03 mwd: ${LINE.replace("0.42", "0.43")}`);
  await send(opened, `${LINE.replace("503", "200")}\n${LINE.replace("0.42", "0.44")}\n`);
  await eventually(() => seen.length === 4, "four outcomes");
  expect(seen.toSorted()).toEqual([0.42, 0.42, 0.43, 0.44]);
  expect(heard(opened, "error")).toBe(3);
  expect(heard(opened, "good")).toBe(1);
});

test("OUT-20: the door listens on IPv6 too", async () => {
  const opened = open({ host: "::1" });
  await send(opened, LINE, "::1");
  await eventually(() => heard(opened, "error") === 1, "an outcome");
});

test("OUT-21: reports of an unknown application and unreadable ones are counted, and told with an example", async () => {
  const opened = open();
  await send(
    opened,
    "shop canary 0.42 200 0.027 1\nshop\u001b[31m canary 0.4 200 1 1\nwebsite canary 2 200 1 1",
  );
  await send(opened, "website canary - 200 0.027 -");
  await eventually(() => heard(opened, "undecided") === 1, "a report without an outcome");
  await eventually(() => [...opened.counts.allDropped()].length === 2, "dropped reports");
  expect([...opened.counts.allDropped()]).toEqual([
    { source: "udp", reason: "unknown-application", count: 2 },
    { source: "udp", reason: "unreadable-assignment", count: 1 },
  ]);
  opened.tellings.look();
  opened.tellings.look();
  expect(
    opened.log.at("warn").map(({ fields }) => [fields["problem"], fields["total"], fields["example"]]),
  ).toEqual([
    ["unknown-application", 2, "shop canary 0.42 200 0.027 1"],
    ["unreadable-assignment", 1, "website canary 2 200 1 1"],
  ]);
});

test("OUT-18: only this machine and the named networks may report", async () => {
  const senders = new Senders(["10.0.0.0/8", "2001:db8::/32"]);
  for (const one of ["127.0.0.1", "127.9.9.9", "::1", "10.1.2.3", "::ffff:10.1.2.3", "2001:db8:1::1"]) {
    expect(senders.has(one), one).toBe(true);
  }
  for (const other of ["11.0.0.1", "192.168.0.1", "2001:db9::1", "", "localhost"]) {
    expect(senders.has(other), other).toBe(false);
  }
});

test("the door waits for its address, and takes it when it is free", async () => {
  const first = open();
  await send(first, LINE);
  const second = open({ port: first.door.port ?? 0 });
  await eventually(() => second.log.at("warn").length === 1, "a warning");
  expect(second.log.at("warn")[0]?.fields["error"]).toContain("EADDRINUSE");
  expect(second.counts.doors.get("udp")).toBe(false);
  await first.door.close();
  expect(first.counts.doors.get("udp")).toBe(false);
  await eventually(() => second.counts.doors.get("udp") === true, "the second door", 5 * TRY_MS);
  await send(second, LINE);
  await eventually(() => heard(second, "error") === 1, "an outcome");
});

test("what arrived before the end is read", async () => {
  const opened = open();
  await send(opened, LINE);
  await opened.door.close();
  expect(heard(opened, "error")).toBe(1);
});

test("OUT-19: a turn of the event loop reads for a slice, however much has come, and the next ones go on", async () => {
  const turns: { turn: () => void; ms: number }[] = [];
  const timers = { set: (turn: () => void, ms: number) => turns.push({ turn, ms }), clear() {} };
  let nowMs = 0;
  const LOOK_MS = SLICE_MS / 4;
  const opened = open({ timers, clock: () => (nowMs += LOOK_MS) });
  const line = `${LINE}\n`;
  const lines = Math.floor(60_000 / line.length);
  await send(opened, line.repeat(lines));
  await send(opened, LINE);
  let most = 0;
  let inRow = 0;
  let mostInRow = 0;
  let count = 0;
  for (let before = 0; count < lines + 1; before = count) {
    const next = turns.shift();
    next?.turn();
    inRow = next?.ms === 0 ? inRow + 1 : 1;
    mostInRow = Math.max(mostInRow, inRow);
    count = heard(opened, "error");
    expect(count).toBeGreaterThan(before);
    most = Math.max(most, count - before);
  }
  // The door looks at the clock after every eighth report.
  expect(most).toBeLessThanOrEqual(8 * (SLICE_MS / LOOK_MS + 1));
  // Then it waits, so that a flood does not take the whole processor.
  expect(mostInRow).toBeGreaterThan(1);
  expect(mostInRow).toBeLessThanOrEqual(READ_MS / SLICE_MS + 1);
});

test("without a release under way the door looks once a second, and counts no drops of the kernel", async () => {
  const turns: { turn: () => void; ms: number }[] = [];
  let isAwake = false;
  const opened = open({
    timers: { set: (turn, ms) => turns.push({ turn, ms }), clear() {} },
    isAwake: () => isAwake,
  });
  turns.shift()?.turn();
  expect(turns.map(({ ms }) => ms)).toEqual([1_000]);
  const socket = sender();
  const datagram = Buffer.alloc(60_000, `${LINE}\n`);
  for (let count = 0; count < 400; count++) socket.send(datagram, opened.door.port ?? 0, "127.0.0.1");
  await new Promise((resolve) => socket.send("", opened.door.port ?? 0, "127.0.0.1", resolve));
  turns.shift()?.turn();
  expect(heard(opened, "error")).toBeGreaterThan(0);
  isAwake = true;
  for (let turn = 0; turn < 5; turn++) turns.shift()?.turn();
  expect(turns.at(-1)?.ms).toBeLessThan(20);
  await opened.door.close();
  expect([...opened.counts.allDropped()].filter(({ reason }) => reason === "kernel")).toEqual([]);
});

test("OUT-19: datagrams for which the kernel had no room are counted and told", async () => {
  const turns: (() => void)[] = [];
  const opened = open({ timers: { set: (turn) => turns.push(turn), clear() {} } });
  const socket = sender();
  const port = opened.door.port ?? 0;
  // The door does not read. More than the kernel keeps, whatever it allows.
  const datagram = Buffer.alloc(60_000, LINE);
  for (let count = 0; count < 400; count++) socket.send(datagram, port, "127.0.0.1");
  await new Promise((resolve) => socket.send("", port, "127.0.0.1", resolve));
  await opened.door.close();
  const dropped = [...opened.counts.allDropped()].find(({ reason }) => reason === "kernel")?.count ?? 0;
  expect(dropped).toBeGreaterThan(100);
  opened.tellings.look();
  const told = opened.log.at("warn").find(({ fields }) => fields["problem"] === "kernel");
  expect(told?.fields["total"]).toBe(dropped);
});

test("doctor's visitors wake a door that sleeps, and drops of the kernel before that are not counted", async () => {
  const turns: { turn: () => void; ms: number }[] = [];
  let isAwake = false;
  const opened = open({
    timers: { set: (turn, ms) => turns.push({ turn, ms }), clear() {} },
    isAwake: () => isAwake,
  });
  opened.door.wake();
  turns.shift()?.turn();
  expect(turns.map(({ ms }) => ms)).toEqual([1_000]);
  const socket = sender();
  const datagram = Buffer.alloc(60_000, LINE);
  for (let count = 0; count < 400; count++) socket.send(datagram, opened.door.port ?? 0, "127.0.0.1");
  await new Promise((resolve) => socket.send("", opened.door.port ?? 0, "127.0.0.1", resolve));
  isAwake = true;
  opened.door.wake();
  expect(turns.map(({ ms }) => ms)).toEqual([1_000, 1]);
  // A door that is awake goes on as it does.
  opened.door.wake();
  expect(turns).toHaveLength(2);
  await opened.door.close();
  expect([...opened.counts.allDropped()].filter(({ reason }) => reason === "kernel")).toEqual([]);
});
