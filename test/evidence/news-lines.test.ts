/** News as lines: what daemons write, and what they may meet. */

import { describe, expect, test } from "bun:test";
import type { News } from "../../src/evidence/news.ts";
import { newsIn, newsLine } from "../../src/evidence/news-lines.ts";

const NEWS: readonly News[] = [
  { kind: "presence", name: "web-1", beat: 3, atMs: 1_764_417_600_000, seq: 4 },
  { kind: "unable", name: "web-2", beat: 3, atMs: 1_764_417_600_000, seq: 4 },
  { kind: "told", seq: 4, atMs: 1764417600000, to: "1f0c9a3e" },
  { kind: "told", seq: 4, atMs: 1764417600000, to: "1f0c9a3e", extra: "bake_over" },
  { kind: "override", name: "web\n1", reason: 'errors: 3 of 61 "visitors"' },
];

describe("REL-18: news", () => {
  test("are lines, which a reader understands", () => {
    const lines = NEWS.map(newsLine);
    expect(lines[0]).toBe('presence {"name":"web-1","beat":3,"atMs":1764417600000,"seq":4}');
    expect(lines.every((line) => !line.includes("\n"))).toBe(true);
    expect(newsIn([`${lines[0]}\n${lines[1]}`, `${lines[2]}\n${lines[3]}\n${lines[4]}\n`])).toEqual([
      ...NEWS,
    ]);
  });

  test.each([
    "",
    "\n\n",
    "presence",
    "presence ",
    "presence null",
    "presence []",
    "presence {",
    'presence {"name":"","beat":1,"atMs":1,"seq":1}',
    'presence {"name":"a","beat":-1,"atMs":1,"seq":1}',
    'presence {"name":"a","beat":1,"atMs":1e999,"seq":1}',
    'presence {"name":"a","beat":1,"atMs":"1","seq":1}',
    'presence {"name":"a","beat":1,"atMs":1,"seq":1.5}',
    'presence {"name":{"a":1},"beat":1,"atMs":1,"seq":1}',
    `presence {"name":"${"x".repeat(257)}","beat":1,"atMs":1,"seq":1}`,
    `told {"seq":4,"to":"a","more":"${"x".repeat(5_000)}"}`,
    'told {"seq":null,"to":"a"}',
    'told {"seq":4}',
    'told {"seq":4,"to":"a","extra":5}',
    'override {"name":"a"}',
    'moon {"seq":4,"to":"a"}',
    '__proto__ {"seq":4,"to":"a"}',
    ' told {"seq":4,"to":"a"}',
  ])("that are none, such as %j, are left out, and the others stay", (text) => {
    expect(newsIn([`${text}\ntold {"seq":9,"atMs":7,"to":"a"}`])).toEqual([
      { kind: "told", seq: 9, atMs: 7, to: "a" },
    ]);
  });

  test("REL-21: have the clock and the dropped reports of the daemon, and older ones have neither", () => {
    const state = { aheadMs: -1_200, dropped: 31 };
    const presence: News = { kind: "presence", name: "web-1", beat: 3, atMs: 7, seq: 4, ...state };
    const reporter: News = {
      ...{ kind: "reporter", from: "5f2c09ab", name: "web-1", outcomes: 3, lastMs: 7, isQuiet: false },
      ...state,
    };
    expect(newsIn([newsLine(presence), newsLine(reporter)])).toEqual([presence, reporter]);
    expect(newsLine(presence)).toEndWith('"seq":4,"aheadMs":-1200,"dropped":31}');
  });

  test.each([
    '"aheadMs":"1","dropped":-1',
    '"aheadMs":1e300,"dropped":1.5',
    '"aheadMs":null,"dropped":{"a":1}',
    '"aheadMs":0.5,"dropped":1e999',
  ])("REL-21: a state that cannot be read, such as %s, is left out, and the line stays", (state) => {
    expect(newsIn([`unable {"name":"a","beat":1,"atMs":1,"seq":1,${state}}`])).toEqual([
      { kind: "unable", name: "a", beat: 1, atMs: 1, seq: 1 },
    ]);
    const reporter = '"from":"f","name":"a","outcomes":1,"lastMs":1,"isQuiet":false';
    expect(newsIn([`reporter {${reporter},${state}}`])).toEqual([
      { kind: "reporter", from: "f", name: "a", outcomes: 1, lastMs: 1, isQuiet: false },
    ]);
  });

  test("of a newer daemon may have more fields, which are left out", () => {
    expect(newsIn(['told {"seq":4,"atMs":7,"to":"a","color":"red"}'])).toEqual([
      { kind: "told", seq: 4, atMs: 7, to: "a" },
    ]);
  });
});
