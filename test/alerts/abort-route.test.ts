/** The route `/api/abort` on a store in memory: its answers, its writes, and its words in the log. */

import { beforeEach, describe, expect, test } from "bun:test";
import type { AdminPage, Asked } from "../../src/admin/pages.ts";
import { LINES_MAX } from "../../src/alerts/abort-lines.ts";
import { type AbortRouteOptions, abortRoute } from "../../src/alerts/abort-route.ts";
import { CLOCK_SKEW_MS } from "../../src/alerts/future-alerts.ts";
import type { TokenLook } from "../../src/alerts/token-look.ts";
import type { Release } from "../../src/releases/release.ts";
import { releaseField } from "../../src/releases/release-field.ts";
import { type Store, StoreError } from "../../src/stores/store.ts";
import { BEGAN_MS, OTHER_KEY, releaseOf } from "../releases/world.ts";
import { KeptLog } from "../support/logged.ts";
import { MemoryStore } from "../support/memory-store.ts";
import { alertOf, bodyOf } from "./webhook.ts";

const TOKEN = "0123456789abcdef0123";
const BEARER = { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" };
const KNOWN = ["shop", "blog", "wiki"];

let store: MemoryStore;
let log: KeptLog;
let nowMs: number;

beforeEach(() => {
  nowMs = BEGAN_MS + 600_000;
  store = new MemoryStore(() => BEGAN_MS + 600_000);
  log = new KeptLog();
});

function put(application: string, release: Release = releaseOf(), version = "canary"): void {
  const [rollout, offset] = release.wrote;
  store.put(application, version, { rollout, offset, release: releaseField(release) });
}

const recordOf = (application: string, version = "canary") =>
  store.snapshot(application).get(version)?.value as {
    readonly rollout: number;
    readonly why?: string;
    readonly updatedBy?: string;
    readonly release: { readonly state: string };
  };

function routeOptions(options: Partial<AbortRouteOptions> = {}): AbortRouteOptions {
  const lookAt: TokenLook = async (token) => (token === TOKEN ? "right" : "wrong");
  return {
    ...{ store, storeFlags: [], lookAt, log, isServed: (name) => KNOWN.includes(name) },
    ...{ wallClock: () => nowMs, ...options },
  };
}

/** @param options also a route that more than one message comes to */
async function post(
  body: string,
  headers: Readonly<Record<string, string>> = BEARER,
  options: Partial<AbortRouteOptions> & { readonly route?: ReturnType<typeof abortRoute> } = {},
): Promise<AdminPage> {
  const [, { make }] = options.route ?? abortRoute(routeOptions(options));
  const asked: Asked = {
    ...{ query: "", headers: new Map(Object.entries(headers)), body, peer: "10.0.0.9" },
    closing: new AbortController().signal,
  };
  return make(asked);
}

const resultsOf = ({ body }: AdminPage) =>
  (
    JSON.parse(String(body)) as {
      readonly results: readonly { readonly kind: string; readonly text: string }[];
    }
  ).results;

const abortOf = (application: string, more: Readonly<Record<string, string>> = {}) =>
  alertOf({ maxwells_daemon_abort: application, ...more });

describe("an alert that fires", () => {
  test("aborts the release that runs; the record and the log name the alert and the receiver", async () => {
    put("shop");
    const reply = await post(bodyOf([abortOf("shop")]));
    expect([reply.status, resultsOf(reply)]).toEqual([
      200,
      [expect.objectContaining({ kind: "aborted", application: "shop", version: "canary" })],
    ]);
    expect(recordOf("shop")).toMatchObject({
      rollout: 0,
      release: { state: "aborted", reason: "alert CheckoutErrors fired (receiver release-abort)" },
      why: "alert CheckoutErrors fired (receiver release-abort)",
      updatedBy: expect.stringMatching(/^alertmanager:release-abort@./),
    });
    expect(log.at("warn")).toEqual([
      {
        level: "warn",
        message: "an alert aborted a release, and its visitors go to master",
        fields: expect.objectContaining({ application: "shop", version: "canary" }),
      },
    ]);
  });

  test("finds nothing to abort the second time, and writes nothing", async () => {
    put("shop");
    await post(bodyOf([abortOf("shop")]));
    const { write } = store.calls;
    const again = await post(bodyOf([abortOf("shop")]));
    expect([again.status, resultsOf(again)[0]?.kind, store.calls.write]).toEqual([200, "nothing", write]);
  });

  test("aborts a release that is paused or promoted, too", async () => {
    put("shop", releaseOf({ state: "paused" }));
    put("blog", releaseOf({ state: "promoted", step: 4, wrote: [1, 0.25] }));
    expect((await post(bodyOf([abortOf("shop"), abortOf("blog")]))).status).toBe(200);
    expect([recordOf("shop").rollout, recordOf("blog").rollout]).toEqual([0, 0]);
  });

  test("leaves a release alone that began after the alert, also by a millisecond", async () => {
    const beganMs = Date.parse("2026-11-29T12:05:00.124Z");
    const arcs = [[beganMs, 0.05, 0.25]] as const;
    put("shop", releaseOf({ arcs, since: new Date(beganMs).toISOString() }));
    const reply = await post(bodyOf([abortOf("shop")]));
    expect([reply.status, resultsOf(reply)]).toEqual([
      200,
      [
        expect.objectContaining({
          kind: "nothing",
          text: "CheckoutErrors began before release 7 of shop, so it goes on",
        }),
      ],
    ]);
    expect(recordOf("shop").rollout).toBe(0.05);
    put("shop", releaseOf({ arcs: [[beganMs - 1, 0.05, 0.25]] }));
    expect(resultsOf(await post(bodyOf([abortOf("shop")])))[0]?.kind).toBe("aborted");
  });

  test("leaves a release alone that a person begins between the read and the write", async () => {
    put("shop");
    const next = releaseOf({ key: OTHER_KEY, id: 8 });
    const racing: Store = {
      ...{ address: "memory:", write: (...of) => store.write(...of), close: async () => {} },
      async read(...of) {
        const snapshot = await store.read(...of);
        put("shop", next);
        return snapshot;
      },
    };
    const reply = await post(bodyOf([abortOf("shop")]), BEARER, { store: racing });
    expect([reply.status, resultsOf(reply)[0]?.kind, recordOf("shop").rollout]).toEqual([
      200,
      "nothing",
      0.05,
    ]);
  });

  test("that says it begins in the future counts from its first time, and aborts no later release", async () => {
    const route = abortRoute(routeOptions());
    const body = bodyOf([alertOf({ maxwells_daemon_abort: "shop" }, { startsAt: "2036-01-01T00:00:00Z" })]);
    put("shop");
    expect(resultsOf(await post(body, BEARER, { route }))[0]?.kind).toBe("aborted");
    expect(log.at("warn")[0]?.fields).toMatchObject({
      ...{ alert: "CheckoutErrors", startsAt: "2036-01-01T00:00:00.000Z" },
    });
    // Alertmanager repeats the alert for as long as it fires.
    put("shop", releaseOf({ key: OTHER_KEY, id: 8, arcs: [[nowMs + 1, 0.05, 0.25]] }));
    nowMs += 300_000;
    const again = resultsOf(await post(body, BEARER, { route }))[0];
    expect([again?.kind, again?.text, recordOf("shop").rollout]).toEqual([
      "nothing",
      "CheckoutErrors began before release 8 of shop, so it goes on",
      0.05,
    ]);
  });

  test("that begins within a minute counts as it says, because clocks differ", async () => {
    const startsAt = (aheadMs: number) => ({ startsAt: new Date(nowMs + aheadMs).toISOString() });
    put("shop", releaseOf({ arcs: [[nowMs + 30_000, 0.05, 0.25]] }));
    const labels = { maxwells_daemon_abort: "shop" };
    const later = resultsOf(await post(bodyOf([alertOf(labels, startsAt(CLOCK_SKEW_MS + 1))])))[0];
    expect([later?.kind, recordOf("shop").rollout]).toEqual(["nothing", 0.05]);
    expect(resultsOf(await post(bodyOf([alertOf(labels, startsAt(CLOCK_SKEW_MS))])))[0]?.kind).toBe(
      "aborted",
    );
  });

  test("names its version, or its release, and aborts no other one", async () => {
    put("shop", releaseOf());
    put("shop", releaseOf({ key: OTHER_KEY, wrote: [0.05, 0.5] }), "blue");
    await post(bodyOf([abortOf("shop", { maxwells_daemon_version: "blue" })]));
    expect([recordOf("shop").rollout, recordOf("shop", "blue").rollout]).toEqual([0.05, 0]);
    const other = await post(bodyOf([abortOf("shop", { maxwells_daemon_key: OTHER_KEY })]));
    expect([other.status, recordOf("shop").rollout]).toEqual([200, 0.05]);
  });

  test("in a group aborts the release of each application, and the reason names all alerts of it", async () => {
    for (const name of KNOWN) put(name);
    const alerts = ["A", "B", "C", "D"].map((alertname) => abortOf("shop", { alertname }));
    const resolved = alertOf({ maxwells_daemon_abort: "wiki" }, { status: "resolved" });
    await post(bodyOf([...alerts, abortOf("blog"), resolved]));
    expect(KNOWN.map((name) => recordOf(name).rollout)).toEqual([0, 0, 0.05]);
    expect(recordOf("shop").why).toBe("alerts A, B, C and 1 more fired (receiver release-abort)");
  });

  test("law 5: keeps its long and hostile names out of the record", async () => {
    put("shop");
    const alertname = `\u001b[31m\ud800${"x".repeat(500)}`;
    expect((await post(bodyOf([abortOf("shop", { alertname })], { receiver: "a\nb@c" }))).status).toBe(200);
    const { why = "", updatedBy = "" } = recordOf("shop");
    expect(why).toMatch(/^alert \\u001b\[31m\ufffdx+ fired \(receiver a\\nb@c\)$/);
    expect(why.length).toBeLessThan(200);
    expect(updatedBy).toStartWith("alertmanager:a_b_c@");
  });
});

test("law 5: names of any length and number make no long line in the log", async () => {
  put("shop");
  const long = "x".repeat(20_000);
  const startsAt = "2020-01-01T00:00:00Z";
  const many = Array.from({ length: 500 }, (_, index) =>
    alertOf({ maxwells_daemon_abort: "shop", alertname: `${index}${long.slice(0, 400)}` }, { startsAt }),
  );
  await post(bodyOf([...many, abortOf(long)]));
  const wrong = [{ maxwells_daemon_version: "a/b" }, {}].map((labels) =>
    alertOf({ maxwells_daemon_abort: "shop", alertname: long, ...labels }, { startsAt: "never" }),
  );
  for (const alert of wrong) expect((await post(bodyOf([alert]))).status).toBe(400);
  expect(log.entries).toHaveLength(4);
  for (const entry of log.entries) expect(JSON.stringify(entry).length).toBeLessThan(600);
  expect(log.entries[0]?.fields["because"]).toContain(" and 497 more began before release 7 of shop");
});

test("law 5: any number of applications makes few lines in the log: one has the number of the others", async () => {
  const strangers = Array.from({ length: 2_300 }, (_, index) => abortOf(`other-${index}`));
  put("shop");
  const reply = await post(bodyOf([...strangers, abortOf("shop")]));
  expect([reply.status, resultsOf(reply).length, recordOf("shop").rollout]).toEqual([200, 2_301, 0]);
  expect(log.at("warn")).toHaveLength(1);
  const lines = log.at("info");
  expect(lines).toHaveLength(LINES_MAX + 1);
  expect(lines.at(-1)?.fields).toMatchObject({ more: 2_300 - LINES_MAX });
});

describe("there is nothing to abort", () => {
  test.each([
    ["the daemon does not serve the application", bodyOf([abortOf("other")]), "does not serve other"],
    ["no release is under way", bodyOf([abortOf("blog")]), "no release of blog is under way"],
  ])("if %s: the answer has words, and so has the log", async (_, body, words) => {
    const reply = await post(body);
    expect(reply.status).toBe(200);
    expect(resultsOf(reply)[0]?.text).toContain(words);
    expect(log.at("info")[0]?.fields["because"]).toContain(words);
    expect(store.calls.write).toBe(0);
  });

  test("if all alerts are resolved, or do not ask for it", async () => {
    put("shop");
    const resolved = alertOf({ maxwells_daemon_abort: "shop" }, { status: "resolved" });
    const reply = await post(bodyOf([resolved, alertOf({ application: "shop" })], { status: "resolved" }));
    expect([reply.status, resultsOf(reply), recordOf("shop").rollout]).toEqual([200, [], 0.05]);
    expect(store.calls.read).toBe(0);
  });
});

describe("the answer says whether Alertmanager should try again", () => {
  const failing = (fault: StoreError): Store => ({
    ...{ address: "memory:", close: async () => {} },
    read: () => Promise.reject(fault),
    write: () => Promise.reject(fault),
  });

  test("503 while the store is away, and then the abort is done", async () => {
    put("shop");
    const gone = failing(new StoreError("unavailable", "the store does not answer"));
    expect((await post(bodyOf([abortOf("shop")]), BEARER, { store: gone })).status).toBe(503);
    expect(log.at("error")[0]?.message).toContain("Alertmanager sends it again");
    expect((await post(bodyOf([abortOf("shop")]))).status).toBe(200);
    expect(recordOf("shop").rollout).toBe(0);
  });

  test("503 also if the store of one application alone is away, and the others are aborted", async () => {
    put("shop");
    put("blog");
    store.before = (application) => {
      if (application === "blog") throw new StoreError("unavailable", "no answer");
      return undefined;
    };
    expect((await post(bodyOf([abortOf("shop"), abortOf("blog")]))).status).toBe(503);
    expect([recordOf("shop").rollout, recordOf("blog").rollout]).toEqual([0, 0.05]);
  });

  test("409 if the store is read-only", async () => {
    put("shop");
    const readOnly: Store = { address: "memory:", read: (...of) => store.read(...of), close: async () => {} };
    expect((await post(bodyOf([abortOf("shop")]), BEARER, { store: readOnly })).status).toBe(409);
  });

  test("409 if the release is of a newer program, while its version has visitors", async () => {
    store.put("shop", "canary", { rollout: 0.05, release: { ...releaseField(releaseOf()), format: 2 } });
    const reply = await post(bodyOf([abortOf("shop")]));
    expect([reply.status, resultsOf(reply)[0]?.kind]).toEqual([409, "refused"]);
    store.put("shop", "canary", { rollout: 0, release: { ...releaseField(releaseOf()), format: 2 } });
    expect((await post(bodyOf([abortOf("shop")]))).status).toBe(200);
  });
});

describe("a request is refused, and nothing is written,", () => {
  test.each([
    ["without a token", { "content-type": "application/json" }, 401],
    ["with a wrong token", { ...BEARER, authorization: "Bearer 0123456789abcdef0124" }, 401],
    ["with the token in another form", { ...BEARER, authorization: `Basic ${TOKEN}` }, 401],
    ["of a form", { ...BEARER, "content-type": "application/x-www-form-urlencoded" }, 415],
    ["of a browser, also on the same site", { ...BEARER, "sec-fetch-site": "same-origin" }, 403],
    ["with an origin", { ...BEARER, origin: "http://127.0.0.1:6293" }, 403],
  ])("%s", async (_, headers, status) => {
    put("shop");
    expect((await post(bodyOf([abortOf("shop")]), headers)).status).toBe(status);
    expect(recordOf("shop").rollout).toBe(0.05);
    expect(JSON.stringify(log.entries)).not.toContain("0123456789abcdef");
  });

  test("with a body that is not Alertmanager's: 400", async () => {
    expect((await post("{}")).status).toBe(400);
    expect(log.at("error")[0]?.fields["error"]).toContain("not a webhook of Alertmanager");
  });

  test("after too many wrong tokens: 503, so that Alertmanager tries again", async () => {
    const lookAt: TokenLook = async () => "too-often";
    expect((await post(bodyOf([]), BEARER, { lookAt })).status).toBe(503);
  });

  test("by a daemon without a token: 403", async () => {
    expect((await post(bodyOf([]), BEARER, { lookAt: undefined })).status).toBe(403);
  });
});
