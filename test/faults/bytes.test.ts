/** Bytes that no proxy would send, in pieces that no network would make, to a real daemon. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect } from "node:net";
import { REQUEST_MS_MAX } from "../../src/stream/stream-connection.ts";
import { DaemonHome, type DaemonProcess } from "../support/daemon-process.ts";
import { eventually } from "../support/eventually.ts";
import { LineClient } from "../support/line.ts";
import { Random } from "../support/random.ts";
import { expectHealthy, RESIDENT_BYTES_MAX, residentBytes } from "./health.ts";

const home = new DaemonHome({ records: { canary: 0.25 } });
let daemon: DaemonProcess;
let beforeBytes: number;

beforeAll(async () => {
  daemon = await home.start();
  beforeBytes = residentBytes(daemon.pid);
});

afterAll(async () => {
  await daemon.end();
  home.remove();
});

/**
 * Resolves when the daemon has read all bytes that were sent before. The first answer comes from a later
 * round of its event loop; the second one comes from the round after, and by then the daemon has read
 * everything.
 */
async function hasReadAll(witness: LineClient): Promise<void> {
  for (let round = 0; round < 2; round++) await witness.ask("0.5");
}

test("LP-5: requests cut in two at every byte get the same answers as whole ones", async () => {
  const requests = "0.1\n0.9 key=caf%C3%A9\n key=a\nrubbish\n0.24999999999999997 application=website\n";
  const whole = await LineClient.connect({ path: home.socket });
  whole.send(requests);
  const expected = await whole.lines(10);
  for (let cut = 1; cut < requests.length; cut++) {
    const client = await LineClient.connect({ path: home.socket });
    client.socket.setNoDelay(true);
    client.send(requests.slice(0, cut));
    await hasReadAll(whole);
    client.send(requests.slice(cut));
    const lines = await client.lines(10);
    lines[6] = expected[6] as string; // The daemon draws a new number for the invalid line.
    expect(lines).toEqual(expected);
    client.close();
  }
  whole.close();
  await expectHealthy(home, daemon, beforeBytes);
});

test("LP-5: a request that arrives byte by byte is answered", async () => {
  const client = await LineClient.connect({ path: home.socket });
  const witness = await LineClient.connect({ path: home.socket });
  for (const byte of "0.123456789 application=website\n") {
    client.send(byte);
    await hasReadAll(witness);
  }
  expect(await client.lines(2)).toEqual(["0.123456789", "canary"]);
  client.close();
  witness.close();
  await expectHealthy(home, daemon, beforeBytes);
});

test("LP-6: 64 KB without a newline are one invalid request, and the connection stays open", async () => {
  const client = await LineClient.connect({ path: home.socket });
  client.send("7".repeat(65_536));
  client.send("\n0.1\n");
  const lines = await client.lines(4);
  expect(lines.slice(1)).toEqual(["master", "0.1", "canary"]);
  client.close();
  await expectHealthy(home, daemon, beforeBytes);
});

/**
 * Sends a line without an end, as fast as the daemon takes it, until it has this length or the daemon ends
 * the connection. Resolves with the bytes that the socket took.
 */
async function sendEndless(bytesMax: number): Promise<number> {
  const socket = connect({ path: home.socket });
  let isOpen = true;
  // The daemon may end the connection: LP-24.
  socket.on("error", () => {});
  const closed = new Promise<void>((resolve) => socket.once("close", resolve)).then(() => {
    isOpen = false;
  });
  const piece = Buffer.alloc(1024 * 1024, "x");
  let sent = 0;
  for (; isOpen && sent < bytesMax; sent += piece.length) {
    if (socket.write(piece)) continue;
    await Promise.race([new Promise((resolve) => socket.once("drain", resolve)), closed]);
  }
  socket.destroy();
  return sent;
}

test("lines without an end cost no memory", async () => {
  const sent = await Promise.all(Array.from({ length: 16 }, () => sendEndless(24 * 1024 * 1024)));
  expect(residentBytes(daemon.pid)).toBeLessThan(RESIDENT_BYTES_MAX);
  expect(sent.reduce((sum, bytes) => sum + bytes, 0)).toBeGreaterThan(RESIDENT_BYTES_MAX);
  await expectHealthy(home, daemon, beforeBytes);
});

test("LP-24: a line without an end loses its place two seconds after its first byte, however fast it is", async () => {
  const beganMs = performance.now();
  await sendEndless(Number.POSITIVE_INFINITY);
  const tookMs = performance.now() - beganMs;
  expect(tookMs).toBeGreaterThan(REQUEST_MS_MAX);
  // The daemon looks once a second, and leaves a look out if the machine stopped it.
  expect(tookMs).toBeLessThan(REQUEST_MS_MAX + 5_000);
  await expectHealthy(home, daemon, beforeBytes);
});

test("random bytes get two lines for every LF among them, and nothing else", async () => {
  const random = new Random();
  const rubbish = Buffer.from(Array.from({ length: 200_000 }, () => random.whole(0, 255)));
  const newlines = rubbish.filter((byte) => byte === 0x0a).length;
  const client = await LineClient.connect({ path: home.socket });
  client.send(rubbish);
  client.send("\n");
  const lines = await client.lines(2 * (newlines + 1));
  for (let i = 0; i < lines.length; i += 2) {
    const number = Number(lines[i]);
    if (!(number >= 0 && number < 1)) throw new Error(`SEED=${random.seed}: assignment ${lines[i]}`);
    expect(["master", "canary"]).toContain(lines[i + 1] as string);
  }
  client.half();
  await client.ended();
  expect(client.received).toBe("");
  await expectHealthy(home, daemon, beforeBytes);
});

/** One line of the million: mostly valid, otherwise any bytes that fit into a line. */
function randomLine(random: Random): string {
  const number = () => `0.${random.digits(random.whole(1, 19))}`;
  switch (random.whole(0, 9)) {
    case 0:
      return "";
    case 1:
      return `${number()} key=${random.digits(5)} application=website`;
    case 2:
      return ` key=visitor-${random.digits(8)}`;
    case 3:
      return random.pick([
        "NaN",
        "1",
        "-0",
        "0x1",
        "1e-400",
        "?",
        "?lease ",
        "?nothing",
        " ",
        "=",
        " =",
        "0.1 a",
      ]);
    case 4:
      return String.fromCharCode(...Array.from({ length: random.whole(1, 40) }, () => random.whole(11, 255)));
    case 5:
      return `${number()} ${random.pick(["x=%", "x=%zz", "application=other", "force=canary", "x=1 x=2"])}`;
    default:
      return number();
  }
}

test("a million random lines get two million lines, in order, with the right answers", async () => {
  const lineCount = 1_000_000;
  const random = new Random();
  const socket = connect({ path: home.socket });
  let index = 0;
  let field = "";
  let answered = 0;
  let wrong: string | undefined;
  /** The number that each line asked with, if only one answer to it is right. */
  const expected: (number | undefined)[] = [];
  const done = new Promise<void>((resolve) => {
    socket.on("data", (bytes: Buffer) => {
      const parts = (field + bytes.toString("latin1")).split("\n");
      field = parts.pop() as string;
      for (const part of parts) {
        const sent = expected[Math.floor(index / 2)];
        if (index % 2 === 0) {
          const number = Number(part);
          if (sent === undefined ? !(number >= 0 && number < 1) : number !== sent)
            wrong ??= `${sent} → ${part}`;
        } else {
          const right = sent === undefined ? undefined : sent < 0.25 ? "canary" : "master";
          if (right === undefined ? part !== "master" && part !== "canary" : part !== right) {
            wrong ??= `${sent} → ${part}`;
          }
          answered++;
          if (answered === lineCount) resolve();
        }
        index++;
      }
    });
    socket.on("close", () => resolve());
  });
  for (let sent = 0; sent < lineCount; ) {
    let batch = "";
    for (let i = 0; i < 2_000; i++, sent++) {
      const line = randomLine(random);
      batch += `${line}\n`;
      expected.push(/^0\.\d+$/.test(line) ? Number(line) : undefined);
    }
    if (!socket.write(Buffer.from(batch, "latin1"))) {
      await Promise.race([new Promise((resolve) => socket.once("drain", resolve)), done]);
    }
    if (wrong !== undefined || socket.destroyed) break;
  }
  await done;
  socket.destroy();
  if (wrong !== undefined) throw new Error(`SEED=${random.seed}: wrong answer: ${wrong}`);
  expect(answered).toBe(lineCount);
  await expectHealthy(home, daemon, beforeBytes);
}, 60_000);

test("the log reports invalid requests, one line in ten seconds, and its totals miss none", async () => {
  const { applications, servers } = await daemon.state();
  const invalid = applications[0]?.decisions.find(({ reason }) => reason === "invalid");
  expect(invalid?.count).toBeGreaterThan(100_000);
  expect(servers[0]?.success).toBeGreaterThan(1_000_000);
  const saysInvalid = / warn +requests could not be read, so their visitors went to master total=\d+/;
  const saysUnknown = / warn +requests named an application that is not served here/;
  await eventually(
    () => saysInvalid.test(daemon.log) && saysUnknown.test(daemon.log),
    "both warnings in the log",
  );
  // All tests of this file together take some ten seconds.
  expect(daemon.log.match(/ (warn|error) /g)?.length).toBeLessThan(20);
  expect(daemon.log).not.toMatch(/ error /);
  expect(await daemon.end()).toBe(0);
  // The last totals are exact: the log counts the complaints that it holds back.
  const totals = [...daemon.log.matchAll(/could not be read.* total=(\d+)/g)].map((match) =>
    Number(match[1]),
  );
  expect(totals.at(-1)).toBe(invalid?.count as number);
});
