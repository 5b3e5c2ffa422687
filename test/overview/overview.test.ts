import { describe, expect, test } from "bun:test";
import type { Reading } from "../../src/feed/reading.ts";
import { Overview, type OverviewOptions } from "../../src/overview/overview.ts";
import type { Release } from "../../src/releases/release.ts";
import { releaseField } from "../../src/releases/release-field.ts";
import type { Snapshot } from "../../src/stores/store.ts";
import { KEY, OTHER_KEY, releaseOf } from "../releases/world.ts";
import { KeptLog } from "../support/logged.ts";

interface World {
  readonly overview: Overview;
  readonly log: KeptLog;
  /** The feed reads these releases of website; other fields are those of the record of canary. */
  read(releases: Readonly<Record<string, Release>>, record?: object, isSame?: boolean): Snapshot;
  counted(): unknown;
}

function world(leading?: OverviewOptions["leading"]): World {
  const log = new KeptLog();
  const overview = new Overview({ leading, log });
  return {
    ...{ overview, log },
    read(releases, record = {}, isSame = false) {
      const snapshot = new Map(
        Object.entries(releases).map(([version, release]) => {
          const [rollout, offset] = release.wrote;
          const value = { rollout, offset, release: releaseField(release), ...record };
          return [version, { value, revision: "1" }];
        }),
      );
      overview.follow(readingOf(snapshot, isSame));
      return snapshot;
    },
    counted: () =>
      Array.from(overview.counts(), ({ version, advances, aborts }) => ({
        ...{ version, advances },
        aborts: Object.entries(aborts).filter(([, count]) => count > 0),
      })),
  };
}

function readingOf(snapshot: Snapshot, isSame = false): Reading {
  return { application: "website", snapshot, ageMs: 0, isSame, arcs: [], malformed: new Set() };
}

function never(): never {
  throw new Error("the store's own object throws");
}

const over = (state: "aborted" | "finished", changes: Partial<Release> = {}) =>
  releaseOf({ state, seq: 5, wrote: [0, 0.25], log: [], ...changes });

describe("the releases of an application", () => {
  test("are known although the record of another version throws when it is read", () => {
    const { overview } = world();
    const hostile = Object.defineProperty({}, "release", { enumerable: true, get: () => never() });
    const release = releaseOf();
    const value = { rollout: release.wrote[0], offset: release.wrote[1], release: releaseField(release) };
    const records = { blue: hostile, canary: value };
    overview.follow(
      readingOf(
        new Map(Object.entries(records).map(([version, each]) => [version, { value: each, revision: "1" }])),
      ),
    );
    expect(overview.of("website").known.map(({ version }) => version)).toEqual(["canary"]);
  });

  test("are those that go on; the last one if none does", () => {
    const { overview, read } = world();
    read({ canary: over("finished", { id: 6 }), blue: releaseOf({ id: 7, key: OTHER_KEY }) });
    expect(overview.of("website").known.map(({ version, state }) => [version, state])).toEqual([
      ["blue", "running"],
    ]);
    read({ canary: over("finished", { id: 6 }), blue: over("aborted", { id: 7, key: OTHER_KEY }) });
    expect(overview.of("website").known.map(({ version, id }) => [version, id])).toEqual([["blue", 7]]);
    expect([...overview.known()]).toEqual([...overview.of("website").known]);
  });

  test("have what people ask for, and no log", () => {
    const { overview, read } = world();
    read({ canary: releaseOf({ reason: "lunch" }) }, { updatedBy: "web-2" });
    expect(overview.of("website").known).toEqual([
      {
        ...{
          application: "website",
          version: "canary",
          id: 7,
          key: KEY,
          seq: 4,
          of: "v42",
          state: "running",
        },
        ...{ step: 2, steps: 4, since: "2026-11-29T12:00:00.000Z", reason: "lunch", from: undefined },
        ...{ rollout: 0.05, isFading: false, foreign: "none", otherVersion: undefined, by: "web-2" },
      },
    ]);
  });

  test("that cannot be read are told apart, and hostile values do no harm", () => {
    const { overview, read } = world();
    read({ canary: releaseOf({ step: -1 }) });
    expect([...overview.unreadable()]).toEqual([
      { application: "website", version: "canary", problem: "its field step is malformed" },
    ]);
    read({ canary: releaseOf() }, { rollout: "high" });
    expect([...overview.unreadable()].map(({ problem }) => problem)).toEqual(["its record is malformed"]);
    const thrower = Object.defineProperty({}, "release", {
      get: () => {
        throw new Error("no");
      },
    });
    for (const value of [undefined, null, 7, "text", [], thrower, { release: null }]) {
      overview.follow(readingOf(new Map([["canary", { value, revision: "1" }]])));
      expect(overview.of("website")).toEqual({ known: [], unreadable: [] });
    }
    expect(overview.of("shop")).toEqual({ known: [], unreadable: [] });
  });

  test("are not read again if the snapshot is the same", () => {
    const { overview, read } = world();
    const snapshot = read({ canary: releaseOf() });
    const { known } = overview.of("website");
    overview.follow(readingOf(snapshot));
    expect(overview.of("website").known).toBe(known);
  });
});

describe("counts", () => {
  test("begin at 0 with a release that is under way, and have no release that was over before", () => {
    const { read, counted } = world();
    read({ canary: over("aborted") });
    expect(counted()).toEqual([]);
    read({ canary: releaseOf({ key: OTHER_KEY, step: 1, seq: 6 }) });
    expect(counted()).toEqual([{ version: "canary", advances: 0, aborts: [] }]);
  });

  test("have each step once, also two between two looks", () => {
    const { read, counted } = world();
    read({ canary: releaseOf({ step: 1, seq: 1 }) });
    read({ canary: releaseOf({ step: 2, seq: 2 }) });
    read({ canary: releaseOf({ step: 2, seq: 2 }) });
    read({ canary: releaseOf({ step: 4, seq: 4, state: "promoted" }) });
    expect(counted()).toEqual([{ version: "canary", advances: 3, aborts: [] }]);
  });

  test("do not have the first look of the daemon, nor an older state of the store", () => {
    const { read, counted } = world();
    read({ canary: releaseOf({ step: 3, seq: 9 }) });
    read({ canary: releaseOf({ step: 1, seq: 2 }) });
    expect(counted()).toEqual([{ version: "canary", advances: 0, aborts: [] }]);
  });

  const ABORTS: readonly [what: string, release: Release, author: string | undefined, reason: string][] = [
    ["of a person", over("aborted", { reason: "INC-42" }), "ada@web-1", "person"],
    ["of a check", over("aborted", { reason: "errors: 9 of 10" }), "web-1", "verdict"],
    ["without an author", over("aborted"), undefined, "unknown"],
    ["by time", over("aborted", { reason: "inconclusive" }), "web-1", "inconclusive"],
    ["of another writer", over("aborted", { reason: "foreign-zero" }), "web-1", "foreign"],
    ["of an older store", over("aborted", { reason: "store-went-back" }), "web-1", "store"],
    [
      "whose log names the author",
      over("aborted", { log: [[5, 0, "aborted", 2, 0, "ada@web-1"]] }),
      "web-1",
      "person",
    ],
  ];
  for (const [what, release, updatedBy, reason] of ABORTS) {
    test(`an abort ${what} counts once as ${reason}`, () => {
      const { read, counted } = world();
      read({ canary: releaseOf() });
      read({ canary: release }, { updatedBy });
      read({ canary: release }, { updatedBy });
      expect(counted()).toEqual([{ version: "canary", advances: 0, aborts: [[reason, 1]] }]);
    });
  }

  test("have a release that began and ended between two looks", () => {
    const { read, counted } = world();
    read({ canary: over("finished") });
    read({ canary: over("aborted", { key: OTHER_KEY, seq: 9, step: 2 }) }, { updatedBy: "ada@web-1" });
    expect(counted()).toEqual([{ version: "canary", advances: 1, aborts: [["person", 1]] }]);
  });

  test("name a limited number of versions", () => {
    const { read, counted } = world();
    for (let index = 0; index < 40; index++) read({ [`v${index}`]: releaseOf() });
    expect(counted()).toHaveLength(17);
  });
});

describe("the log of a daemon that leads nothing", () => {
  const paused = releaseOf({
    ...{ state: "paused", seq: 5, reason: "lunch" },
    log: [[5, 0, "paused", 2, 0.05, "ada@web-1"]],
  });

  test("has a line for a transition that changes no rollout, and none for another", () => {
    const { read, log } = world();
    read({ canary: releaseOf() });
    read({ canary: paused }, {}, true);
    read({ canary: paused }, {}, true);
    // The feed has the line of a changed rollout.
    read({ canary: releaseOf({ seq: 6, step: 3, wrote: [0.25, 0.25] }) });
    expect(log.entries.map(({ message, fields }) => [message, fields["by"], fields["reason"]])).toEqual([
      ["release 7 of website is paused, step 2/4", "ada@web-1", "lunch"],
    ]);
  });

  test("has no line if this daemon's controller has one", () => {
    const { read, log } = world(() => {
      throw new Error("not asked");
    });
    read({ canary: releaseOf() });
    read({ canary: paused }, {}, true);
    expect(log.entries).toEqual([]);
  });
});
