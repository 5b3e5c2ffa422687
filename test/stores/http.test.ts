/** The HTTP store, against a file that a real nginx serves. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Problem } from "../../src/config/option.ts";
import { openStore, resolveStore } from "../../src/stores/list.ts";
import type { StoreError } from "../../src/stores/store.ts";
import { eventually } from "../support/eventually.ts";
import { type Nginx, nginxMissing, startNginx } from "../support/nginx.ts";
import { freePort } from "../support/port.ts";
import { reasonOf } from "../support/reason-of.ts";
import { fails } from "../support/store-calls.ts";
import { TcpFaults } from "../support/tcp-faults.ts";
import { rollouts, storeSuite } from "./store-suite.ts";

const CONTEXT = { table: "", region: "", environment: {}, warn: () => {} };
const SECRET = "correct-horse";

const missing = nginxMissing();
const soon = () => AbortSignal.timeout(5_000);
const open = (address: string) => openStore(address, CONTEXT);

/** An nginx that serves `rollouts.json`, also to those with a password only. */
class Engine {
  readonly directory = mkdtempSync(join(tmpdir(), "store-http-"));
  readonly path = join(this.directory, "rollouts.json");
  port = 0;
  faults: TcpFaults | undefined;
  #nginx: Nginx | undefined;

  async start(): Promise<void> {
    this.write({});
    writeFileSync(join(this.directory, "passwords"), `ada:{PLAIN}${SECRET}\n`);
    this.port = await freePort();
    const example = `server {
      listen 127.0.0.1:${this.port};
      root ${this.directory};
      access_log ${this.directory}/access.log combined;
      location = /guarded.json { alias ${this.path}; auth_basic rollouts; auth_basic_user_file ${this.directory}/passwords; }
      location = /moved.json { return 302 /rollouts.json; }
      location = /broken.json { return 500; }
      location = /teapot.json { return 418; }
    }`;
    this.#nginx = await startNginx(this.directory, this.port, example);
    this.faults = await TcpFaults.start({ host: "127.0.0.1", port: this.port });
  }

  async stop(): Promise<void> {
    await this.faults?.stop();
    await this.#nginx?.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  document(): Record<string, unknown> {
    return JSON.parse(readFileSync(this.path, "utf8")) as Record<string, unknown>;
  }

  /** Replaces the file at once; `changedAt` is when it says that it was changed. */
  write(document: unknown, changedAt = new Date()): void {
    const text = typeof document === "string" ? document : JSON.stringify(document);
    writeFileSync(`${this.path}.new`, text);
    utimesSync(`${this.path}.new`, changedAt, changedAt);
    renameSync(`${this.path}.new`, this.path);
  }

  /** How often it answered with a status, as far as nginx has written it down: a moment after the answer. */
  answered(status: number): number {
    const log = readFileSync(join(this.directory, "access.log"), "utf8");
    return log.split("\n").filter((line) => line.includes(`" ${status} `)).length;
  }

  /** Through the faulty network. */
  get address(): string {
    return `http://127.0.0.1:${this.faults?.port}/rollouts.json`;
  }

  direct(path: string): string {
    return `http://127.0.0.1:${this.port}${path}`;
  }
}

const READ_ONLY = "a web server's file is written where it comes from";

if (missing === undefined) {
  storeSuite(
    "http",
    async () => {
      const engine = new Engine();
      await engine.start();
      const { faults } = engine;
      if (faults === undefined) throw new Error("there is no network");
      let saved = "{}";
      let older = { text: "{}", changedAt: new Date() };
      return {
        faults,
        forDaemon: { address: engine.address },
        open: () => open(engine.address),
        async seed(application, records) {
          engine.write({ ...engine.document(), [application]: records });
        },
        async spoilOne(application) {
          engine.write({ ...engine.document(), [application]: 0.25 });
        },
        async seedMany(applications, records) {
          const many = Object.fromEntries(applications.map((name) => [name, records]));
          engine.write({ ...engine.document(), ...many });
        },
        async denied() {
          const address = engine.direct("/guarded.json").replace("//", "//ada:wrong-secret@");
          return { store: await open(address), secret: "wrong-secret" };
        },
        leave: () => faults.enter("refuse"),
        hang: () => faults.enter("swallow"),
        async spoil() {
          saved = readFileSync(engine.path, "utf8");
          engine.write(saved.slice(0, -3));
        },
        async backUp() {
          older = { text: readFileSync(engine.path, "utf8"), changedAt: statSync(engine.path).mtime };
        },
        async failOver(state) {
          saved = readFileSync(engine.path, "utf8");
          if (state === "empty") engine.write({});
          else engine.write(older.text, older.changedAt);
        },
        async recover() {
          if (saved !== "{}") engine.write(saved);
          saved = "{}";
          await faults.enter("pass");
        },
        close: () => engine.stop(),
      };
    },
    {
      "a release is written with its rollout in one compare-and-set, and comes back equal": READ_ONLY,
      "a release is there when many are read, and one that changes alone changes its snapshot": READ_ONLY,
      "a release that is over may lose its log and its arcs when many are read, and nothing else": READ_ONLY,
      "the engine's clock tells the time": "the clock of a web server is of no use to a reader",
      "names that JavaScript knows better are names like any other": READ_ONLY,
      "a write with the revision that is there replaces the record": READ_ONLY,
      "a lost write changes nothing and says what is there now": READ_ONLY,
      "a write with null makes a record": READ_ONLY,
      "a write with null is lost where a record is": READ_ONLY,
      "a write with a revision is lost where the record is gone": READ_ONLY,
      "of two writers at once exactly one wins": READ_ONLY,
      "a record is removed with the revision that is there, and with no other": READ_ONLY,
      "a record that was removed and is made again is not older than it was": READ_ONLY,
      "of a writer and a remover at once exactly one wins": READ_ONLY,
      "fields that a write does not name stay": READ_ONLY,
      "a field of any name is kept, or refused by name before anything is written": READ_ONLY,
      "a record's position grows with each write, and never falls": READ_ONLY,
      "an older state after a fail-over is outdated: the last values hold until there is a newer one":
        "a web server counts no writes",
      "a watch is nudged soon after a change from outside": "a web server does not push",
      "a watch that has ended is nudged no more": "a web server does not push",
      "a push that is lost without a sound is found by the poll": "a web server does not push",
      "what it needs may be made again, and changes nothing that is there": "it needs nothing",
      "an engine that remembers tells what was, newest first": "a web server remembers nothing",
      "an engine with a history shows removals, also of the last record": "a web server remembers nothing",
    },
  );
}

describe.skipIf(missing !== undefined)("http", () => {
  const engine = new Engine();
  beforeAll(() => engine.start());
  afterAll(() => engine.stop());

  const longAgo = () => new Date(Date.now() - 60_000);

  test("what has not changed is not sent again", async () => {
    engine.write({ website: { canary: 0.25 } }, longAgo());
    const store = await open(engine.direct("/rollouts.json"));
    const before = engine.answered(304);
    for (let read = 0; read < 4; read++) {
      expect(rollouts(await store.read("website", soon()))).toEqual({ canary: 0.25 });
    }
    await eventually(() => engine.answered(304) - before >= 3, "three answers in the log");
    expect(engine.answered(304) - before).toBe(3);
    expect(rollouts(await store.read("shop", soon()))).toEqual({});
    engine.write({ website: { canary: 0.5 } }, new Date(Date.now() - 30_000));
    expect(rollouts(await store.read("website", soon()))).toEqual({ canary: 0.5 });
    await store.close();
  });

  test("two changes within a second are both seen, though their ETag is the same", async () => {
    const store = await open(engine.direct("/rollouts.json"));
    const now = new Date();
    for (const canary of [0.11, 0.12, 0.13]) {
      engine.write({ website: { canary } }, now);
      expect(rollouts(await store.read("website", soon()))).toEqual({ canary });
    }
    await store.close();
  });

  test("a user and a password are sent, and are nowhere to be read", async () => {
    engine.write({ website: { canary: 0.25 } });
    const address = engine.direct("/guarded.json").replace("//", `//ada:${SECRET}@`);
    const store = await open(address);
    expect(rollouts(await store.read("website", soon()))).toEqual({ canary: 0.25 });
    expect(store.address).toBe(address.replace(`ada:${SECRET}`, "***"));
    expect(Bun.inspect(store.address)).not.toContain(SECRET);
    await store.close();
  });

  test("redirects are followed", async () => {
    engine.write({ website: { canary: 0.25 } });
    const store = await open(engine.direct("/moved.json"));
    expect(rollouts(await store.read("website", soon()))).toEqual({ canary: 0.25 });
    await store.close();
  });

  test.each([
    ["/nothing.json", "missing", "put the JSON file there"],
    ["/guarded.json", "denied", "put a user and a password into the address"],
    ["/broken.json", "unavailable", "look at its server"],
    ["/teapot.json", "malformed", "has to be a JSON file"],
  ])("%s is %s", async (path, code, remedy) => {
    const store = await open(engine.direct(path));
    const error = (await store.read("website", soon()).catch((reason: unknown) => reason)) as StoreError;
    expect(error).toMatchObject({ name: "StoreError", code });
    expect(error.message).toContain(remedy);
    await store.close();
  });

  test("a document that is not UTF-8, or too large, is malformed", async () => {
    const store = await open(engine.direct("/rollouts.json"));
    // `rejects` of bun waits in a loop of its own, in which a long document takes many seconds.
    writeFileSync(engine.path, Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]));
    expect(await fails(store.read("website", soon()))).toMatchObject({ code: "malformed" });
    engine.write({ website: { canary: { rollout: 0.5, padding: "x".repeat(2_000_000) } } });
    expect(await fails(store.read("website", soon()))).toMatchObject({ code: "malformed" });
    engine.write({ website: { canary: 0.25 } });
    expect(rollouts(await store.read("website", soon()))).toEqual({ canary: 0.25 });
    await store.close();
  });

  test("a certificate of an unknown authority is not trusted", async () => {
    const [key, certificate] = [join(engine.directory, "key.pem"), join(engine.directory, "certificate.pem")];
    await Bun.$`openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -keyout ${key} -out ${certificate}`.quiet();
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      tls: { key: Bun.file(key), cert: Bun.file(certificate) },
      fetch: () => new Response('{ "website": { "canary": 1 } }'),
    });
    const store = await open(`https://127.0.0.1:${server.port}/rollouts.json`);
    expect(await reasonOf(store.read("website", soon()))).toMatchObject({ code: "unavailable" });
    await store.close();
    await server.stop(true);
  });
});

test.each(["http:", "http://", "http:/x", "https://[/", "http://host/a#b", "http://100%:secret@host/a"])(
  "%s is refused with the remedy",
  (address) => {
    const resolved = resolveStore(address);
    expect(resolved).toBeInstanceOf(Problem);
    expect((resolved as Problem).message).toContain("write the address of a JSON file");
    expect((resolved as Problem).message).not.toContain("secret");
  },
);
