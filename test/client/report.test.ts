import { afterEach, expect, test } from "bun:test";
import { createServer, type Server, type Socket } from "node:net";
import { Client, type Report } from "../../src/client/client.ts";
import { reportLine } from "../../src/client/report-line.ts";
import { QUEUE_MAX } from "../../src/client/reporter.ts";
import { emptyOutcome } from "../../src/intake/outcome.ts";
import { readOutcomeLine } from "../../src/intake/outcome-line.ts";
import { eventually } from "../support/eventually.ts";

const releases: (() => void)[] = [];

afterEach(() => {
  for (const release of releases.splice(0).reverse()) release();
});

/** A listener that answers each line with `answer`. */
async function listen(answer: string) {
  const lines: string[] = [];
  const sockets: Socket[] = [];
  const server: Server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      for (const line of bytes.toString().split("\n").slice(0, -1)) {
        lines.push(line);
        socket.write(answer);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const client = new Client({ address: `tcp:127.0.0.1:${port}` });
  releases.push(
    () => server.close(),
    () => {
      for (const socket of sockets) socket.destroy();
    },
    () => client.close(),
  );
  return { client, lines, sockets, server };
}

const REPORT: Report = { assignment: "0.42", location: "canary", status: 503, durationMs: 27 };

test("the line of a report reads back the same", () => {
  const draft = emptyOutcome();
  const line = reportLine({
    ...{ ...REPORT, application: 'web "site" \\ é', firstByteMs: 1.5, isBrought: true, isForced: true },
    ...{ source: "2001:db8::7", events: ["cart.lost", "no good", "x"] },
  });
  expect(line).toStartWith("?outcome ");
  expect(readOutcomeLine(line?.trim().slice("?outcome ".length) ?? "", draft)).toBeUndefined();
  expect(draft).toMatchObject({
    ...{ application: 'web "site" \\ é', location: "canary", assignment: 0.42, status: 503, durationMs: 27 },
    ...{
      firstByteMs: 1.5,
      isBrought: true,
      isForced: true,
      source: "2001:db8::7",
      events: ["cart.lost", "x"],
    },
  });
  expect(reportLine({ ...REPORT, status: undefined })).toBe("?outcome - canary 0.42 - 0.027000 -\n");
});

test("a report that could become another question has no line", () => {
  for (const wrong of [
    { application: "a\n0.1" },
    { location: "canary\n" },
    { assignment: "0.1 x" },
    { assignment: "1" },
    { application: "x".repeat(200) },
  ]) {
    expect(reportLine({ ...REPORT, ...wrong })).toBeUndefined();
  }
  expect(reportLine({ ...REPORT, source: "1.2.3.4\nx", events: ["a\nb"] })).toBe(
    "?outcome - canary 0.42 503 0.027000 -\n",
  );
});

test("report() sends in batches, and the answers are dropped", async () => {
  const { client, lines, sockets } = await listen("1\n\n");
  for (let count = 0; count < 100; count++) client.report(REPORT);
  await eventually(() => lines.length === 100, "100 reports");
  client.report(REPORT);
  await eventually(() => lines.length === 101, "one more");
  expect(sockets).toHaveLength(1);
  expect(client.stats).toMatchObject({ reported: 101, unreported: 0, connections: 0 });
});

test("report() never throws, whatever it gets, and counts what it drops", async () => {
  const { client, lines } = await listen("1\n\n");
  const throwing = Object.defineProperty({}, "assignment", {
    get() {
      throw new Error("no");
    },
  });
  // A caller in JavaScript may pass anything.
  for (const wrong of [null, undefined, 5, {}, throwing]) client.report(wrong as unknown as Report);
  expect(client.stats.unreported).toBe(5);
  for (let count = 0; count < QUEUE_MAX + 10; count++) client.report(REPORT);
  expect(client.stats.unreported).toBe(15);
  await eventually(() => lines.length === QUEUE_MAX, "the queue");
});

test("a daemon that does not know reports is left alone", async () => {
  const { client, lines, sockets } = await listen("0.123\nmaster\n");
  client.report(REPORT);
  await eventually(() => sockets.length === 1 && sockets[0]?.destroyed === true, "the client hangs up");
  client.report(REPORT);
  await Bun.sleep(200);
  expect(lines).toHaveLength(1);
  expect(sockets).toHaveLength(1);
});

test("a daemon that was restarted gets later reports", async () => {
  const { client, lines, sockets } = await listen("1\n\n");
  client.report(REPORT);
  await eventually(() => lines.length === 1, "the first report");
  sockets[0]?.destroy();
  await eventually(() => sockets[0]?.destroyed === true, "the connection is gone");
  await Bun.sleep(50);
  client.report(REPORT);
  await eventually(() => lines.length === 2, "the second report");
  expect(sockets).toHaveLength(2);
});
