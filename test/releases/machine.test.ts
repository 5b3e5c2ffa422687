/** The machine of releases: each cell of its table, and the laws 10, 11, 14 and 15 one by one. */

import { describe, expect, test } from "bun:test";
import { move } from "../../src/releases/machine.ts";
import { readRelease } from "../../src/releases/read-release.ts";
import { LOG_MAX, type Release } from "../../src/releases/release.ts";
import { releaseField } from "../../src/releases/release-field.ts";
import type { Now, Outcome, Request } from "../../src/releases/request.ts";
import {
  after,
  BEGAN_MS,
  KEY,
  NONE,
  nowOf,
  OTHER_KEY,
  planOf,
  REQUESTS,
  releaseOf,
  STAMP,
  START,
  TX,
} from "./world.ts";

const PROMOTED = releaseOf({ state: "promoted", step: 4, wrote: [1, 0.25] });
const FADE = [1, STAMP.nowMs, 600_000] as const;

/** The record in each row of the table. */
const ROWS = {
  none: nowOf(NONE),
  running: nowOf(releaseOf()),
  paused: nowOf(releaseOf({ state: "paused" })),
  promoted: nowOf(PROMOTED),
  aborted: nowOf(releaseOf({ state: "aborted", wrote: [0, 0.25] })),
  finished: nowOf(releaseOf({ state: "finished", step: 4, wrote: [0, 0.25] })),
} as const;
type Row = keyof typeof ROWS;

/** The outcome in short: `write running 3 25%`, `no-op over`. */
function short(outcome: Outcome): string {
  if (outcome.kind !== "write") return `${outcome.kind} ${outcome.code}`;
  const { release, rollout, notice } = outcome;
  return `write ${release?.state} ${release?.step} ${Number((rollout * 100).toFixed(6))}% ${notice}`;
}

/** The request, with the key and the step of the release that is there. */
function fitting(request: Request, { found }: Now): Request {
  if (request.verb === "release") return { ...request, seenKey: found.kind === "release" ? KEY : null };
  if (!("pin" in request) || found.kind !== "release") return request;
  const { step, seq } = found.release;
  return request.verb === "advance"
    ? { ...request, pin: { key: KEY, step, seq } }
    : { ...request, pin: { key: KEY, step } };
}

const ask = (now: Now, request: Request): Outcome => move(now, fitting(request, now), STAMP);

const TABLE: Readonly<Record<Row, Readonly<Record<keyof typeof REQUESTS, string>>>> = {
  none: {
    ...{ advance: "no-op gone", promote: "error no-release", pause: "error no-release" },
    ...{ resume: "error no-release", abort: "no-op no-release", verdict: "no-op gone" },
    ...{ undo: "error no-release", finish: "no-op no-release", release: "write running 1 1% started" },
    ...{ foreign: "no-op gone", restore: "no-op gone", clear: "error no-release" },
  },
  running: {
    ...{ advance: "write running 3 25% advanced", promote: "write running 3 25% advanced" },
    ...{ pause: "write paused 2 5% paused", resume: "no-op running", abort: "write aborted 2 0% aborted" },
    ...{ verdict: "write aborted 2 0% aborted", undo: "write aborted 2 0% aborted" },
    ...{ finish: "error running", release: "refused under-way", foreign: "no-op not-foreign" },
    ...{ restore: "no-op not-behind", clear: "write running 2 5% cleared" },
  },
  paused: {
    ...{ advance: "no-op paused", promote: "refused paused", pause: "no-op paused" },
    ...{ resume: "write running 2 5% resumed", abort: "write aborted 2 0% aborted" },
    ...{ verdict: "write aborted 2 0% aborted", undo: "write aborted 2 0% aborted" },
    ...{ finish: "error paused", release: "refused under-way", foreign: "no-op not-foreign" },
    ...{ restore: "no-op not-behind", clear: "write paused 2 5% cleared" },
  },
  promoted: {
    ...{ advance: "no-op bake-over", promote: "no-op promoted", pause: "no-op promoted" },
    ...{ resume: "no-op promoted", abort: "write aborted 4 0% aborted" },
    ...{ verdict: "no-op verdict-after-promotion", undo: "write aborted 4 0% aborted" },
    ...{ finish: "write finished 4 0% finished", release: "refused finish-first" },
    ...{ foreign: "no-op not-foreign", restore: "no-op not-behind" },
    clear: "write promoted 4 100% cleared",
  },
  aborted: {
    ...{ advance: "no-op over", promote: "error over", pause: "error over", resume: "error over" },
    ...{ abort: "no-op over", verdict: "no-op over", undo: "error over", finish: "no-op over" },
    ...{ release: "write running 1 1% started", foreign: "no-op not-foreign", restore: "no-op not-behind" },
    clear: "error over",
  },
  finished: {
    ...{ advance: "no-op over", promote: "error over", pause: "error over", resume: "error over" },
    ...{ abort: "no-op over", verdict: "no-op over", undo: "error over", finish: "no-op over" },
    ...{ release: "write running 1 1% started", foreign: "no-op not-foreign", restore: "no-op not-behind" },
    clear: "error over",
  },
};

describe.each(Object.keys(ROWS) as Row[])("REL-11: from %s", (row) => {
  test.each(Object.entries(TABLE[row]))(`${row}, %s: %s`, (verb, expected) => {
    expect(short(ask(ROWS[row], REQUESTS[verb as keyof typeof REQUESTS]))).toBe(expected);
  });
});

/** The column of foreign writes: a rollout of 0, another rollout, another offset. */
const FOREIGN: Readonly<Record<Row, readonly [string, string, string]>> = {
  none: ["no-op gone", "no-op gone", "no-op gone"],
  running: [
    "write aborted 2 0% foreign-zero",
    "write paused 2 7% foreign-change",
    "write paused 2 5% foreign-change",
  ],
  paused: [
    "write aborted 2 0% foreign-zero",
    "write paused 2 7% foreign-change",
    "write paused 2 5% foreign-change",
  ],
  promoted: [
    "write aborted 4 0% foreign-zero",
    "write paused 4 7% foreign-change",
    "write paused 4 100% foreign-change",
  ],
  aborted: ["no-op not-foreign", "no-op not-foreign", "no-op not-foreign"],
  finished: ["no-op not-foreign", "no-op not-foreign", "no-op not-foreign"],
};

describe.each(Object.keys(ROWS) as Row[])("REL-4, law 11: from %s", (row) => {
  test.each([
    ["a foreign rollout of 0", { rollout: 0 }, 0],
    ["another foreign rollout", { rollout: 0.07 }, 1],
    ["a foreign offset", { offset: 0.125 }, 2],
  ] as const)(`${row}, %s`, (_, changes, column) => {
    const now = { ...ROWS[row], ...changes };
    expect(short(ask(now, REQUESTS.foreign))).toBe(FOREIGN[row][column]);
    // A controller that comes to advance sees the same first.
    const isOver = row === "none" || row === "aborted" || row === "finished";
    if (!isOver) expect(short(ask(now, REQUESTS.advance))).toBe(FOREIGN[row][column]);
  });
});

describe("law 10: down never waits", () => {
  const rows = ["running", "paused", "promoted"] as const;

  test.each(rows)(
    "%s: abort and undo need no plan, no step, no key, and no other version to be at 0",
    (row) => {
      const now = { ...ROWS[row], plan: undefined, otherVersion: "blue" };
      for (const verb of ["abort", "undo"] as const) {
        const outcome = move(now, { ...REQUESTS[verb], key: undefined }, STAMP);
        expect(outcome).toMatchObject({ kind: "write", rollout: 0, release: { state: "aborted" } });
      }
    },
  );

  test("REL-5: a plan that this program cannot read is aborted by the judge, and never advanced", () => {
    const now = { ...ROWS.running, plan: undefined };
    expect(short(ask(now, REQUESTS.verdict))).toBe("write aborted 2 0% aborted");
    expect(short(ask(now, REQUESTS.advance))).toBe("no-op unknown-plan");
    expect(short(ask(now, REQUESTS.promote))).toBe("refused unknown-plan");
    expect(short(ask({ ...ROWS.running, plan: planOf("100%") }, REQUESTS.promote))).toBe(
      "refused unknown-plan",
    );
  });

  test("an abort writes over a foreign rollout", () => {
    expect(short(ask({ ...ROWS.running, rollout: 0.5 }, REQUESTS.abort))).toBe("write aborted 2 0% aborted");
    expect(short(ask({ ...ROWS.running, rollout: 0.5 }, REQUESTS.verdict))).toBe(
      "write aborted 2 0% aborted",
    );
  });

  test("an abort mends a malformed record, and a controller writes nothing there", () => {
    const now = { ...ROWS.running, rollout: 0, offset: 0, isMalformed: true };
    expect(ask(now, REQUESTS.abort)).toMatchObject({ kind: "write", rollout: 0, offset: 0.25 });
    for (const verb of ["advance", "foreign", "verdict"] as const) {
      expect(short(ask(now, REQUESTS[verb]))).toBe("no-op malformed-record");
    }
    for (const verb of ["promote", "pause", "release"] as const) {
      expect(short(ask(now, REQUESTS[verb]))).toBe("refused malformed-record");
    }
    const paused = { ...ROWS.paused, rollout: 0, offset: 0, isMalformed: true };
    expect(short(ask(paused, REQUESTS.resume))).toBe("refused malformed-record");
  });

  test("REL-9: an abort without room is written without log, arcs and unknown fields", () => {
    const arcs = Array.from({ length: 300 }, () => [BEGAN_MS, 0.05, 0.25] as const);
    const now = nowOf(releaseOf({ arcs, others: { later: 1 } }));
    expect(ask(now, REQUESTS.abort)).toMatchObject({
      rollout: 0,
      release: { state: "aborted", log: [], arcs: [], others: {} },
    });
    expect(short(ask(now, REQUESTS.promote))).toBe("refused too-large");
  });
});

describe("REL-3: a release that this program cannot read", () => {
  const unknown = nowOf(readRelease({ ...releaseField(releaseOf()), format: 2 }), {
    rollout: 0.05,
    offset: 0.25,
  });
  const malformed = nowOf(readRelease({ format: 1, key: KEY }), { rollout: 0.05 });

  test.each([
    ["unknown", unknown],
    ["malformed", malformed],
  ])("%s: no verb changes it, and a person's way down sets the rollout alone", (_, now) => {
    for (const verb of ["abort", "undo"] as const) {
      expect(ask(now, REQUESTS[verb])).toMatchObject({
        kind: "write",
        rollout: 0,
        offset: now.offset,
        release: null,
      });
      expect(short(ask({ ...now, rollout: 0 }, REQUESTS[verb]))).toBe("no-op at-zero");
    }
    for (const verb of ["advance", "foreign"] as const)
      expect(short(ask(now, REQUESTS[verb]))).toBe("no-op unreadable");
    for (const verb of ["promote", "pause", "resume", "finish", "release"] as const) {
      expect(short(ask(now, REQUESTS[verb]))).toBe("refused unreadable");
    }
  });

  test("a newer format is aborted by the judge of its key; a malformed release is forgotten", () => {
    expect(ask(unknown, REQUESTS.verdict)).toMatchObject({ kind: "write", rollout: 0, release: null });
    expect(short(ask(unknown, { ...REQUESTS.verdict, key: OTHER_KEY }))).toBe("no-op unreadable");
    expect(short(ask(malformed, REQUESTS.verdict))).toBe("no-op unreadable");
  });

  test("only a replacement that saw its key takes its place", () => {
    const request = { ...REQUESTS.release, replace: true };
    expect(short(move(unknown, request, STAMP))).toBe("write running 1 1% replaced");
    expect(short(move(unknown, { ...request, seenKey: null }, STAMP))).toBe("refused replaced");
  });
});

describe("REL-13, law 11: resume never raises", () => {
  const paused = (rollout: number, from?: "promoted") => ({
    ...nowOf(releaseOf({ state: "paused", step: 3, from })),
    rollout,
  });

  test.each([
    [0.25, "write running 3 25% resumed"],
    [0.2, "write running 2 5% resumed"],
    [0.05, "write running 2 5% resumed"],
    [0.01, "write running 1 1% resumed"],
    [0.009, "refused below-first-step"],
    [1, "write promoted 4 100% resumed"],
    [0.999, "write running 3 25% resumed"],
  ])("at a rollout of %p: %s", (rollout, expected) => {
    expect(short(ask(paused(rollout), REQUESTS.resume))).toBe(expected);
  });

  test("the step begins again, with a whole wait", () => {
    const outcome = ask({ ...paused(0.05) }, REQUESTS.resume);
    expect(outcome).toMatchObject({
      release: { since: "2026-11-29T12:01:00.000Z", wrote: [0.05, 0.25], reason: undefined },
    });
  });

  test("a foreign rollout of 0 that no controller has seen cannot be resumed or promoted", () => {
    const now = { ...ROWS.paused, rollout: 0 };
    expect(short(ask(now, REQUESTS.resume))).toBe("error over");
    expect(short(ask(now, { ...REQUESTS.promote, resume: true }))).toBe("error over");
    expect(short(ask({ ...ROWS.promoted, rollout: 0 }, REQUESTS.finish))).toBe("no-op over");
  });

  test("a foreign change that no controller has seen counts as a pause", () => {
    const now = { ...ROWS.running, rollout: 0.03 };
    expect(short(ask(now, REQUESTS.promote))).toBe("refused paused");
    expect(short(ask(now, REQUESTS.resume))).toBe("write running 1 1% resumed");
    expect(short(ask(now, { ...REQUESTS.promote, resume: true }))).toBe("write running 2 5% advanced");
    expect(short(ask({ ...ROWS.promoted, offset: 0 }, REQUESTS.finish))).toBe("error paused");
  });

  test("a promoted release that was paused is promoted again only at 100%", () => {
    expect(short(ask(paused(1, "promoted"), REQUESTS.resume))).toBe("write promoted 4 100% resumed");
    expect(ask(paused(0.5, "promoted"), REQUESTS.resume)).toMatchObject({
      release: { state: "running", from: undefined },
    });
  });
});

describe("REL-7, law 14: pins", () => {
  test.each(["advance", "promote"] as const)("%s at another step raises nothing", (verb) => {
    const request = { ...REQUESTS[verb], pin: { key: KEY, step: 1, seq: 4 } };
    expect(move(ROWS.running, request, STAMP)).toMatchObject({ code: "stale" });
  });

  test("advance goes nowhere with conditions that were met before a pause", () => {
    const paused = after(ROWS.running, ask(ROWS.running, REQUESTS.pause));
    const resumed = after(paused, ask(paused, REQUESTS.resume));
    expect(short(move(resumed, REQUESTS.advance, STAMP))).toBe("no-op stale");
  });

  test("resume at another step goes on with nothing", () => {
    const request = { ...REQUESTS.resume, pin: { key: KEY, step: 1 } };
    expect(move(ROWS.paused, request, STAMP)).toMatchObject({ kind: "refused", code: "stale" });
  });

  const pinned = (Object.keys(REQUESTS) as (keyof typeof REQUESTS)[]).filter((verb) => verb !== "restore");
  test.each(pinned)("%s leaves a release with another key alone", (verb) => {
    const now = nowOf(releaseOf({ key: OTHER_KEY }));
    expect(move(now, REQUESTS[verb], STAMP)).toMatchObject({ code: "replaced" });
  });

  test("promote to a share goes only to the step that has it", () => {
    const to = (rollout: number) => short(ask(ROWS.running, { ...REQUESTS.promote, to: rollout }));
    expect(to(0.25)).toBe("write running 3 25% advanced");
    expect(to(1)).toBe("refused other-share");
    expect(to(0.05), "it is there already").toBe("no-op running");
  });

  test("each write has its own tx, and the next seq", () => {
    const outcome = move(ROWS.running, REQUESTS.abort, { ...STAMP, tx: OTHER_KEY });
    expect(outcome).toMatchObject({ release: { tx: OTHER_KEY, seq: 5 } });
  });
});

describe("law 15: no step is skipped", () => {
  test.each([
    ["no condition", [], "no-op waiting"],
    ["one that waits", [{ state: "met" }, { state: "waiting" }], "no-op waiting"],
    ["one that is unknown", [{ state: "unknown" }], "no-op waiting"],
    ["all met", [{ state: "met" }, { state: "met" }], "write running 3 25% advanced"],
    [
      "the judge's bound passed",
      [{ state: "met" }, { state: "inconclusive" }],
      "write paused 2 5% inconclusive",
    ],
  ] as const)("advance with %s", (_, waits, expected) => {
    expect(short(ask(ROWS.running, { ...REQUESTS.advance, waits }))).toBe(expected);
  });

  test("a plan may abort if the judge's bound has passed", () => {
    const now = nowOf(releaseOf({ inconclusive: "abort" }));
    const waits = [{ state: "inconclusive" }] as const;
    expect(short(ask(now, { ...REQUESTS.advance, waits }))).toBe("write aborted 2 0% aborted");
  });

  test("REL-14: another version beside it pauses a running release, and holds back each verb that raises", () => {
    const beside = (row: Row) => ({ ...ROWS[row], otherVersion: "blue" });
    expect(short(ask(beside("running"), REQUESTS.advance))).toBe("write paused 2 5% other-version");
    expect(short(ask(beside("running"), REQUESTS.promote))).toBe("refused other-version");
    expect(short(ask(beside("paused"), REQUESTS.resume))).toBe("refused other-version");
    expect(short(ask(beside("none"), REQUESTS.release))).toBe("refused other-version");
    expect(short(ask(beside("promoted"), REQUESTS.advance))).toBe("no-op bake-over");
  });

  test("the bake of a promoted release is over only if its condition is met", () => {
    expect(short(ask(ROWS.promoted, { ...REQUESTS.advance, waits: [{ state: "waiting" }] }))).toBe(
      "no-op promoted",
    );
  });
});

describe("a new release", () => {
  const replace = { ...REQUESTS.release, replace: true };

  test("is refused beside visitors of its own version, unless it replaces them", () => {
    const now = nowOf(NONE, { rollout: 0.2, offset: 0 });
    expect(short(ask(now, REQUESTS.release))).toBe("refused in-use");
    expect(short(ask(now, replace))).toBe("write running 1 1% replaced");
  });

  test("is refused beside a fade, unless it replaces that: then the fade ends at the first step", () => {
    const promoted = after(ROWS.promoted, ask(ROWS.promoted, { ...REQUESTS.finish, overMs: 600_000 }));
    const half = after(
      promoted,
      move(promoted, fitting(REQUESTS.advance, promoted), {
        ...STAMP,
        nowMs: STAMP.nowMs + 300_000,
      }),
    );
    expect(short(ask(half, REQUESTS.release))).toBe("refused in-use");
    const outcome = ask(half, replace);
    expect(short(outcome)).toBe("write running 1 1% replaced");
    expect(outcome).not.toHaveProperty("release.fade");
  });

  test("replaces a running one in one write: a new key, offset and first step; the seq goes on", () => {
    expect(ask(ROWS.running, replace)).toMatchObject({
      ...{ kind: "write", rollout: 0.01, offset: 0.5, notice: "replaced" },
      release: {
        ...{ key: OTHER_KEY, id: 8, of: "v43", state: "running", step: 1, seq: 5, wrote: [0.01, 0.5] },
        arcs: [[STAMP.nowMs, 0.01, 0.5]],
        log: [[5, STAMP.nowMs, "running", 1, 0.01, STAMP.author]],
      },
    });
  });

  test("never replaces a promoted one, also if that is paused", () => {
    expect(short(ask(ROWS.promoted, replace))).toBe("refused finish-first");
    expect(short(ask(nowOf(releaseOf({ state: "paused", from: "promoted" })), replace))).toBe(
      "refused finish-first",
    );
  });

  test("REL-12: is promoted at once if its only step is 100%", () => {
    const start = { ...START, plan: planOf("100%:1d") };
    expect(short(ask(ROWS.none, { ...REQUESTS.release, start }))).toBe("write promoted 1 100% started");
  });

  test("does not begin if the writer saw another release, or none", () => {
    expect(short(move(ROWS.aborted, { ...REQUESTS.release, seenKey: null }, STAMP))).toBe("refused replaced");
    expect(short(move(ROWS.none, { ...REQUESTS.release, seenKey: KEY }, STAMP))).toBe("refused replaced");
  });

  test("begins over a foreign rollout of 0 that no controller has seen", () => {
    expect(short(ask({ ...ROWS.running, rollout: 0 }, REQUESTS.release))).toBe("write running 1 1% started");
  });
});

describe("the failsafe of a plan that holds", () => {
  const holding = (changes: Partial<Release> = {}) =>
    releaseOf({ step: 3, wrote: [0.25, 0.25], failsafe: "hold", ...changes });
  const promoted = after(nowOf(holding()), ask(nowOf(holding()), REQUESTS.promote));

  test("is hold from the promotion on, and the record knows the one before", () => {
    expect(promoted).toMatchObject({
      failsafe: "hold",
      found: { release: { state: "promoted", was: "master" } },
    });
    expect(ask(nowOf(holding({ state: "promoted", failsafe: undefined })), REQUESTS.promote)).toMatchObject({
      kind: "no-op",
    });
  });

  test.each(["abort", "undo", "finish"] as const)("%s puts it back", (verb) => {
    expect(ask(promoted, REQUESTS[verb])).toMatchObject({ failsafe: "master", release: { was: undefined } });
  });

  test("a foreign rollout of 0 puts it back, and so does a replacement after it", () => {
    const now = { ...promoted, rollout: 0 };
    expect(ask(now, REQUESTS.foreign)).toMatchObject({ failsafe: "master", release: { was: undefined } });
    expect(ask(now, REQUESTS.release)).toMatchObject({ failsafe: "master", release: { was: undefined } });
  });

  test("a pause keeps it, and a resume below 100% puts it back", () => {
    const now = { ...promoted, rollout: 0.5 };
    const paused = after(now, ask(now, REQUESTS.foreign));
    expect(paused.failsafe).toBe("hold");
    expect(ask(paused, REQUESTS.resume)).toMatchObject({
      failsafe: "master",
      release: { state: "running", was: undefined },
    });
  });

  test("a resume at 100% does not forget the one before", () => {
    const now = { ...promoted, offset: 0 };
    const resumed = after(now, ask(now, REQUESTS.resume));
    expect(resumed).toMatchObject({
      failsafe: "hold",
      found: { release: { state: "promoted", was: "master" } },
    });
  });

  test("a record that holds already stays so", () => {
    const now = nowOf(holding(), { failsafe: "hold" });
    const then = after(now, ask(now, REQUESTS.promote));
    expect(ask(then, REQUESTS.finish)).toMatchObject({ failsafe: "hold" });
  });
});

describe("finish", () => {
  test("is refused if master's servers run something else", () => {
    const outcome = ask(ROWS.promoted, { ...REQUESTS.finish, deployed: "v41" });
    expect(outcome).toMatchObject({ kind: "refused", code: "other-of", facts: { found: "v42" } });
  });
});

describe("REL-15: a fade", () => {
  const over = { overMs: 600_000 };
  const begun = after(ROWS.promoted, ask(ROWS.promoted, { ...REQUESTS.finish, ...over }));
  const at = (ms: number) => ({ ...STAMP, nowMs: STAMP.nowMs + ms });
  const advance = (now: Now, ms: number) => move(now, fitting(REQUESTS.advance, now), at(ms));

  test.each([
    ["finish", "finished"],
    ["undo", "aborted"],
  ] as const)("of %s is over for people at once, and visitors leave slowly", (verb, state) => {
    const outcome = ask(ROWS.promoted, { ...REQUESTS[verb], ...over });
    expect(outcome).toMatchObject({ rollout: 1, notice: "fading", release: { state, fade: FADE } });
  });

  test("falls with each look of a controller, down to 0", () => {
    const half = after(begun, advance(begun, 300_000));
    expect(half).toMatchObject({
      rollout: 0.5,
      found: { release: { state: "finished", wrote: [0.5, 0.25] } },
    });
    expect(short(advance(half, 300_000))).toBe("no-op fade-waits");
    expect(short(advance(half, 600_000))).toBe("write finished 4 0% fade-over");
  });

  test("does not rise if the clock goes back", () => {
    const half = after(begun, advance(begun, 300_000));
    expect(short(advance(half, -1e9))).toBe("no-op fade-waits");
  });

  test("goes on by the time that the writer saw pass if the clock goes back", () => {
    const half = after(begun, advance(begun, 300_000));
    const request = { ...fitting(REQUESTS.advance, half), seenMs: 60_000 } as Request;
    expect(move(half, request, at(-1e9))).toMatchObject({ rollout: 0.4, notice: "fading" });
    // The clock is right, so it counts alone.
    expect(move(half, request, at(330_000))).toMatchObject({ rollout: 0.449, notice: "fading" });
  });

  test.each(["abort", "verdict"] as const)("%s ends it at 0 at once", (verb) => {
    expect(ask(begun, REQUESTS[verb])).toMatchObject({
      rollout: 0,
      release: { state: "finished", fade: undefined },
    });
  });

  test("law 11: a foreign write stops it, and stays", () => {
    const now = { ...begun, rollout: 0.8 };
    expect(advance(now, 300_000)).toMatchObject({
      rollout: 0.8,
      notice: "fade-stopped",
      release: { fade: undefined },
    });
  });

  test("is only for a promoted release: any other undo is at once", () => {
    expect(short(ask(ROWS.running, { ...REQUESTS.undo, ...over }))).toBe("write aborted 2 0% aborted");
    const paused = nowOf(releaseOf({ state: "paused", from: "promoted", step: 4, wrote: [1, 0.25] }));
    expect(short(ask(paused, { ...REQUESTS.undo, ...over }))).toBe("write aborted 4 100% fading");
  });

  test("law 10: abort is at once, without a fade", () => {
    expect(short(ask(ROWS.promoted, REQUESTS.abort))).toBe("write aborted 4 0% aborted");
  });

  test("an endless one is cut, so that the record can be read", () => {
    const now = after(
      ROWS.promoted,
      ask(ROWS.promoted, { ...REQUESTS.finish, overMs: Number.POSITIVE_INFINITY }),
    );
    const { release } = now.found as { release: Release };
    expect(readRelease(JSON.parse(JSON.stringify(releaseField(release)))).kind).toBe("release");
  });
});

test("the log has each transition: the seq, the time, the state, the step, the rollout, the author", () => {
  let now: Now = ROWS.running;
  for (let round = 0; round < 40; round++) {
    now = after(now, ask(now, REQUESTS.pause));
    now = after(now, ask(now, REQUESTS.resume));
  }
  const { release } = now.found as { release: Release };
  expect(release.log).toHaveLength(LOG_MAX);
  expect(release.log.at(-1)).toEqual([84, STAMP.nowMs, "running", 2, 0.05, STAMP.author]);
  expect(release.arcs).toHaveLength(2);
  expect(release.tx).toBe(TX);
});
