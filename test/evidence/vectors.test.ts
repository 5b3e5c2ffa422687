/** The tables and the rules of lines give what the vectors of the judge say. */

import { describe, expect, test } from "bun:test";
import { CellTable } from "../../src/evidence/cell-table.ts";
import { ReleaseEvidence } from "../../src/evidence/release-evidence.ts";
import { raisedBy, weigh } from "../../src/evidence/weigh.ts";
import { cellOf } from "../../src/judge/cell.ts";
import type { Sign } from "../../src/judge/signs.ts";
import type { Verdict } from "../../src/judge/verdict.ts";
import vectors from "../vectors/judge.json";
import { outcomeOf, releaseOf, type SavedLine, ZERO_MS } from "./outcomes.ts";

interface After {
  readonly tossed: boolean;
  readonly logTotal?: number;
  readonly verdict: Verdict["kind"];
  readonly signs?: readonly Sign[];
}

const tableOf = (capacity: number) => new CellTable({ capacity, seed: 7, tags: "of-earliest" });

describe("law 16 of the judge: tables", () => {
  test.each(vectors.tables)("$note", ({ capacity, add, taken, halvings }) => {
    const table = tableOf(capacity);
    expect(add.map((u) => table.put(cellOf(u), 0, 0) === "new")).toEqual(taken);
    expect(table.halvings).toBe(halvings);
    expect(table.size).toBeLessThanOrEqual(capacity);
  });

  test.each(vectors.merge)("merged: $note", ({ a, b, merged }) => {
    const table = tableOf(64);
    // The side of a coin is a fact of its cell and time. Here the tag stands for it: master is the smaller one.
    for (const [cell, segment, isCanary] of [...a, ...b, ...a]) {
      table.hear(Number(cell), Number(segment), isCanary ? 1 : 0);
    }
    const entries = Array.from({ length: table.size }, (_, entry) => [
      ...[table.cellAt(entry), table.timeAt(entry), table.tagAt(entry) === 1],
    ]);
    expect(entries.sort(([x], [y]) => Number(x) - Number(y))).toEqual(merged);
  });
});

describe("law 16 of the judge: lines", () => {
  test.each(vectors.judge)("$note", ({ plan, offset, slowBoundsMs, lines, after }) => {
    const slow = slowBoundsMs.map((ms) => `${ms}ms`);
    const release = releaseOf(plan, offset, { slow });
    const evidence = new ReleaseEvidence({ release, from: "test" });
    const raised = new Set<Sign>();
    let isAborted = false;
    for (const [place, line] of (lines as readonly SavedLine[]).entries()) {
      const expected = after[place] as After;
      const atMs = ZERO_MS + line.t * 1_000;
      expect(evidence.takeDecided(outcomeOf(line), atMs)).toBe(expected.tossed);
      const figures = evidence.figures(atMs, 0);
      if (expected.logTotal === undefined) continue;
      if (figures === undefined) throw new Error("no figures within the release");
      for (const sign of raisedBy(figures)) raised.add(sign);
      const step = plan.findLastIndex(({ at }) => at <= line.t);
      const rolloutNext = plan[step + 1]?.rollout ?? 1;
      const verdict = weigh(figures, { signs: [...raised], isAborted, rolloutNext, hasReach: false });
      isAborted ||= verdict.kind === "abort";
      expect(Math.abs(verdict.logTotal - expected.logTotal)).toBeLessThanOrEqual(1e-9);
      expect([place, verdict.kind]).toEqual([place, expected.verdict]);
      expect([...raised].sort()).toEqual([...(expected.signs ?? [])].sort());
    }
  });
});
