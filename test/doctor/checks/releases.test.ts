/** The check `releases`, on pages of daemons and on a store in memory. */

import { describe, expect, test } from "bun:test";
import type { State } from "../../../src/admin/state.ts";
import { releases } from "../../../src/doctor/checks/releases.ts";
import { DaemonSide } from "../../../src/doctor/daemon-side.ts";
import type { Finding } from "../../../src/doctor/finding.ts";
import { storeSide as lookAtStore, type StoreSide } from "../../../src/doctor/store-side.ts";
import type { Options, Subject } from "../../../src/doctor/subject.ts";
import type { LeadState, ReleaseState } from "../../../src/overview/release-state.ts";
import { releaseField } from "../../../src/releases/release-field.ts";
import { type Store, StoreError } from "../../../src/stores/store.ts";
import { tryWrite } from "../../../src/verbs/write-trial.ts";
import { KEY, releaseOf } from "../../releases/world.ts";
import { MemoryStore } from "../../support/memory-store.ts";

const LEAD: LeadState = {
  ...{ ledBy: ["web-1"], nobodyLeads: false, problem: null, waits: [], checks: [], overriddenBy: [] },
};
const RELEASE: ReleaseState = {
  ...{ version: "canary", id: 7, key: KEY, seq: 4, of: "v42", state: "running", step: 2, steps: 4 },
  ...{ rollout: 0.05, since: "2026-11-29T12:10:03Z", by: "web-1", reason: null, fading: false },
  ...{ foreign: "none", otherVersion: null, override: null, lead: LEAD },
};
const CONTROLLER: NonNullable<State["controller"]> = {
  ...{ name: "web-1", problem: null, releases: 1, advances: 0, aborts: 0, failures: 0, freeze: null },
  ...{ storeClockAheadMs: 2, overrides: [] },
};
const ALLOWED: StoreSide = {
  ...{
    crews: new Map([[KEY, { leaders: ["web-2"], unable: [] }]]),
    write: { kind: "allowed" },
    clockAheadMs: 1,
  },
  hasEvidence: true,
};

interface Case {
  readonly release?: Partial<ReleaseState> | null;
  readonly controller?: Partial<typeof CONTROLLER> | null;
  readonly notices?: State["notices"];
  readonly problems?: readonly { version: string; problem: string }[];
  readonly side?: Partial<StoreSide>;
}

/** The application of each trial of a write that the check asks for; undefined for a look without one. */
async function storeAskedBy(given: Case): Promise<readonly (string | undefined)[]> {
  const asked: (string | undefined)[] = [];
  await find({ ...given, side: {} }, (trial) => asked.push(trial));
  return asked;
}

function find(
  { release = {}, controller = {}, notices = [], problems = [], side }: Case,
  asked?: (trial: string | undefined) => void,
): Promise<Finding> {
  const application = {
    name: "website",
    releases: release === null ? [] : [{ ...RELEASE, ...release }],
    releaseProblems: problems,
  };
  const state = {
    ...{ store: "memory:", applications: [application], notices },
    controller: controller === null ? null : { ...CONTROLLER, ...controller },
  };
  const storeSide: Options["storeSide"] = async (_, __, trial) => {
    asked?.(trial);
    return { ...ALLOWED, ...side };
  };
  const options = { storeFlags: [], ...(side === undefined ? {} : { storeSide }) };
  const subject = { state, options, daemon: new DaemonSide(null, null, undefined) };
  return releases.run(subject as unknown as Subject, AbortSignal.timeout(5_000));
}

const FINDINGS: readonly [what: string, Case, Finding["verdict"], words: RegExp][] = [
  ["a release that is led", {}, "pass", /website: release 7 \(v42\) running, step 2\/4, led by web-1$/],
  [
    "a store without evidence, with a daemon that leads",
    { release: null, side: { hasEvidence: false } },
    "warn",
    /it admits one daemon with -releases on/,
  ],
  [
    "a store without evidence, with a daemon that only reads",
    { release: null, controller: null, side: { hasEvidence: false } },
    "pass",
    /another one must lead/,
  ],
  [
    "no release",
    { release: null, side: {} },
    "pass",
    /no release .* as web-1, and doctor may write the store$/,
  ],
  ["no release and -releases off", { release: null, controller: null }, "pass", /-releases off/],
  [
    "a daemon that only follows",
    { release: { lead: null }, controller: null, side: {} },
    "pass",
    /by web-2$/,
  ],
  [
    "a daemon that only follows, without the store",
    { release: { lead: null }, controller: null },
    "warn",
    /cannot know whether a daemon leads release 7/,
  ],
  [
    "no daemon of the fleet leads",
    {
      release: { lead: null },
      controller: null,
      side: { crews: new Map([[KEY, { leaders: [], unable: [] }]]) },
    },
    "fail",
    /^no daemon leads release 7 of website, so it does not go forward$/,
  ],
  [
    "the store refuses the writes of the only daemon of the fleet",
    {
      ...{ release: { lead: null }, controller: null },
      side: { crews: new Map([[KEY, { leaders: [], unable: ["web-3"] }]]) },
    },
    "fail",
    /^no daemon leads release 7 of website: web-3 has -releases on, but the store refuses its writes$/,
  ],
  [
    "the store refuses the writes of one daemon",
    { release: { lead: { ...LEAD, unable: ["web-3", "web-4"] } } },
    "warn",
    /^release 7 of website: web-3 and web-4 have -releases on, but the store refuses their writes$/,
  ],
  [
    "a release that no daemon has led for long",
    { release: { lead: { ...LEAD, ledBy: [], nobodyLeads: true } } },
    "fail",
    /^no daemon leads/,
  ],
  ["a daemon that may not write", { controller: { problem: "refused" } }, "fail", /^refused$/],
  [
    "a login that may not write",
    { release: null, side: { write: { kind: "denied", why: "NOAUTH" } } },
    "fail",
    /refuses writes of the login .*NOAUTH/,
  ],
  [
    "an override",
    { release: { override: { reason: "errors", at: "then" } } },
    "fail",
    /^this daemon sends all visitors of canary to master/,
  ],
  ["a stuck release", { release: { lead: { ...LEAD, problem: "full" } } }, "fail", /is stuck: full/],
  ["one that cannot be read", { problems: [{ version: "blue", problem: "odd" }] }, "fail", /of blue .*: odd/],
  ["a clock that is behind", { controller: { storeClockAheadMs: 9_000 } }, "warn", /is 9\.0s behind the/],
  ["a clock that is ahead", { side: { clockAheadMs: -9_000 }, controller: null }, "warn", /9\.0s ahead of/],
  [
    "a check without an answer",
    {
      release: {
        lead: { ...LEAD, checks: [{ name: "load", kind: "unknown", sentence: "ECONNREFUSED", ageMs: null }] },
      },
    },
    "warn",
    /check without an answer: ECONNREFUSED/,
  ],
  [
    "notices that do not arrive",
    { notices: [{ to: "slack x", sent: 1, failed: 2, waiting: 3 }] },
    "warn",
    /slack x, 2 are lost and 3 wait/,
  ],
  [
    "a freeze is told",
    { controller: { freeze: { frozen: true, by: null, at: null, why: null } } },
    "pass",
    /frozen/,
  ],
];

describe("the check finds", () => {
  for (const [what, given, verdict, words] of FINDINGS) {
    test(`${what}: ${verdict}`, async () => {
      const finding = await find(given);
      expect([finding.verdict, finding.summary]).toEqual([verdict, expect.stringMatching(words)]);
      if (verdict !== "pass") expect(finding.remedy).toMatch(/\w{4}/);
    });
  }

  test("the store by itself is not looked at without a release and a controller", async () => {
    const asked = await storeAskedBy({ release: null, controller: null });
    expect(asked).toEqual([]);
  });

  test.each([
    ["a daemon that only follows", { controller: null }, undefined],
    ["a daemon that leads", {}, "website"],
  ])("of %s it tries a write only if that daemon has to write", async (_, given: Case, trial) => {
    const asked = await storeAskedBy(given);
    expect(asked).toEqual([trial]);
  });

  test("nothing at a daemon that is older than releases", () => {
    const { skip } = releases;
    expect(skip?.({ state: { applications: [] } } as never)).toContain("older");
    expect(skip?.({ state: { why: "no", code: "none" } } as never)).toContain("admin");
  });
});

describe("the store by doctor's own settings", () => {
  const signal = AbortSignal.timeout(5_000);

  function storeWith(): MemoryStore {
    const store = new MemoryStore(() => Date.now() + 60_000);
    store.put("website", "canary", { rollout: 0.05, offset: 0.25, release: releaseField(releaseOf()) });
    return store;
  }

  test("says who leads, that it takes writes, and its clock; nothing is changed", async () => {
    const store = storeWith();
    const before = JSON.stringify([...store.values("website")]);
    const presence = { name: "web-1", beat: 1, atMs: Date.now() + 60_000, seq: 4 };
    const log = { application: "website", key: KEY };
    const unable = JSON.stringify({ ...presence, name: "web-3" });
    const lines = [`presence ${JSON.stringify(presence)}`, `unable ${unable}`];
    await store.evidence.append(log, lines, signal);
    const side = await lookAtStore(store, ["website", "shop"], "website", signal);
    expect(side.crews).toEqual(new Map([[KEY, { leaders: ["web-1"], unable: ["web-3"] }]]));
    expect(side.write).toEqual({ kind: "allowed" });
    expect(Math.round((side.clockAheadMs ?? 0) / 1_000)).toBe(60);
    expect(JSON.stringify([...store.values("website")])).toBe(before);
    expect(store.calls.append).toBe(1);
  });

  test("the trial asks to create a record that is there", async () => {
    const asked: unknown[] = [];
    const store = storeWith();
    const write: Store["write"] = async (application, version, fields, expected) => {
      asked.push([application, version, fields, expected]);
      return { ok: false, current: undefined };
    };
    const { address } = store;
    const read = store.read.bind(store);
    await tryWrite({ address, read, write, close: async () => {} }, "website", signal);
    expect(asked).toEqual([["website", "canary", { rollout: 0 }, null]]);
  });

  const REFUSALS: readonly [what: string, change: (store: MemoryStore) => Store, kind: string][] = [
    [
      "refuses the login",
      (store) => {
        store.before = () => {
          throw new StoreError("denied", "no");
        };
        return store;
      },
      "denied",
    ],
    ["is read-only", ({ address, read, close }) => ({ address, read, close }), "read-only"],
    ["has no record", () => new MemoryStore(), "unknown"],
    [
      "does not answer",
      (store) => ({
        ...{ address: store.address, write: () => Promise.reject(new StoreError("unavailable", "gone")) },
        ...{ read: store.read.bind(store), close: store.close.bind(store) },
      }),
      "unknown",
    ],
  ];
  for (const [what, change, kind] of REFUSALS) {
    test(`a store that ${what} is ${kind}`, async () => {
      const trial = await tryWrite(change(storeWith()), "website", signal);
      expect(String(trial.kind)).toBe(kind);
    });
  }
});
