import { describe, expect, test } from "bun:test";
import { Crew, PRESENCE_MS_MAX } from "../../src/evidence/crew.ts";
import { OVERRIDES_MAX, PRESENCES_MAX } from "../../src/evidence/merged.ts";
import type { News, Presence } from "../../src/evidence/news.ts";

const NOW_MS = 1_764_417_600_000;

const presence = (name: string, changes: Partial<Presence> = {}): News => ({
  ...{ kind: "presence", name, beat: 1, atMs: NOW_MS, seq: 4 },
  ...changes,
});

const at = (ms: number) => ({ monotonicMs: 1_000_000 + ms, nowMs: NOW_MS + ms });
const leaders = (crew: Crew, ms: number, seqMin?: number) => crew.leaders(1_000_000 + ms, seqMin);

describe("the crew of a release", () => {
  test("leads as long as it is heard", () => {
    const crew = new Crew();
    crew.hear([presence("web-2"), presence("web-1")], at(0), false);
    expect(leaders(crew, PRESENCE_MS_MAX)).toEqual(["web-1", "web-2"]);
    expect(leaders(crew, PRESENCE_MS_MAX + 1)).toEqual([]);
    crew.hear([presence("web-1", { beat: 2, atMs: NOW_MS + 30_000 })], at(30_000), false);
    expect(leaders(crew, PRESENCE_MS_MAX + 1)).toEqual(["web-1"]);
    expect(crew.last(1_000_000 + 40_000)).toEqual({ name: "web-1", agoMs: 10_000 });
  });

  test("has those whose writes the store refuses, until they lead again", () => {
    const crew = new Crew();
    crew.hear([presence("web-1"), presence("web-2", { kind: "unable" })], at(0), false);
    expect([leaders(crew, 0), crew.unable(1_000_000)]).toEqual([["web-1"], ["web-2"]]);
    crew.hear([presence("web-1", { kind: "unable", beat: 2 })], at(1_000), false);
    crew.hear([presence("web-2", { beat: 2 }), presence("web-1")], at(2_000), false);
    expect([leaders(crew, 2_000), crew.unable(1_002_000)]).toEqual([["web-2"], ["web-1"]]);
    expect(crew.unable(1_002_000 + PRESENCE_MS_MAX)).toEqual([]);
  });

  test("is judged by the store's clock if its news were there before", () => {
    const crew = new Crew();
    crew.hear(
      [
        presence("web-1", { atMs: NOW_MS - PRESENCE_MS_MAX }),
        presence("web-2", { atMs: NOW_MS - PRESENCE_MS_MAX - 1 }),
        presence("web-3", { atMs: NOW_MS + 3_600_000 }),
      ],
      at(0),
      true,
    );
    expect(leaders(crew, 0)).toEqual(["web-1"]);
  });

  test("that writes a presence while one listens leads, whatever its clock says", () => {
    const crew = new Crew();
    crew.hear([presence("web-1", { atMs: NOW_MS - 7_200_000 })], at(1_000), false);
    expect(leaders(crew, 2_000)).toEqual(["web-1"]);
  });

  test("does not lead for longer because a store gives a batch again", () => {
    const crew = new Crew();
    crew.hear([presence("web-1", { beat: 2, atMs: NOW_MS + 5 })], at(0), false);
    crew.hear(
      [presence("web-1", { beat: 2, atMs: NOW_MS + 5 }), presence("web-1")],
      at(PRESENCE_MS_MAX),
      false,
    );
    expect(leaders(crew, PRESENCE_MS_MAX + 10)).toEqual([]);
    // The next process of this name begins above.
    crew.hear([presence("web-1", { beat: 3, atMs: NOW_MS + PRESENCE_MS_MAX })], at(PRESENCE_MS_MAX), false);
    expect(leaders(crew, PRESENCE_MS_MAX + 10)).toEqual(["web-1"]);
  });

  test("has seen a state, or not yet", () => {
    const crew = new Crew();
    crew.hear([presence("web-1"), presence("web-2", { seq: 5 })], at(0), false);
    expect(leaders(crew, 0, 5)).toEqual(["web-2"]);
  });

  test("keeps a bounded number of names", () => {
    const crew = new Crew();
    crew.hear(
      Array.from({ length: PRESENCES_MAX + 50 }, (_, index) => presence(`web-${index}`)),
      at(0),
      false,
    );
    crew.hear(
      Array.from({ length: OVERRIDES_MAX + 50 }, (_, index): News => {
        return { kind: "override", name: `web-${index}`, reason: "errors" };
      }),
      at(0),
      false,
    );
    expect(leaders(crew, 0)).toHaveLength(PRESENCES_MAX);
    expect(crew.overrides()).toHaveLength(OVERRIDES_MAX);
  });

  test("may have taken the visitors back by itself", () => {
    const crew = new Crew();
    crew.hear(
      [
        { kind: "override", name: "web-2", reason: "errors" },
        { kind: "override", name: "web-1", reason: "slow" },
        { kind: "override", name: "web-2", reason: "errors" },
        { kind: "told", seq: 4, atMs: 7, to: "1f0c9a3e" },
      ],
      at(0),
      false,
    );
    expect(crew.overrides().map(({ name }) => name)).toEqual(["web-1", "web-2"]);
    expect([leaders(crew, 0), crew.last(0)]).toEqual([[], undefined]);
  });
});
