/** The words for the outcomes of verbs: each code has a sentence, an exit status and advice. */

import { describe, expect, test } from "bun:test";
import { CliError } from "../../src/cli/exit.ts";
import type { FoundRelease } from "../../src/releases/read-release.ts";
import type { Release } from "../../src/releases/release.ts";
import { releaseField } from "../../src/releases/release-field.ts";
import type { RefusedFacts, Request } from "../../src/releases/request.ts";
import { type Snapshot, StoreError } from "../../src/stores/store.ts";
import type { VerbOutcome } from "../../src/verbs/carry-out.ts";
import { type Looked, nowIn } from "../../src/verbs/look.ts";
import { MISUSED, NO_OPS, REFUSED } from "../../src/verbs/reasons.ts";
import type { Unwritten } from "../../src/verbs/unwritten.ts";
import { unwrittenWords, wordsOf } from "../../src/verbs/words.ts";
import { REQUESTS, releaseOf } from "../releases/world.ts";

const TARGET = { application: "website", version: "canary" } as const;
const AT = { application: "website", version: "canary", address: "redis://store" } as const;

/** A look at a record; without a value there is none. */
function lookedAt(value: object | undefined): Looked {
  const record = value === undefined ? undefined : { value, revision: "1" };
  const snapshot: Snapshot = record === undefined ? new Map() : new Map([["canary", record]]);
  return { target: TARGET, snapshot, record, now: nowIn(snapshot, "canary") };
}

function lookedAtRelease(changes: Partial<Release> = {}, rollout?: number): Looked {
  const release = releaseOf(changes);
  return lookedAt({
    rollout: rollout ?? release.wrote[0],
    offset: release.wrote[1],
    release: releaseField(release),
  });
}

const NO_RELEASE = lookedAt({ rollout: 0 });
const STEP_2 = lookedAtRelease();
const PROMOTED = lookedAtRelease({ state: "promoted", step: 4, wrote: [1, 0.25] });
const ABORTED = lookedAtRelease({ state: "aborted", wrote: [0, 0.25] });
const FADING = lookedAtRelease({ state: "finished", step: 4, wrote: [0.5, 0.25], fade: [1, 0, 600_000] });

function words(outcome: VerbOutcome, request: Request) {
  return wordsOf(outcome, { target: TARGET, request, address: AT.address, storeFlags: [] });
}

const unchanged = (code: keyof typeof NO_OPS, looked: Looked): VerbOutcome => ({
  kind: "unchanged",
  looked,
  code,
});
const refused = (code: keyof typeof REFUSED, looked: Looked, facts: RefusedFacts = {}): VerbOutcome => ({
  kind: "refused",
  looked,
  code,
  facts,
});
const misused = (code: keyof typeof MISUSED, looked: Looked): VerbOutcome => ({
  kind: "misused",
  looked,
  code,
});

describe("each code has one line of words, whatever the record holds", () => {
  const records: readonly [string, Looked][] = [
    ["no record", lookedAt(undefined)],
    ["no release", NO_RELEASE],
    ["a running release", STEP_2],
    ["a release of a newer program", lookedAt({ rollout: 0.05, release: { format: 2 } })],
    ["a malformed record", lookedAt({ rollout: 7, release: releaseField(releaseOf()) })],
    ["wild names", lookedAtRelease({ of: "v\n\u001b[2J", plan: "1%:moon,100%" })],
  ];
  type Made = [code: string, outcomeOf: (of: Unwritten) => VerbOutcome];
  const codes: Made[] = [
    ...(Object.keys(NO_OPS) as (keyof typeof NO_OPS)[]).map(
      (code): Made => [code, ({ looked }) => unchanged(code, looked)],
    ),
    ...(Object.keys(REFUSED) as (keyof typeof REFUSED)[]).map(
      (code): Made => [code, ({ looked, facts }) => refused(code, looked, facts)],
    ),
    ...(Object.keys(MISUSED) as (keyof typeof MISUSED)[]).map(
      (code): Made => [code, ({ looked }) => misused(code, looked)],
    ),
  ];

  test.each(codes)("%s", (_, outcomeOf) => {
    for (const [, looked] of records) {
      for (const request of Object.values(REQUESTS)) {
        const {
          exit,
          text,
          remedy = "",
        } = words(outcomeOf({ looked, request, facts: {}, storeFlags: [] }), request);
        expect(text).toMatch(/^[^\n\p{Cc}]{10,}[^.\p{Cc}]$/u);
        expect(`${text}${remedy}`).not.toMatch(/undefined|NaN|\[object|\p{Cc}(?<!\n)/u);
        // The name is one of the list of exit statuses.
        expect(new CliError(exit, "").status).toBeGreaterThanOrEqual(0);
      }
    }
  });
});

test.each<[VerbOutcome, Request, string, string, string | undefined]>([
  [unchanged("no-release", NO_RELEASE), REQUESTS.abort, "ok", "canary of website has no release", undefined],
  [
    unchanged("no-release", lookedAt({ rollout: 0.25 })),
    REQUESTS.abort,
    "ok",
    "canary of website has no release, and canary stays at 25%",
    "to take everyone back: maxwells-daemon set canary 0% -application website",
  ],
  [
    unchanged("over", FADING),
    REQUESTS.finish,
    "ok",
    "release 7 of website is finished already, and still fades: canary is at 50%",
    "to take everyone back: maxwells-daemon abort -application website",
  ],
  [
    refused("in-use", FADING),
    REQUESTS.release,
    "failed",
    "release 7 of website still fades: canary of website is at 50%; nothing was written",
    "to take everyone back first: maxwells-daemon abort -application website\n" +
      "to begin at the plan's first step from here, add -replace",
  ],
  [unchanged("over", ABORTED), REQUESTS.abort, "ok", "release 7 of website is aborted already", undefined],
  [
    unchanged("paused", lookedAtRelease({ state: "paused" })),
    REQUESTS.pause,
    "ok",
    "release 7 of website is paused already, at step 2/4, canary at 5%",
    undefined,
  ],
  [
    unchanged("promoted", PROMOTED),
    REQUESTS.promote,
    "ok",
    "release 7 of website is promoted already, at step 4/4, canary at 100%",
    "when master's servers run v42 too: maxwells-daemon finish -deployed v42 -application website\n" +
      "to take everyone back: maxwells-daemon undo -application website",
  ],
  [
    unchanged("at-zero", lookedAt({ rollout: 0, release: { format: 2 } })),
    REQUESTS.abort,
    "ok",
    'canary of website is at 0% already; the release of canary of website cannot be read: its field "format" is of a newer program',
    undefined,
  ],
  [
    refused("stale", lookedAtRelease({ step: 3, wrote: [0.25, 0.25] })),
    REQUESTS.promote,
    "conflict",
    "release 7 of website is at step 3/4, canary at 25%, and not at step 2; nothing was written",
    "look at it with maxwells-daemon release -application website, and decide again",
  ],
  [
    refused("other-share", STEP_2, { found: 0.25 }),
    { ...REQUESTS.promote, to: 0.5 },
    "conflict",
    "the next step of release 7 of website is 25%, and not 50%; nothing was written",
    "to go there: maxwells-daemon promote -to 25% -application website",
  ],
  [
    refused("other-share", lookedAtRelease({ state: "paused" }), { found: 0.25 }),
    { ...REQUESTS.promote, to: 0.5, resume: true },
    "conflict",
    "the next step of release 7 of website is 25%, and not 50%; nothing was written",
    "to go there: maxwells-daemon promote -to 25% -resume -application website",
  ],
  [
    misused("paused", lookedAtRelease({ state: "paused" })),
    REQUESTS.finish,
    "failed",
    "release 7 of website is paused, at step 2/4, canary at 5%; only a promoted release can be finished; nothing was written",
    "to go on: maxwells-daemon promote -resume -expect-step 2 -application website\n" +
      "to take everyone back: maxwells-daemon abort -application website",
  ],
  [
    refused("other-of", PROMOTED, { found: "v42" }),
    { ...REQUESTS.finish, deployed: "v43" },
    "conflict",
    "release 7 of website is a release of v42, and not of v43; nothing was written",
    "first deploy v42 to master's servers, while canary serves everyone;\n" +
      "then run maxwells-daemon finish -deployed v42 -application website",
  ],
  [
    refused("paused", lookedAtRelease({}, 0.07)),
    REQUESTS.promote,
    "failed",
    "release 7 of website is paused, at step 2/4, canary at 7%; nothing was written",
    "to go to the next step: maxwells-daemon promote -resume -expect-step 2 -application website\n" +
      "to go on with this step: maxwells-daemon resume -application website",
  ],
  [
    misused("running", STEP_2),
    REQUESTS.finish,
    "failed",
    "release 7 of website is running, at step 2/4, canary at 5%; only a promoted release can be finished; nothing was written",
    "to go on: maxwells-daemon promote -expect-step 2 -application website\n" +
      "to take everyone back: maxwells-daemon abort -application website",
  ],
  [
    misused("over", lookedAtRelease({}, 0)),
    REQUESTS.promote,
    "failed",
    "release 7 of website is aborted, so there is nothing to promote; nothing was written",
    undefined,
  ],
])("the words for %j", (outcome, request, exit, text, remedy) => {
  expect<unknown>(words(outcome, request)).toEqual({
    exit,
    text,
    ...(remedy === undefined ? {} : { remedy }),
  });
});

describe("a write", () => {
  const written = (changes: object): VerbOutcome => ({
    ...{ kind: "written", looked: STEP_2, rollout: 0.25, release: releaseOf({ step: 3 }) },
    ...{ notice: "advanced", conflicts: 0, isBare: false },
    ...changes,
  });

  test("is told by its transition, and by all that was skipped", () => {
    const about = { target: TARGET, request: REQUESTS.promote, address: AT.address, storeFlags: [] };
    expect(wordsOf(written({}), { ...about, skipped: "ok was skipped" })).toEqual({
      exit: "ok",
      text: "release 7 of website: step 3/4, canary 5% → 25% for 1h+ok<2h (ok was skipped)",
    });
  });

  test("says how many writers were first, and that the log was lost", () => {
    const release = releaseOf({ state: "aborted", step: 2 });
    const outcome = written({ release, rollout: 0, notice: "aborted", conflicts: 2, isBare: true });
    expect(words(outcome, REQUESTS.abort).text).toBe(
      "release 7 of website aborted at step 2/4: canary 5% → 0%, after 2 other writes; " +
        "the record had no room for the log of the release",
    );
  });

  test("of a promotion says how to finish", () => {
    const release = releaseOf({ state: "promoted", step: 4 });
    expect(words(written({ release, rollout: 1, notice: "promoted" }), REQUESTS.promote)).toEqual({
      exit: "ok",
      text: "release 7 of website promoted: step 4/4, canary 5% → 100% for 1d",
      remedy: "when master's servers run v42 too: maxwells-daemon finish -deployed v42 -application website",
    });
  });

  test("beside a release that cannot be read says that the release stays", () => {
    const problem: FoundRelease = {
      kind: "problem",
      code: "unknown-format",
      field: "format",
      key: undefined,
    };
    const looked = { ...STEP_2, now: { ...STEP_2.now, found: problem } };
    expect(
      words(written({ looked, release: null, rollout: 0, notice: "aborted" }), REQUESTS.abort).text,
    ).toBe("canary of website: 5% → 0%; its release cannot be read, and stays");
  });
});

describe("a store", () => {
  const away = new StoreError("unavailable", "redis does not answer");
  const way = "to send all visitors to master without the store";

  test("that took another write first: the words have its author and its rollout", () => {
    const value = { rollout: 0.25, updatedBy: "bob@web-2", updatedAt: "2026-11-29T12:00:00.000Z" };
    const outcome: VerbOutcome = { kind: "conflict", looked: STEP_2, current: { value, revision: "2" } };
    expect(words(outcome, REQUESTS.promote)).toEqual({
      exit: "conflict",
      text:
        "another writer was first: canary of website was written by bob@web-2 at 2026-11-29T12:00:00.000Z " +
        "and is at 25% now; nothing was written",
      remedy: "look at it with maxwells-daemon release -application website, and decide again",
    });
    const gone: VerbOutcome = { kind: "conflict", looked: STEP_2, current: undefined };
    expect(words(gone, REQUESTS.promote).text).toContain("another writer removed canary of website");
  });

  test("in which another program wrote does not name the author of the write before", () => {
    const value = { rollout: 0.05, updatedBy: "bob@web-2", updatedAt: "2026-11-29T12:00:00.000Z" };
    const looked = lookedAt(value);
    const current = { value: { ...value, rollout: 0.3 }, revision: "2" };
    expect(words({ kind: "conflict", looked, current }, REQUESTS.promote).text).toContain(
      "was written by an unknown writer and is at 30% now",
    );
  });

  test("that is read-only", () => {
    expect(words({ kind: "read-only" }, REQUESTS.abort)).toEqual({
      exit: "failed",
      text: "redis://store is read-only; nothing was written",
      remedy: "change it at its source, or name another -store",
    });
  });

  test("that failed: the way out without the store is for verbs that take visitors back", () => {
    const failed = words({ kind: "failed", error: away }, REQUESTS.abort);
    expect(failed).toMatchObject({
      exit: "unreachable",
      text: "redis does not answer; canary of website is as it was",
    });
    expect(failed.remedy).toContain(way);
    expect(words({ kind: "failed", error: away }, REQUESTS.pause).remedy).toBe("try again");
    const unsure = words({ kind: "unsure", error: away }, REQUESTS.undo);
    expect(unsure.text).toBe(
      "redis does not answer; the answer was lost, and the change may have been written",
    );
    expect(unsure.remedy).toContain(way);
    expect(words({ kind: "unsure", error: away }, REQUESTS.promote).remedy).toBe(
      "look with maxwells-daemon release -application website before you try again",
    );
    expect(unwrittenWords(away, REQUESTS.abort)).toMatchObject({ exit: "unreachable" });
    expect(unwrittenWords(new StoreError("denied", "no rights"), REQUESTS.promote)).toEqual({
      exit: "failed",
      text: "no rights; nothing was written",
    });
  });
});
