import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createDaemon, type Daemon } from "../../src/daemon/daemon.ts";
import { StartError } from "../../src/daemon/start-error.ts";
import { hasSmallDisks, mountSmallDisk, unmount } from "../support/disk.ts";
import { eventually } from "../support/eventually.ts";
import { LineClient } from "../support/line.ts";
import { KeptLog } from "../support/logged.ts";
import { freePort } from "../support/port.ts";
import { messageOf, reasonOf } from "../support/reason-of.ts";
import { settingsOf } from "../support/settings.ts";
import { stateOf } from "../support/state.ts";

/** The time for a process to start on a busy machine. */
const PROCESS_MS = 10_000;

let directory: string;
let log: KeptLog;
const daemons: Daemon[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "daemon-"));
  log = new KeptLog();
});

afterEach(async () => {
  for (const daemon of daemons.splice(0)) await daemon.close();
  rmSync(directory, { recursive: true });
});

/** Flags that keep a daemon in its directory. Later flags of the same name replace these. */
function flags(name: string, ...more: readonly string[]): string[] {
  return [
    ...[
      "-socket",
      join(directory, `${name}.sock`),
      "-store",
      "constant:0.5",
      "-state-dir",
      join(directory, name),
    ],
    ...["-admin", "127.0.0.1:0", "-statsd", "none", ...more],
  ];
}

async function create(name: string, ...more: readonly string[]): Promise<Daemon> {
  const daemon = await createDaemon(settingsOf(...flags(name, ...more)), log);
  daemons.push(daemon);
  return daemon;
}

async function start(name: string, ...more: readonly string[]): Promise<Daemon> {
  const daemon = await create(name, ...more);
  await daemon.start();
  return daemon;
}

async function ask(name: string, line: string): Promise<string> {
  const client = await LineClient.connect({ path: join(directory, `${name}.sock`) });
  const { assignment, location } = await client.ask(line);
  client.close();
  return `${assignment} ${location}`;
}

async function admin(daemon: Daemon, path: string): Promise<Response> {
  return fetch(`${daemon.adminUrl}${path}`);
}

async function ready(daemon: Daemon): Promise<void> {
  while ((await admin(daemon, "/readyz")).status !== 200) await Bun.sleep(2);
}

describe("maintenance reaches a lease", () => {
  /** Whether Traefik's document has the maintenance page, after the store was read. */
  async function isInDocument(...more: readonly string[]): Promise<boolean> {
    const store = join(directory, "rollouts.json");
    writeFileSync(store, JSON.stringify({ app: { maintenance: 1 } }));
    const traefik = `127.0.0.1:${await freePort()}`;
    const page = "app/maintenance=http://127.0.0.1:1";
    const daemon = await start(
      "one",
      ...["-store", `file:${store}`, "-traefik", traefik, "-traefik-version", page, ...more],
    );
    await ready(daemon);
    return (await (await fetch(`http://${traefik}/`)).text()).includes('"app:maintenance"');
  }

  test("with a state directory", async () => {
    expect(await isInDocument()).toBeTrue();
  });

  test("but not without one: then the log warns, and visitors notice no change", async () => {
    expect(await isInDocument("-state-dir", "none")).toBeFalse();
    expect(log.at("warn").map(({ message }) => message)).toContainEqual(
      expect.stringContaining("maintenance is on, but there is no state directory"),
    );
  });
});

test("a daemon that only renews leases starts, and the proxy's own socket is not one of its listeners", async () => {
  const map = join(directory, "apache.map");
  const daemon = await start(
    "one",
    "-socket",
    "none",
    "-apache-map",
    map,
    "-haproxy-map",
    "tcp:192.0.2.1:1,m",
  );
  expect(daemon.listeners).toEqual([]);
  expect(daemon.publishers.map(({ name }) => name)).toEqual([
    "haproxy-map tcp:192.0.2.1:1",
    `apache-map ${map}`,
  ]);
  await ready(daemon);
  await eventually(() => existsSync(map), "Apache's map");
  expect(log.at("warn").filter(({ message }) => message.includes("other machines"))).toEqual([]);
});

test("the daemon shows its store's address without secrets", async () => {
  const daemon = await create("told", "-store", "https://user:geheim@127.0.0.1:9/r.json?key=geheim");
  expect(daemon.store).toBe("https://***@127.0.0.1:9/r.json?key=***");
});

test("a daemon answers at its socket from its store, and its admin listener counts the answers", async () => {
  const daemon = await start("one", "-application", "web", "-application", "api");
  await ready(daemon);
  expect(await ask("one", "0.25")).toBe("0.25 canary");
  expect(await ask("one", "0.75 application=api")).toBe("0.75 master");
  expect(await (await admin(daemon, "/healthz")).text()).toBe("ok\n");
  const state = await stateOf(daemon);
  expect(state.applications.map(({ name, fresh }) => [name, fresh])).toEqual([
    ["web", true],
    ["api", true],
  ]);
  expect(state.servers.map(({ success }) => success)).toEqual([2]);
  expect(log.at("warn").concat(log.at("error"))).toEqual([]);
});

test("the last good snapshot is in the state directory, and the next daemon starts from it", async () => {
  // This store hangs once a file exists.
  const [path, away] = [join(directory, "store.ts"), join(directory, "away")];
  writeFileSync(
    path,
    `import { existsSync } from "node:fs";
     const snapshot = new Map([["canary", { value: 0.5, revision: "1" }]]);
     const read = async () => (existsSync(${JSON.stringify(away)}) ? new Promise(() => {}) : snapshot);
     export default () => ({ address: "x", read, close: async () => {} });`,
  );
  await ready(await start("one", "-store", path));
  await daemons.splice(0)[0]?.close();
  expect(readdirSync(join(directory, "one", "snapshot"))).toEqual(["app.json"]);
  writeFileSync(away, "");
  const daemon = await start("one", "-store", path);
  await ready(daemon);
  expect(await ask("one", "0.25")).toBe("0.25 canary");
});

test("an address with another query is another store, and its secret is not saved", async () => {
  let isAway = false;
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => (isAway ? new Response("", { status: 503 }) : Response.json({ app: { canary: 0.5 } })),
  });
  try {
    const address = (secret: string) => `http://127.0.0.1:${server.port}/r.json?token=${secret}`;
    await ready(await start("one", "-application", "app", "-store", address("correct-horse")));
    await daemons.splice(0)[0]?.close();
    expect(readFileSync(join(directory, "one", "snapshot", "app.json"), "utf8")).not.toContain("horse");
    isAway = true;
    for (const [secret, location] of [
      ["other-horse", "master"],
      ["correct-horse", "canary"],
    ] as const) {
      await start("one", "-application", "app", "-store", address(secret));
      expect(await ask("one", "0.25")).toBe(`0.25 ${location}`);
      await daemons.splice(0)[0]?.close();
    }
  } finally {
    await server.stop(true);
  }
});

describe("law 9: two daemons in one process", () => {
  test("have nothing in common", async () => {
    const [one, two] = [await start("one"), await start("two", "-store", "constant:0")];
    await Promise.all([ready(one), ready(two)]);
    expect([await ask("one", "0.25"), await ask("two", "0.25")]).toEqual(["0.25 canary", "0.25 master"]);
    expect(one.adminUrl).not.toBe(two.adminUrl as string);
    expect((await stateOf(one)).servers[0]?.success).toBe(1);
    await one.close();
    expect(await ask("two", "0.25")).toBe("0.25 master");
    expect(await reasonOf(ask("one", "0.25"))).toBeInstanceOf(Error);
    expect((await stateOf(two)).servers[0]?.success).toBe(2);
  });

  test("may even share their state directory", async () => {
    const state = ["-state-dir", join(directory, "shared")];
    await Promise.all([ready(await start("one", ...state)), ready(await start("two", ...state))]);
    await Promise.all(daemons.splice(0).map((daemon) => daemon.close()));
    expect(readdirSync(join(directory, "shared", "snapshot"))).toEqual(["app.json"]);
    expect(log.at("warn").concat(log.at("error"))).toEqual([]);
  });
});

test("law 8: a daemon whose store is lost shows maintenance that another one read, if they share a state directory", async () => {
  const stores = ["one", "two"].map((name) => join(directory, `${name}.json`));
  const [read = "", lost = ""] = stores;
  for (const path of stores) writeFileSync(path, JSON.stringify({ app: { canary: 1 } }));
  const state = ["-state-dir", join(directory, "shared")];
  const traefik = `127.0.0.1:${await freePort()}`;
  const page = ["-traefik", traefik, "-traefik-version", "app/maintenance=http://127.0.0.1:1"];
  await ready(await start("one", ...state, "-store", `file:${read}`));
  await ready(await start("two", ...state, "-store", `file:${lost}`, ...page));
  rmSync(lost);
  writeFileSync(read, JSON.stringify({ app: { maintenance: 1 } }));
  const text = async () => (await fetch(`http://${traefik}/`)).text();
  await eventually(async () => (await text()).includes('"app:maintenance"'), "the maintenance page");
  writeFileSync(read, JSON.stringify({ app: { canary: 1 } }));
  await eventually(async () => !(await text()).includes('"app:maintenance"'), "the end of maintenance");
});

describe("a setting that the operator named", () => {
  test("must work, or the daemon does not start: a state directory", async () => {
    writeFileSync(join(directory, "file"), "");
    const refused = create("one", "-state-dir", join(directory, "file", "below"));
    expect(await reasonOf(refused)).toBeInstanceOf(StartError);
    expect(await messageOf(refused)).toMatch(
      /the state directory .*below cannot be used.*or use -state-dir none/,
    );
  });

  test("must work, or the daemon does not start: an admin listener", async () => {
    const { port } = new URL((await start("one")).adminUrl ?? "");
    const second = await create("two", "-admin", `127.0.0.1:${port}`);
    expect(await reasonOf(second.start())).toBeInstanceOf(StartError);
    expect(existsSync(join(directory, "two.sock"))).toBeFalse();
  });

  test("must work, or the daemon does not start: a socket", async () => {
    const daemon = await create("one", "-socket", join(directory, "no", "such", "directory"));
    expect(await messageOf(daemon.start())).toMatch(/cannot listen as line unix:/);
    writeFileSync(join(directory, "two.sock"), "no socket");
    const other = await create("two");
    expect(await messageOf(other.start())).toMatch(/is not a socket; move it away/);
    expect(existsSync(join(directory, "two.sock"))).toBeTrue();
  });

  test("must work, or the daemon does not start and gives back all that it had opened", async () => {
    const daemon = await create("one", "-listen", `unix:${join(directory, "no", "such")}`);
    expect(await reasonOf(daemon.start())).toBeInstanceOf(StartError);
    expect(existsSync(join(directory, "one.sock"))).toBeFalse();
    expect(daemon.adminUrl).toBeUndefined();
  });
});

describe("a setting that is only the default", () => {
  /** The settings as if the operator had not named these. */
  function unnamed(argv: readonly string[], ...names: readonly string[]) {
    const settings = settingsOf(...argv);
    return {
      ...settings,
      isNamed: (option: Parameters<typeof settings.isNamed>[0]) =>
        !names.includes(option.name) && settings.isNamed(option),
    };
  }

  test("may fail with a warning: a state directory", async () => {
    writeFileSync(join(directory, "file"), "");
    const argv = flags("one", "-state-dir", join(directory, "file", "below"));
    const daemon = await createDaemon(unnamed(argv, "state-dir"), log);
    daemons.push(daemon);
    await daemon.start();
    await ready(daemon);
    expect(await ask("one", "0.25")).toBe("0.25 canary");
    expect(log.at("warn").map(({ message }) => message)).toEqual([
      expect.stringContaining("the state directory"),
    ]);
    expect(log.at("warn")[0]?.fields["remedy"]).toContain("-state-dir");
  });

  /** Whether Traefik's document has the maintenance page, with this state directory as the default one. */
  async function isInMaintenance(stateDirectory: string, ...more: readonly string[]): Promise<boolean> {
    const traefik = `127.0.0.1:${await freePort()}`;
    const page = ["-traefik", traefik, "-traefik-version", "app/maintenance=http://127.0.0.1:1"];
    const argv = flags("one", "-state-dir", stateDirectory, ...page, ...more);
    const daemon = await createDaemon(unnamed(argv, "state-dir"), log);
    await daemon.start();
    const text = await (await fetch(`http://${traefik}/`)).text();
    await daemon.close();
    return text.includes('"app:maintenance"');
  }

  function putInMaintenance(stateDirectory: string): void {
    mkdirSync(join(stateDirectory, "maintenance"), { recursive: true });
    writeFileSync(join(stateDirectory, "maintenance", "app"), "");
  }

  test("law 8: a site stays in maintenance even if snapshots cannot be saved", async () => {
    const state = join(directory, "state");
    putInMaintenance(state);
    writeFileSync(join(state, "snapshot"), "");
    expect(await isInMaintenance(state, "-store", `file:${join(directory, "gone.json")}`)).toBeTrue();
    expect(log.at("warn").map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/the state directory .* cannot be used, so the daemon writes no saved snapshot$/),
    );
    expect(await isInMaintenance(state)).toBeFalse();
    expect(readdirSync(join(state, "maintenance"))).toEqual([]);
  });

  // Only root can mount a disk.
  test.skipIf(!hasSmallDisks())(
    "law 8: a site stays in maintenance even if the daemon can only read the directory",
    async () => {
      const [disk, store] = [join(directory, "disk"), join(directory, "rollouts.json")];
      mkdirSync(disk);
      expect(mountSmallDisk(disk)).toBeTrue();
      try {
        putInMaintenance(disk);
        expect(Bun.spawnSync(["mount", "-o", "remount,ro", disk]).success).toBeTrue();
        expect(await isInMaintenance(disk, "-store", `file:${store}`)).toBeTrue();
        expect(log.at("warn").map(({ message }) => message)).toContainEqual(
          expect.stringMatching(/so the daemon writes no maintenance files and no saved snapshot$/),
        );
        writeFileSync(store, JSON.stringify({ app: { maintenance: 1 } }));
        expect(await isInMaintenance(disk, "-store", `file:${store}`)).toBeTrue();
        writeFileSync(store, JSON.stringify({ app: { canary: 1 } }));
        expect(await isInMaintenance(disk, "-store", `file:${store}`)).toBeFalse();
        expect(readdirSync(join(disk, "maintenance"))).toEqual(["app"]);
      } finally {
        unmount(disk);
      }
    },
  );

  test("may fail with a warning: an admin listener", async () => {
    const { port } = new URL((await start("one")).adminUrl ?? "");
    const daemon = await createDaemon(unnamed(flags("two", "-admin", `127.0.0.1:${port}`), "admin"), log);
    daemons.push(daemon);
    await daemon.start();
    expect(daemon.adminUrl).toBeUndefined();
    expect(log.at("warn").map(({ message }) => message)).toEqual([
      expect.stringContaining("the admin listener cannot"),
    ]);
  });
});

describe("the end", () => {
  test("gives everything back: socket, ports, and clients' connections", async () => {
    const daemon = await start("one", "-listen", "tcp:127.0.0.1:0", "-http", "127.0.0.1:0");
    const client = await LineClient.connect({ path: join(directory, "one.sock") });
    await client.ask("0.25");
    const url = daemon.adminUrl ?? "";
    await daemon.close();
    await client.ended();
    client.close();
    expect(existsSync(join(directory, "one.sock"))).toBeFalse();
    expect(readdirSync(directory)).toEqual(["one"]);
    const again = Bun.serve({
      hostname: "127.0.0.1",
      port: Number(new URL(url).port),
      fetch: () => new Response(),
    });
    await again.stop(true);
  });

  test("may be asked for twice, and before the start", async () => {
    const socket = (name: string) => join(directory, `${name}.sock`);
    await (await create("one")).close();
    expect(existsSync(socket("one"))).toBeFalse();
    // The next daemon can have everything that this one had.
    await start("one");
    expect(await ask("one", "0.25")).toBe("0.25 canary");
    const daemon = await start("two");
    expect(await ask("two", "0.25")).toBe("0.25 canary");
    await daemon.close();
    expect(existsSync(socket("two"))).toBeFalse();
    await daemon.close();
    expect(existsSync(socket("two"))).toBeFalse();
    expect(await ask("one", "0.25")).toBe("0.25 canary");
  });

  test(
    "leaves nothing that keeps the process alive, so it exits by itself",
    async () => {
      const script = join(directory, "script.ts");
      const source = (path: string) => JSON.stringify(join(import.meta.dir, "../..", path));
      writeFileSync(
        script,
        `import { createDaemon } from ${source("src/daemon/daemon.ts")};
         import { silentLog } from ${source("src/log/log.ts")};
         import { settingsOf } from ${source("test/support/settings.ts")};
         import { stateOf } from ${source("test/support/state.ts")};
         const daemon = await createDaemon(settingsOf(...process.argv.slice(2)), silentLog);
         await daemon.start();
         while (!(await stateOf(daemon)).ready) await Bun.sleep(1);
         await daemon.close();
         console.log("closed");`,
      );
      const argv = flags("one", "-http", "127.0.0.1:0", "-statsd", "127.0.0.1:9");
      const child = Bun.spawn([process.execPath, script, ...argv], { stdout: "pipe", stderr: "pipe" });
      let output = "";
      let closedAtMs = Number.NaN;
      for await (const chunk of child.stdout) {
        output += Buffer.from(chunk).toString();
        closedAtMs = performance.now();
      }
      expect(await child.exited).toBe(0);
      expect(output).toBe("closed\n");
      expect(performance.now() - closedAtMs).toBeLessThan(3_000);
    },
    PROCESS_MS,
  );
});

test("a store that cannot be opened is an error, and a directory for it does no harm", async () => {
  mkdirSync(join(directory, "x"));
  const module = join(directory, "bad.ts");
  writeFileSync(module, "export default 7;");
  expect(await messageOf(create("one", "-store", module))).toMatch(
    /has no default export that makes a store/,
  );
});

test("if certificates are not checked, the log warns", async () => {
  const unchecked = () => log.at("warn").filter(({ message }) => message.includes("are not checked"));
  const before = process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
  try {
    delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
    await create("checked");
    expect(unchecked()).toHaveLength(0);
    process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
    await create("unchecked");
    expect(unchecked()).toHaveLength(1);
  } finally {
    if (before === undefined) delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
    else process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = before;
  }
});

test("if a flag contains a secret, the log warns without repeating it", async () => {
  const address = "http://ada:correct-horse@127.0.0.1:9/rollouts.json";
  await create("flag", "-store", address);
  const warnings = log.at("warn").filter(({ message }) => message.includes("may contain a secret"));
  expect(warnings).toHaveLength(1);
  expect(JSON.stringify(log.entries)).not.toContain("correct-horse");
  await create("none", "-store", "http://127.0.0.1:9/rollouts.json");
  expect(log.at("warn").filter(({ message }) => message.includes("may contain a secret"))).toHaveLength(1);
});
