/** Operators at a NATS: they edit by hand, give rights, take them, remove and compact. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nkeys } from "@nats-io/transport-node";
import { tryWrite } from "../../../src/verbs/write-trial.ts";
import { eventually } from "../../support/eventually.ts";
import {
  type NatsServer,
  natsMissing,
  newerNatsMissing,
  openNats,
  RECORDS,
  startNats,
  valuesOf,
} from "../../support/nats-server.ts";
import { reasonOf } from "../../support/reason-of.ts";
import { fails, soon } from "../../support/store-calls.ts";
import { rollouts } from "../store-suite.ts";

const missing = natsMissing() !== undefined;
const LOG = { application: "website", key: "0123456789abcdef01234567" };
const KEY = "$KV.maxwells-daemon.website.canary";

describe.skipIf(missing)("a NATS without users", () => {
  let engine: NatsServer;
  const address = () => `nats://127.0.0.1:${engine.port}/`;
  beforeAll(async () => {
    engine = await startNats();
    await engine.init();
  }, 30_000);
  afterAll(() => engine?.stop());

  test("a number by hand counts, is pushed, and stays a number when it is set", async () => {
    const store = await openNats(address());
    let count = 0;
    store.watch?.("website", () => count++);
    await eventually(() => count > 0, "the watch stands");
    const before = count;
    await engine.put([[KEY, "0.25"]]);
    await eventually(() => count > before, "a nudge");
    const snapshot = await store.read("website", soon());
    expect(rollouts(snapshot)).toEqual({ canary: 0.25 });
    await store.write?.(
      "website",
      "canary",
      { rollout: 0.5 },
      snapshot.get("canary")?.revision ?? "",
      soon(),
    );
    expect(await engine.keysOf("website")).toEqual({ [KEY]: "0.5" });
    await store.close();
  });

  test("a value that is not JSON spoils its own record only, and other keys are left alone", async () => {
    await engine.put([
      ["$KV.maxwells-daemon.typo.canary", "0,25"],
      ["$KV.maxwells-daemon.typo.blue", '{"rollout": 0.1}'],
      ["$KV.maxwells-daemon.typo", "0.5"],
      ["$KV.maxwells-daemon.typo.a.b", "0.5"],
      ['$KV.maxwells-daemon.typo.odd}"key', "0.5"],
    ]);
    const store = await openNats(address());
    expect(rollouts(await store.read("typo", soon()))).toEqual({ canary: "0,25", blue: 0.1 });
    const names = Array.from({ length: 12 }, (_, index) => `other-${index}`);
    const many = await store.readMany?.(["typo", ...names], soon());
    expect(rollouts(many?.get("typo") as never)).toEqual({ canary: "0,25", blue: 0.1 });
    expect(await store.applications?.(soon())).toContain("typo");
    await store.close();
  });

  test("a bucket is another world, and one that is missing names the command", async () => {
    const other = await openNats(`${address()}other`);
    expect(await fails(other.read("website", soon()))).toMatchObject({
      code: "missing",
      message: expect.stringContaining("maxwells-daemon init-store"),
    });
    expect(await fails(other.write?.("website", "canary", { rollout: 1 }, null, soon()))).toMatchObject({
      code: "missing",
    });
    expect(await fails(other.evidence?.append(LOG, ["x"], soon()))).toMatchObject({ code: "missing" });
    expect(await other.init?.(soon())).toContain("KV_other was made; the stream other-evidence was made");
    expect(await other.init?.(soon())).toContain("KV_other is there; the stream other-evidence is there");
    expect(await other.read("website", soon())).toEqual(new Map());
    await other.close();
  });

  test("a bucket that an operator made with other settings stays as it is", async () => {
    const config = { name: "KV_own", subjects: ["$KV.own.>"], max_msgs_per_subject: 1, storage: "memory" };
    await engine.api("STREAM.CREATE.KV_own", config);
    const own = await openNats(`${address()}own`);
    expect(await own.init?.(soon())).toContain("KV_own is there");
    const { config: kept } = (await engine.api("STREAM.INFO.KV_own")) as { config: Record<string, unknown> };
    expect(kept).toMatchObject({ max_msgs_per_subject: 1, storage: "memory" });
    await own.close();
  });

  test("history has the values that were put by hand, removals, and the time of NATS", async () => {
    const beganMs = Date.now();
    const subject = "$KV.maxwells-daemon.past.canary";
    const written = { rollout: 0.3, updatedBy: "ada", why: "more" };
    await engine.put([[subject, "0.1"]]);
    await engine.put([[subject, undefined]]);
    await engine.put([[subject, JSON.stringify(written)]]);
    const store = await openNats(address());
    const past = (await store.history?.("past", 10, soon())) ?? [];
    expect(past.map(({ version, value }) => [version, value])).toEqual([
      ["canary", written],
      ["canary", undefined],
      ["canary", 0.1],
    ]);
    for (const { atMs = 0 } of past) {
      expect(atMs).toBeGreaterThanOrEqual(beganMs - 50);
      expect(atMs).toBeLessThanOrEqual(Date.now() + 50);
    }
    expect(await store.history?.("past", 2, soon())).toEqual(past.slice(0, 2));
    await store.close();
  });

  test("the bucket keeps 64 values of a key, and no record that is too long is written", async () => {
    const subject = "$KV.maxwells-daemon.deep.canary";
    for (let value = 0; value < 70; value++) await engine.put([[subject, String(value / 100)]]);
    const store = await openNats(address());
    const past = (await store.history?.("deep", 1_000, soon())) ?? [];
    expect(past.map(({ value }) => value)).toEqual(
      Array.from({ length: 64 }, (_, index) => (69 - index) / 100),
    );
    const long = { rollout: 0.5, note: "x".repeat(70_000) };
    expect(await fails(store.write?.("deep", "long", long, null, soon()))).toMatchObject({ code: "refused" });
    expect(
      await reasonOf(engine.put([["$KV.maxwells-daemon.deep.huge", "x".repeat(200_000)]])),
    ).toBeDefined();
    expect((await store.read("deep", soon())).size).toBe(1);
    await store.close();
  });

  test("a purge of a key and a message that is deleted alone are seen", async () => {
    await engine.put(valuesOf("purged", { canary: 0.5, blue: 0.25, green: 0.1 }));
    const store = await openNats(address());
    await engine.api(`STREAM.PURGE.${RECORDS}`, { filter: "$KV.maxwells-daemon.purged.blue" });
    expect(rollouts(await store.read("purged", soon()))).toEqual({ canary: 0.5, green: 0.1 });
    await store.close();
  });
});

describe.skipIf(missing)("a NATS with users, and the rights of docs/stores/nats.md", () => {
  let engine: NatsServer;
  beforeAll(async () => {
    const root = '{ user: root, password: "root-secret" }';
    const own = `{ user: owner, password: "owner-secret", permissions: { publish: [
      "$JS.API.STREAM.INFO.KV_maxwells-daemon", "$JS.API.STREAM.MSG.GET.KV_maxwells-daemon"
      "$KV.maxwells-daemon.website.>" ], subscribe: "_INBOX.>" } }`;
    const config = (await configOfPage()).replace("users: [", `users: [\n${root}\n${own}`);
    engine = await startNats({ config, login: { user: "root", pass: "root-secret" } });
    await engine.init();
    await engine.put([[KEY, "0.25"]]);
  }, 30_000);
  afterAll(() => engine?.stop());
  const as = (user: string, warnings?: string[]) =>
    openNats(`nats://${user}:${user}-secret@127.0.0.1:${engine.port}/`, warnings);

  test("the daemon's user reads, watches, remembers and tells, and may not write", async () => {
    const warnings: string[] = [];
    const store = await as("daemon", warnings);
    let count = 0;
    store.watch?.("website", () => count++);
    store.watch?.("another", () => {});
    await eventually(() => count > 0, "the watch stands");
    const before = count;
    await engine.put([[KEY, "0.5"]]);
    await eventually(() => count > before, "a nudge");
    const snapshot = await store.read("website", soon());
    expect(rollouts(snapshot)).toEqual({ canary: 0.5 });
    expect(await store.history?.("website", 5, soon())).toHaveLength(2);
    expect(await store.clock?.(soon())).toBeNumber();
    await store.evidence?.append(LOG, ["how visitors fare"], soon());
    const revision = snapshot.get("canary")?.revision ?? "";
    expect(await fails(store.write?.("website", "canary", { rollout: 1 }, revision, soon()))).toMatchObject({
      code: "denied",
      message: expect.stringMatching(
        /publish to \$KV\.maxwells-daemon\.website\.canary; .*docs\/stores\/nats\.md/,
      ),
    });
    // A trial of the rights asks for a write that cannot succeed.
    expect(await tryWrite(store, "website", soon())).toMatchObject({ kind: "denied" });
    expect(await fails(store.evidence?.read(LOG, undefined, soon()))).toMatchObject({ code: "denied" });
    expect(await fails(store.init?.(soon()))).toMatchObject({ code: "denied" });
    expect(warnings).toEqual([]);
    await store.close();
  });

  test("the operator's user writes records, and only reads evidence", async () => {
    const store = await as("operator");
    const revision = (await store.read("website", soon())).get("canary")?.revision ?? "";
    expect(await store.write?.("website", "canary", { rollout: 0.75 }, revision, soon())).toMatchObject({
      ok: true,
    });
    expect(await fails(store.evidence?.append(LOG, ["more"], soon()))).toMatchObject({ code: "denied" });
    await store.evidence?.read(LOG, undefined, soon());
    await store.close();
  });

  test("the controller's user writes records and evidence", async () => {
    const store = await as("controller");
    await store.evidence?.append(LOG, ["presence"], soon());
    expect((await store.evidence?.read(LOG, undefined, soon()))?.batches).toContain("presence");
    const fields = { rollout: 0.05, release: { key: LOG.key, state: "running" } };
    const written = await store.write?.("website", "released", fields, null, soon());
    expect(written).toMatchObject({ ok: true });
    const revision = written?.ok ? written.revision : "";
    expect(await store.remove?.("website", "released", revision, soon())).toEqual({ ok: true });
    await store.close();
  });

  test("an operator of one application writes no other, and finds changes by the poll", async () => {
    const warnings: string[] = [];
    const store = await as("owner", warnings);
    store.watch?.("website", () => {});
    await eventually(() => warnings.length > 0, "a warning");
    expect(warnings.join()).toContain("found by the poll");
    expect(await store.write?.("website", "own", { rollout: 0 }, null, soon())).toMatchObject({ ok: true });
    expect(await fails(store.write?.("another", "own", { rollout: 0 }, null, soon()))).toMatchObject({
      code: "denied",
    });
    expect(warnings.length).toBe(1);
    const names = Array.from({ length: 12 }, (_, index) => `other-${index}`);
    for (let round = 0; round < 2; round++) {
      const many = await store.readMany?.(["website", ...names], soon());
      expect(rollouts(many?.get("website") as never)).toMatchObject({ own: 0 });
    }
    await store.close();
  });

  test.each([
    ["no login", (port: number) => `nats://127.0.0.1:${port}/`],
    ["a wrong password", (port: number) => `nats://daemon:wrong-secret@127.0.0.1:${port}/`],
    ["a token", (port: number) => `nats://token-secret@127.0.0.1:${port}/`],
  ])("%s is denied, with the remedy and no secret", async (_name, at) => {
    const store = await openNats(at(engine.port));
    const error = await fails(store.read("website", soon()));
    expect(error).toMatchObject({ code: "denied", message: expect.stringContaining("correct the login") });
    for (const shown of [Bun.inspect(error), Bun.inspect(store), store.address]) {
      expect(shown).not.toContain("secret");
    }
    await store.close();
  });
});

test.skipIf(newerNatsMissing() !== undefined)("a newer NATS does all that a store does", async () => {
  const engine = await startNats({ isNewer: true });
  const store = await openNats(`nats://127.0.0.1:${engine.port}/`);
  try {
    expect(await store.init?.(soon())).toContain("was made");
    const beganMs = Date.now();
    expect(await store.clock?.(soon())).toBeGreaterThanOrEqual(beganMs - 1_000);
    let count = 0;
    store.watch?.("website", () => count++);
    await eventually(() => count > 0, "the watch stands");
    const before = count;
    const written = await store.write?.("website", "canary", { rollout: 0.25 }, null, soon());
    await eventually(() => count > before, "a nudge");
    const names = Array.from({ length: 12 }, (_, index) => `other-${index}`);
    const many = await store.readMany?.(["website", ...names], soon());
    expect(rollouts(many?.get("website") as never)).toEqual({ canary: 0.25 });
    const revision = written?.ok ? written.revision : "";
    expect(await store.remove?.("website", "canary", revision, soon())).toEqual({ ok: true });
    expect(await store.write?.("website", "canary", { rollout: 0.5 }, null, soon())).toMatchObject({
      ok: true,
    });
    expect((await store.history?.("website", 9, soon()))?.map(({ value }) => value)).toEqual([
      0.5,
      undefined,
      0.25,
    ]);
    await store.evidence?.append(LOG, ["one"], soon());
    expect((await store.evidence?.read(LOG, undefined, soon()))?.batches).toEqual(["one"]);
  } finally {
    await store.close();
    await engine.stop();
  }
});

describe.skipIf(missing)("logins of NATS", () => {
  const directory = mkdtempSync(join(tmpdir(), "maxwells-daemon-nats-logins-"));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test("a token, from the address or the environment", async () => {
    const engine = await startNats({
      config: 'authorization { token: "s3cret" }',
      hasJetStream: false,
      token: "s3cret",
    });
    try {
      for (const [address, environment] of [
        [`nats://s3cret@127.0.0.1:${engine.port}/`, {}],
        [`nats://127.0.0.1:${engine.port}/`, { NATS_TOKEN: "s3cret" }],
      ] as const) {
        const store = await openNats(address, [], environment);
        // This server lets the daemon in, and has no JetStream.
        expect(await fails(store.read("website", soon()))).toMatchObject({
          code: "unavailable",
          message: expect.stringContaining("-js"),
        });
        await store.close();
      }
    } finally {
      await engine.stop();
    }
  });

  test("an nkey, and a file of credentials, by an operator's signatures", async () => {
    const user = nkeys.createUser();
    const [nkey, creds] = [join(directory, "user.nk"), join(directory, "user.creds")];
    writeFileSync(nkey, `${Buffer.from(user.getSeed()).toString()}\n`);
    const engine = await startNats({
      config: `authorization { users: [ { nkey: ${user.getPublicKey()} } ] }`,
      hasJetStream: false,
      nkeySeed: user.getSeed(),
    });
    const trust = credentials();
    writeFileSync(creds, trust.creds);
    const guarded = await startNats({ config: trust.config, creds: trust.creds });
    try {
      const store = await openNats(`nats://127.0.0.1:${engine.port}/?nkey=${nkey}`);
      expect(await fails(store.read("website", soon()))).toMatchObject({ code: "unavailable" });
      await store.close();
      const trusted = await openNats(`nats://127.0.0.1:${guarded.port}/?creds=${creds}`);
      await trusted.init?.(soon());
      expect(await trusted.write?.("website", "canary", { rollout: 0.5 }, null, soon())).toMatchObject({
        ok: true,
      });
      expect(rollouts(await trusted.read("website", soon()))).toEqual({ canary: 0.5 });
      await trusted.close();
      const gone = await openNats(`nats://127.0.0.1:${guarded.port}/?creds=${creds}.gone`);
      expect(await fails(gone.read("website", soon()))).toMatchObject({ code: "missing" });
      await gone.close();
    } finally {
      await engine.stop();
      await guarded.stop();
    }
  }, 30_000);
});

/** The block of docs/stores/nats.md for the server's configuration. */
async function configOfPage(): Promise<string> {
  const page = await Bun.file(join(import.meta.dir, "../../../docs/stores/nats.md")).text();
  const [, config = ""] = /```\n(authorization [\s\S]*?)```/.exec(page) ?? [];
  expect(config).toContain("user: controller");
  return config;
}

/** An operator of NATS trusts an account, which trusts a user: the server's lines, and the user's file. */
function credentials(): { readonly config: string; readonly creds: string } {
  const [operator, system, account, user] = [
    nkeys.createOperator(),
    nkeys.createAccount(),
    nkeys.createAccount(),
    nkeys.createUser(),
  ];
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const sign = (by: typeof operator, of: typeof operator, name: string, rest: Record<string, unknown>) => {
    const iat = Math.floor(Date.now() / 1_000);
    const claims = { jti: name, iat, iss: by.getPublicKey(), sub: of.getPublicKey(), name };
    const head = part({ typ: "JWT", alg: "ed25519-nkey" });
    const text = `${head}.${part({ ...claims, nats: { version: 2, ...rest } })}`;
    return `${text}.${Buffer.from(by.sign(Buffer.from(text))).toString("base64url")}`;
  };
  const limits = {
    ...{ subs: -1, data: -1, payload: -1, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 },
    ...{ mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 },
  };
  const of = (which: typeof operator, name: string, own: Record<string, unknown>) =>
    `${which.getPublicKey()}: ${sign(operator, which, name, { type: "account", limits: own })}`;
  const { mem_storage: _mem, disk_storage: _disk, ...plain } = limits;
  const jwt = sign(account, user, "user", {
    type: "user",
    pub: {},
    sub: {},
    subs: -1,
    data: -1,
    payload: -1,
  });
  return {
    config: [
      `operator: ${sign(operator, operator, "operator", { type: "operator" })}`,
      `system_account: ${system.getPublicKey()}`,
      "resolver: MEMORY",
      `resolver_preload: {\n${of(system, "system", plain)}\n${of(account, "account", limits)}\n}`,
    ].join("\n"),
    creds: [
      ...["-----BEGIN NATS USER JWT-----", jwt, "------END NATS USER JWT------", ""],
      ...["-----BEGIN USER NKEY SEED-----", Buffer.from(user.getSeed()).toString()],
      ...["------END USER NKEY SEED------", ""],
    ].join("\n"),
  };
}
