/** How a command learns which daemons lead the release that it has just started. */

import { describe, expect, test } from "bun:test";
import { newsLine } from "../../src/evidence/news-lines.ts";
import type { Evidence, EvidenceNews } from "../../src/stores/evidence.ts";
import { StoreError } from "../../src/stores/store.ts";
import { awaitCrew, CREW_WAIT_MS } from "../../src/verbs/await-crew.ts";
import { BEGAN_MS, KEY } from "../releases/world.ts";

const AIM = { application: "website", version: "canary", key: KEY };

/** A log whose lines come at their times, and a clock that runs while the command pauses. */
function waiting(lines: Readonly<Record<number, readonly string[]>>, read?: Evidence["read"]) {
  let nowMs = 0;
  const evidence: Evidence = {
    append: async () => {},
    read:
      read ??
      (async (): Promise<EvidenceNews> => {
        const due = Object.entries(lines).filter(([atMs]) => Number(atMs) <= nowMs);
        return { batches: due.flatMap(([, each]) => each), cursor: "", hasMore: false };
      }),
  };
  const clocks = { monotonic: () => nowMs, wall: () => BEGAN_MS };
  const pause = async (ms: number) => {
    nowMs += ms;
  };
  return awaitCrew({ evidence }, AIM, 5, clocks, pause).then((awaited) => ({ awaited, tookMs: nowMs }));
}

const presence = (name: string, seq = 5) =>
  // The clock of the daemon is days off.
  newsLine({ kind: "presence", name, beat: 1, atMs: BEGAN_MS - 200_000_000, seq });

describe("the daemons that lead", () => {
  test("are named when the first one has told it, and those that tell it soon after", async () => {
    const lines = { 3000: [presence("web-2")], 4000: [presence("web-1")], 8000: [presence("web-3")] };
    const { awaited, tookMs } = await waiting(lines);
    expect(awaited).toEqual({ kind: "led", leaders: ["web-1", "web-2"], unable: [] });
    expect(tookMs).toBeLessThan(5_000);
  });

  test("are those that have seen this release, and no older state", async () => {
    const { awaited } = await waiting({ 0: [presence("web-1", 4)], 4000: [presence("web-2", 6)] });
    expect(awaited).toEqual({ kind: "led", leaders: ["web-2"], unable: [] });
  });

  test("are none if ten seconds pass", async () => {
    const { awaited, tookMs } = await waiting({});
    expect(awaited).toEqual({ kind: "unled", unable: [] });
    expect(tookMs).toBeGreaterThan(CREW_WAIT_MS - 500);
    expect(tookMs).toBeLessThanOrEqual(CREW_WAIT_MS);
  });

  test("are told apart from those whose writes the store refuses", async () => {
    const lines = { 1000: [presence("web-1").replace("presence", "unable")] };
    const { awaited, tookMs } = await waiting(lines);
    expect(awaited).toEqual({ kind: "unled", unable: ["web-1"] });
    expect(tookMs).toBeGreaterThan(CREW_WAIT_MS - 500);
    const both = await waiting({ ...lines, 2000: [presence("web-2")] });
    expect(both.awaited).toEqual({ kind: "led", leaders: ["web-2"], unable: ["web-1"] });
  });

  test("cannot be seen without evidence, or without the right to read it", async () => {
    const denied = new StoreError("denied", "not allowed");
    expect(await waiting({}, () => Promise.reject(denied))).toMatchObject({
      awaited: { kind: "unseen", error: denied },
      tookMs: 0,
    });
    const pause = () => Promise.reject(new Error("no pause is needed"));
    const clocks = { monotonic: () => 0, wall: () => 0 };
    expect(await awaitCrew({}, AIM, 5, clocks, pause)).toEqual({ kind: "unseen", error: undefined });
  });

  test("are asked for again if the store fails", async () => {
    let reads = 0;
    const { awaited } = await waiting({}, async () => {
      if (reads++ < 3) throw new StoreError("unavailable", "no answer");
      return { batches: [presence("web-1")], cursor: "", hasMore: false };
    });
    expect(awaited).toEqual({ kind: "led", leaders: ["web-1"], unable: [] });
    const gone = new StoreError("unavailable", "no answer");
    expect((await waiting({}, () => Promise.reject(gone))).awaited).toEqual({ kind: "unseen", error: gone });
  });
});
