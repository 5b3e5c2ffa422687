import { expect, test } from "bun:test";
import type { Told } from "../../src/evidence/news.ts";
import { NOTICE_AGE_MS_MAX, outboxOf } from "../../src/notices/outbox.ts";
import type { Release } from "../../src/releases/release.ts";
import { BEGAN_MS, releaseOf } from "../releases/world.ts";
import { abortedRelease, NOW_MS, subjectOf } from "./world.ts";

const TO = "1f0c9a3e";

const atMsOf = (seq: number): number => abortedRelease().log.find((line) => line[0] === seq)?.[1] ?? BEGAN_MS;

const told = (seq: number, changes: Partial<Told> = {}): Told => {
  return { kind: "told", seq, atMs: atMsOf(seq), to: TO, ...changes };
};

function seqs(release: Release, evidence: readonly Told[], nowMs = NOW_MS): number[] {
  return outboxOf(subjectOf(release), evidence, TO, nowMs).notices.map((notice) => notice.told.seq);
}

test("each transition that was not told is to be sent, the oldest first", () => {
  expect(seqs(abortedRelease(), [])).toEqual([1, 2, 3, 4]);
  expect(seqs(abortedRelease(), [told(1), told(3), told(3)])).toEqual([2, 4]);
  expect(seqs(abortedRelease(), [told(4), told(3), told(2), told(1)])).toEqual([]);
});

test("each address is told by itself", () => {
  const other = { to: "00000000" };
  expect(seqs(abortedRelease(), [told(1), told(2, other), told(3, other)])).toEqual([2, 3, 4]);
});

test("a notice about a state stands for no transition", () => {
  expect(seqs(abortedRelease(), [told(4, { extra: "bake_over" })])).toEqual([1, 2, 3, 4]);
});

test("a transition of more than a day ago is news no more; one of a clock that runs ahead is", () => {
  const nowMs = BEGAN_MS + NOTICE_AGE_MS_MAX;
  expect(seqs(abortedRelease(), [], nowMs)).toEqual([1, 2, 3, 4]);
  expect(seqs(abortedRelease(), [], nowMs + 1)).toEqual([2, 3, 4]);
  expect(seqs(abortedRelease(), [], nowMs + NOTICE_AGE_MS_MAX)).toEqual([]);
  expect(seqs(abortedRelease(), [], BEGAN_MS - NOTICE_AGE_MS_MAX)).toEqual([1, 2, 3, 4]);
});

test("after a fall back of the store, another transition with the same seq is to be sent", () => {
  expect(seqs(abortedRelease(), [told(1), told(2), told(3, { atMs: atMsOf(3) - 1 }), told(4)])).toEqual([3]);
});

test("an end that was written without its log is to be sent", () => {
  const bare = releaseOf({ log: [], arcs: [], state: "aborted", seq: 70, wrote: [0, 0] });
  expect(seqs(bare, [])).toEqual([70]);
  expect(seqs(bare, [told(70, { atMs: Date.parse(bare.since) })])).toEqual([]);
});

test("transitions that the log dropped before they were told are counted as lost", () => {
  const lost = (release: Release, evidence: readonly Told[]) =>
    outboxOf(subjectOf(release), evidence, TO, NOW_MS).lost;
  const cut = { ...abortedRelease(), log: abortedRelease().log.slice(3) };
  expect(lost(cut, [told(1)])).toBe(2);
  expect(lost(cut, [told(2), told(1), told(9)])).toBe(1);
  expect(lost(cut, [told(3), told(2, { extra: "stuck" })])).toBe(0);
  // An address that is new has lost nothing.
  expect(lost(cut, [])).toBe(0);
  expect(lost(cut, [told(1, { to: "00000000" })])).toBe(0);
});

test("a log that still has its start has lost nothing, although seq goes on from the release before", () => {
  const release = abortedRelease(2);
  const later = { ...release, log: release.log.map(([seq, ...rest]) => [seq + 40, ...rest] as const) };
  expect(outboxOf(subjectOf(later), [told(3)], TO, NOW_MS).lost).toBe(0);
});
