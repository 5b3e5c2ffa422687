/**
 * Asks this daemon the recorded questions of 2016 over a real socket, and compares its answers with the
 * recorded ones.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LineServer } from "../../../src/servers/line.ts";
import { type Core, createCore } from "../../support/core.ts";
import { LineClient } from "../../support/line.ts";
import vectors from "../../vectors/line-protocol.json";

const directory = mkdtempSync(join(tmpdir(), "line-vectors-"));
const path = join(directory, "socket");
let core: Core;
let server: LineServer;

beforeAll(async () => {
  core = createCore();
  server = new LineServer(core, {
    address: { kind: "unix", path },
    socketMode: 0o666,
    idleTimeoutMs: 60_000,
  });
  await server.start();
});

afterAll(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});

/** The bytes that were sent, short enough for a test's name. */
function label(rollout: number, send: string): string {
  const text = JSON.stringify(send);
  return `rollout ${rollout}: ${text.length > 40 ? `${text.slice(0, 40)}… (${send.length})` : text}`;
}

async function answers(rollout: number, send: string): Promise<string[]> {
  core.apply("app", { rollout });
  const client = await LineClient.connect({ path });
  try {
    client.send(Buffer.from(send, "utf8"));
    const lines = await client.lines(2 * (send.split("\n").length - 1));
    client.half();
    await client.ended();
    expect(client.received).toBe("");
    return lines;
  } finally {
    client.close();
  }
}

function expectFresh(assignment: string | undefined): void {
  expect(Number(assignment)).toBeGreaterThanOrEqual(0);
  expect(Number(assignment)).toBeLessThan(1);
}

describe("LP-12: the answers of 2016 stay the same", () => {
  for (const { rollout, send, assignment, location } of vectors.same) {
    test(label(rollout, send), async () => {
      const [number, place] = await answers(rollout, send);
      if (assignment === null) expectFresh(number);
      else expect(Number(number)).toBe(Number(assignment));
      expect([location].flat()).toContain(place as string);
    });
  }
});

describe("LP-13: this daemon differs from that of 2016", () => {
  for (const { rollout, send, required } of vectors.different.cases) {
    test(`${label(rollout, send)} is ${required}`, async () => {
      if (required === "no request: the connection is ended") {
        const client = await LineClient.connect({ path });
        client.send(send);
        await client.ended();
        expect(client.received).toBe("");
        client.close();
        return;
      }
      const lines = await answers(rollout, send);
      if (required === "invalid") {
        expect(lines).toHaveLength(2);
        expectFresh(lines[0]);
        expect(lines[1]).toBe("master");
        return;
      }
      const requests = send.split("\n").slice(0, -1);
      expect(lines).toHaveLength(2 * requests.length);
      requests.forEach((request, index) => {
        const [number, place] = lines.slice(2 * index, 2 * index + 2);
        if (/^\d/.test(request)) {
          expect(Number(number)).toBe(Number(request));
          expect(place).toBe(Number(request) < rollout ? "canary" : "master");
        } else if (request === "") {
          expect(place).toBe(Number(number) < rollout ? "canary" : "master");
        } else {
          expectFresh(number);
          expect(place).toBe("master");
        }
      });
    });
  }
});
