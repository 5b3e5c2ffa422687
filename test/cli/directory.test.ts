/**
 * Commands are typed as root in directories that belong to others: nothing there is run or read unless it is
 * named.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { COMMANDS } from "../../src/cli/list.ts";
import { ask } from "../../src/client/line.ts";
import { HostileDirectory, INVOCATIONS } from "../support/hostile-directory.ts";
import { temporaryDirectory } from "./run.ts";

const LAUNCHER = resolve(import.meta.dir, "../../bin/maxwells-daemon");

/** A program that hangs at a named pipe is ended after this time. */
const PATIENCE_MS = 10_000;

const ENVIRONMENT = {
  PATH: process.env["PATH"] ?? "",
  AWS_ACCESS_KEY_ID: "x",
  AWS_SECRET_ACCESS_KEY: "x",
  AWS_ENDPOINT_URL: "http://127.0.0.1:9",
};

let hostile: HostileDirectory;
beforeAll(() => {
  hostile = new HostileDirectory();
});
afterAll(() => hostile.remove());

async function runIn(cwd: string, ...args: readonly string[]) {
  const child = Bun.spawn([LAUNCHER, ...args], {
    cwd,
    env: ENVIRONMENT,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: PATIENCE_MS,
  });
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { status: await child.exited, stdout, stderr };
}

test("the directory is hostile: without the launcher, Bun runs its code", () => {
  const decoy = new HostileDirectory();
  Bun.spawnSync([process.execPath, resolve(LAUNCHER, "../../src/bin.ts"), "version"], { cwd: decoy.path });
  expect(decoy.obeyed).not.toBe("");
  decoy.remove();
});

describe("in a hostile directory", () => {
  test.each(INVOCATIONS.map((command) => [command.join(" "), command]))(
    "%s runs nothing of it",
    async (_, command) => {
      const { status, stderr } = await runIn(hostile.path, ...command);
      expect(hostile.obeyed).toBe("");
      expect(status, stderr).toBeOneOf([0, 1, 3]);
    },
  );

  test("every command is tried", () => {
    const tried = new Set(INVOCATIONS.map(([name]) => name));
    const others = COMMANDS.commands.map(({ name }) => name).filter((name) => !tried.has(name));
    // The demo has its own test of this.
    expect(others).toEqual(["demo", "quickstart"]);
  });

  test.each(["", "quickstart"])("the daemon runs nothing of it: %s", async (name) => {
    const socket = join(hostile.path, "daemon.sock");
    const flags = ["-socket", socket, "-admin", "127.0.0.1:0", "-statsd", "127.0.0.1:9", "-logfile", "none"];
    const words = [...(name === "" ? [] : [name]), ...flags, "-state-dir", "none", "-store", "constant:0.25"];
    const child = Bun.spawn([LAUNCHER, ...words], {
      cwd: hostile.path,
      env: ENVIRONMENT,
      stdout: "ignore",
      stderr: "pipe",
      timeout: PATIENCE_MS,
    });
    const decoder = new TextDecoder();
    let log = "";
    for await (const chunk of child.stderr) {
      log += decoder.decode(chunk, { stream: true });
      if (/ runs .*store=constant:0\.25/.test(log)) break;
    }
    const address = { kind: "unix" as const, path: socket };
    expect(await ask({ address, assignment: "0.1", timeoutMs: 5_000 })).toMatchObject({ location: "canary" });
    child.kill("SIGTERM");
    expect(await child.exited).toBe(0);
    expect(hostile.obeyed).toBe("");
  });

  test("its .env sets nothing", async () => {
    const { stdout } = await runIn(hostile.path, "check", "-o", "json");
    const { settings } = JSON.parse(stdout) as { settings: { name: string; source: string }[] };
    expect(settings.filter(({ source }) => source === "environment")).toEqual([]);
    expect(settings.find(({ name }) => name === "store")).toMatchObject({ source: "default" });
  });

  test("a store of one's own that is named there loads, with the packages beside it", async () => {
    writeFileSync(
      join(hostile.path, "own-store.ts"),
      `import name from "own-package";
       const snapshot = new Map([["canary", { value: 0.125, revision: name }]]);
       export default ({ location }) => ({ address: location, read: async () => snapshot, close: async () => {} });`,
    );
    mkdirSync(join(hostile.path, "node_modules/own-package"));
    writeFileSync(join(hostile.path, "node_modules/own-package/index.js"), 'export default "mine";\n');
    const { stdout, stderr } = await runIn(hostile.path, "get", "-store", "./own-store.ts", "-o", "json");
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toMatchObject([{ rollout: 0.125, revision: "mine" }]);
    expect(hostile.obeyed).toBe("");
  });
});

test("named pipes in the place of these files do not make the program wait", async () => {
  using directory = temporaryDirectory();
  for (const name of ["package.json", "tsconfig.json", "bunfig.toml", ".env"]) {
    expect(await Bun.spawn(["mkfifo", directory.path(name)]).exited).toBe(0);
  }
  expect(await runIn(directory.path(""), "version")).toMatchObject({ status: 0, stderr: "" });
});

test("a package that a store of one's own lacks is not fetched from a registry", async () => {
  using directory = temporaryDirectory();
  let asked = 0;
  using registry = Bun.serve({
    port: 0,
    fetch: () => {
      asked++;
      return new Response("{}", { status: 404 });
    },
  });
  writeFileSync(directory.path("store.ts"), 'import "left-pad";\nexport default () => {};\n');
  const child = Bun.spawn([LAUNCHER, "get", "-store", "./store.ts"], {
    cwd: directory.path(""),
    env: { ...ENVIRONMENT, BUN_CONFIG_REGISTRY: registry.url.href, npm_config_registry: registry.url.href },
    stderr: "pipe",
    timeout: PATIENCE_MS,
  });
  expect(await new Response(child.stderr).text()).toContain("left-pad");
  expect(asked).toBe(0);
});

test("relative paths are those of the directory that the program is called from", async () => {
  using directory = temporaryDirectory();
  writeFileSync(directory.path("r.json"), '{ "app": { "canary": 0.5 } }');
  const { stdout } = await runIn(directory.path(""), "get", "-store", "file:r.json", "-o", "json");
  expect(JSON.parse(stdout)).toMatchObject([{ rollout: 0.5 }]);
});

test("a directory that is gone keeps no command from running", () => {
  using directory = temporaryDirectory();
  mkdirSync(directory.path("gone"));
  const script = `cd "${directory.path("gone")}" && rmdir "$PWD" && "${LAUNCHER}" version`;
  const { exitCode, stdout } = Bun.spawnSync(["sh", "-c", script], { env: ENVIRONMENT });
  expect([exitCode, String(stdout)]).toEqual([0, expect.stringContaining("maxwells-daemon 3")]);
});
