/** A primary with TLS and a binary log, its replica, and the unix socket. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "../../../src/stores/list.ts";
import type { Store, StoreError } from "../../../src/stores/store.ts";
import { eventually } from "../../support/eventually.ts";
import { ADMIN, hasMariadb, Mariadb } from "../../support/mariadb.ts";
import { fails, freshLog, soon } from "../../support/store-calls.ts";
import { watchOf } from "../store-suite.ts";

const isRunnable = hasMariadb && Bun.which("openssl") !== null;
const opened: Store[] = [];
let directory: string;
let primary: Mariadb;

beforeAll(async () => {
  if (!isRunnable) return;
  directory = mkdtempSync(join(tmpdir(), "maxwells-daemon-tls-"));
  // A shell of this test's own: the shell that all share would stay in a directory that is removed.
  const sh = new Bun.$.Shell().cwd(directory);
  await sh`openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=authority -keyout ca.key -out ca.pem`.quiet();
  await sh`openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr`.quiet();
  await Bun.write(path("names"), "subjectAltName=DNS:localhost");
  await sh`openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile names -out server.pem`.quiet();
  primary = await Mariadb.start({
    tls: { authority: path("ca.pem"), certificate: path("server.pem"), key: path("server.key") },
    settings: ["--log-bin=binlog"],
  });
  await primary.sql(
    `CREATE DATABASE suite; CREATE USER admin IDENTIFIED BY '${ADMIN.password}';
     GRANT ALL ON suite.* TO admin; GRANT REPLICATION SLAVE ON *.* TO admin`,
  );
}, 60_000);

afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
});

afterAll(async () => {
  await primary?.stop();
  if (directory !== undefined) rmSync(directory, { recursive: true });
});

const path = (name: string) => join(directory, name);

async function open(address: string): Promise<Store> {
  const environment = { MYSQL_PWD: ADMIN.password };
  const store = await openStore(address, { table: "", region: "", environment, warn: () => {} });
  opened.push(store);
  return store;
}

describe.skipIf(!isRunnable)("a server with a binary log", () => {
  test("lets only SUPER make triggers, and the message says so; nothing is left half made", async () => {
    const store = await open(primary.address(ADMIN));
    const error = await fails(store.init?.(soon()));
    expect(error).toMatchObject({
      code: "denied",
      message: expect.stringContaining("log_bin_trust_function_creators"),
    });
    expect(await fails(store.read("website", soon()))).toMatchObject({ code: "missing" });
    await primary.sql("SET GLOBAL log_bin_trust_function_creators = 1");
    expect(await store.init?.(soon())).toContain("were made");
    expect(await store.read("website", soon())).toEqual(new Map());
  });
});

describe.skipIf(!isRunnable)("TLS", () => {
  const read = async (host: string, query: string) =>
    (await open(`mariadb://admin@${host}:${primary.port}/suite?${query}`)).read("website", soon()).then(
      (snapshot) => snapshot.size,
      (error: StoreError) => `${error.code}: ${error.message}`,
    );

  test("verify_identity takes the right name from the right authority alone", async () => {
    const ca = `ssl-ca=${path("ca.pem")}`;
    expect(await read("localhost", `ssl-mode=verify_identity&${ca}`)).toBe(0);
    expect(await read("127.0.0.1", `ssl-mode=verify_identity&${ca}`)).toMatch(
      /^unavailable: .*certificate.*ALTNAME/,
    );
    expect(await read("localhost", "ssl-mode=verify_identity")).toMatch(
      /^unavailable: .*certificate.*ssl-ca=FILE/,
    );
    expect(await read("127.0.0.1", `ssl-mode=verify_ca&${ca}`)).toBe(0);
    expect(await read("127.0.0.1", "ssl-mode=verify_ca")).toMatch(/^unavailable: .*certificate/);
    expect(await read("127.0.0.1", "ssl-mode=required")).toBe(0);
    expect(await read("localhost", "ssl-mode=verify_ca&ssl-ca=/nowhere.pem")).toMatch(
      /^missing: .*\/nowhere.pem/,
    );
  });

  test("a user that needs TLS is let in by it alone, and the connection is encrypted", async () => {
    await primary.sql("ALTER USER admin REQUIRE SSL");
    try {
      expect(await read("127.0.0.1", "ssl-mode=disabled")).toMatch(/^denied: /);
      const store = await open(
        `mysql://admin@localhost:${primary.port}/suite?ssl-mode=verify_identity&ssl-ca=${path("ca.pem")}`,
      );
      expect((await store.write?.("secure", "canary", { rollout: 0.5 }, null, soon()))?.ok).toBe(true);
      expect((await store.read("secure", soon())).size).toBe(1);
    } finally {
      await primary.sql("ALTER USER admin REQUIRE NONE");
    }
  });

  test("a server without TLS is refused before the password is sent", async () => {
    const plain = await Mariadb.start();
    try {
      const store = await open(`mariadb://admin@localhost:${plain.port}/suite?ssl-mode=required`);
      expect(await fails(store.read("website", soon()))).toMatchObject({
        code: "unavailable",
        message: expect.stringContaining("has no TLS"),
      });
    } finally {
      await plain.stop();
    }
  });

  test("a unix socket needs none", async () => {
    await primary.sql(
      "CREATE USER IF NOT EXISTS admin@localhost IDENTIFIED BY 'admin-secret'; GRANT ALL ON suite.* TO admin@localhost",
    );
    const store = await open(`mariadb://admin@localhost/suite?socket=${primary.socket}`);
    expect(await store.read("website", soon())).toEqual(new Map());
  });
});

describe.skipIf(!isRunnable)("a replica", () => {
  test("it has the same records, counts and evidence, shows changes, and takes no writes", async () => {
    const leader = await open(primary.address(ADMIN));
    const made = await leader.write?.("website", "canary", { rollout: 0.25 }, null, soon());
    const replica = await Mariadb.start({ primary, settings: ["--read-only=1"] });
    try {
      const store = await open(replica.address(ADMIN));
      const read = () => store.read("website", soon()).catch(() => undefined);
      await eventually(async () => (await read())?.size === 1, "the replica follows");
      expect((await store.read("website", soon())).get("canary")).toEqual(
        (await leader.read("website", soon())).get("canary"),
      );
      const push = watchOf(store, "website");
      await eventually(() => push.count > 0, "the watch is ready");
      const { count } = push;
      await leader.write?.("website", "canary", { rollout: 0.5 }, made?.ok ? made.revision : "", soon());
      await eventually(() => push.count > count, "a nudge");
      push.end();
      expect((await store.read("website", soon())).get("canary")).toEqual(
        (await leader.read("website", soon())).get("canary"),
      );
      expect(await store.history?.("website", 5, soon())).toEqual(
        (await leader.history?.("website", 5, soon())) ?? [],
      );

      const log = freshLog();
      let cursor: string | undefined;
      for (const batch of ["one", "two"]) {
        await leader.evidence?.append(log, [batch], soon());
        await eventually(async () => {
          const news = await store.evidence?.read(log, cursor, soon());
          cursor = news?.cursor;
          return news?.batches.includes(batch) === true;
        }, `the replica has ${batch}`);
      }
      const { revision = "" } = (await store.read("website", soon())).get("canary") ?? {};
      for (const attempt of [
        () => store.write?.("website", "blue", { rollout: 0.5 }, null, soon()),
        () => store.write?.("website", "canary", { rollout: 0.75 }, revision, soon()),
        () => store.remove?.("website", "canary", revision, soon()),
        () => store.evidence?.append(log, ["x"], soon()),
      ]) {
        const message = expect.stringContaining("write to the primary");
        expect(await fails(attempt())).toMatchObject({ code: "unavailable", message });
      }
      expect(await store.init?.(soon())).toBe("the table maxwells_daemon is there");
    } finally {
      await replica.stop();
    }
  }, 30_000);
});
