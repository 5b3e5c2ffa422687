/**
 * The package as npm packs it, used by applications in Node, Bun and Deno, with types, against a real daemon.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DaemonHome, type DaemonProcess } from "./support/daemon-process.ts";
import { commandOf, FRAMEWORK_PACKAGES, FRAMEWORKS, Installed, RUNTIMES } from "./support/installed.ts";

const ROOT = join(import.meta.dir, "..");

let installed: Installed;
let home: DaemonHome;
let daemon: DaemonProcess;

beforeAll(async () => {
  installed = new Installed(...FRAMEWORK_PACKAGES, "@types");
  home = new DaemonHome({ records: { canary: 0.25 } });
  daemon = await home.start();
});
afterAll(async () => {
  await daemon.end("SIGKILL");
  home.remove();
  installed.remove();
});

test("it contains the compiled entries for applications, and not the executable", () => {
  const { files } = installed;
  for (const path of ["client/client", ...FRAMEWORKS.map((name) => `middleware/${name}`)]) {
    expect(files).toContain(`dist/lib/${path}.js`);
    expect(files).toContain(`dist/lib/${path}.d.ts`);
  }
  expect(files.filter((path) => path.startsWith("dist/") && !/^dist\/(lib|page)($|\/)/.test(path))).toEqual(
    [],
  );
  expect(files).toContain("integrations/node/express.js");
});

test("the pages install it from the file that npm pack makes, because the registry does not have it", async () => {
  const { version } = (await Bun.file(join(ROOT, "package.json")).json()) as { version: string };
  for (const page of ["docs/client.md", "integrations/node/README.md"]) {
    const installs = (await Bun.file(join(ROOT, page)).text()).match(/^npm install .*$/gm) ?? [];
    expect(installs).toHaveLength(1);
    expect(installs[0]).toStartWith(`npm install ../maxwells-daemon/maxwells-daemon-${version}.tgz`);
  }
  expect(installed.tarball).toBe(`maxwells-daemon-${version}.tgz`);
});

test.each([
  ["npm", ["npm", "install", "--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts"], "node"],
  ["Bun", [process.execPath, "add", "--ignore-scripts"], "bun"],
] as const)(
  "%s installs the file into an empty project, whose program then asks",
  async (_, command, runtime) => {
    const { tarball } = installed;
    const path = process.env["MAXWELLS_TEST_PACKAGE"] ?? join(installed.directory, tarball);
    const project = mkdtempSync(join(tmpdir(), "project-"));
    try {
      writeFileSync(join(project, "package.json"), '{ "name": "project", "type": "module" }');
      const ran = Bun.spawnSync([...command, path], { cwd: project, stdout: "pipe", stderr: "pipe" });
      expect([ran.exitCode, ran.exitCode === 0 ? "" : String(ran.stderr)]).toEqual([0, ""]);
      const program = `import { Client } from "maxwells-daemon/client";
      const client = new Client({ address: "unix:${home.socket}", timeoutMs: 30_000 });
      console.log((await client.decide({ assignment: "0.1" })).location);`;
      writeFileSync(join(project, "program.js"), program);
      const asked = Bun.spawnSync([...commandOf(runtime), "program.js"], { cwd: project, stderr: "pipe" });
      expect([String(asked.stdout), String(asked.stderr)]).toEqual(["canary\n", ""]);
    } finally {
      rmSync(project, { recursive: true, force: true });
    }
  },
  240_000,
);

/**
 * Asks, is busy, stops the daemon, and closes nothing: the test also proves that the process ends by itself.
 */
const PROGRAM = `
  import { Client } from "maxwells-daemon/client";
  import { kill } from "node:process";
  import { env } from "node:process";
  const address = env.MAXWELLS_DAEMON_SOCKET;
  const client = new Client({ address, timeoutMs: 60_000 });
  const assignments = Array.from({ length: 5000 }, (_, i) => "0." + String(i * 2).padStart(4, "0") + "1");
  const decisions = await Promise.all(assignments.map((assignment) => client.decide({ assignment })));
  const wrong = decisions.filter(({ isDecided, assignment, location }, i) =>
    !isDecided || assignment !== assignments[i] || location !== (Number(assignment) < 0.25 ? "canary" : "master"));
  const fresh = await client.decide();

  const busy = new Client({ address, timeoutMs: 100 });
  // On a busy machine the daemon may not have run in that time, so there are more tries. A client that takes its own
  // slowness for the daemon's fails each time.
  let whileBusy = [];
  for (let tries = 0; tries < 5 && whileBusy.join() !== "canary,canary"; tries++) {
    while (!(await busy.decide()).isDecided) await new Promise((resolve) => setTimeout(resolve, 10));
    const waiting = busy.decide({ assignment: "0.1" });
    await new Promise((resolve) => setTimeout(resolve, 20));
    const second = busy.decide({ assignment: "0.1" });
    await Promise.resolve();
    await new Promise((resolve) => setTimeout(resolve, 0));
    for (const until = performance.now() + 300; performance.now() < until; );
    whileBusy = [(await waiting).location, (await second).location];
  }

  const hurried = new Client({ address });
  let longestMs = 0;
  const reasons = {};
  const kept = new Set();
  kill(Number(env.DAEMON_PID), "SIGSTOP");
  try {
    for (let i = 0; i < 200; i++) {
      const began = performance.now();
      const decision = await hurried.decide({ assignment: "0.1" });
      longestMs = Math.max(longestMs, performance.now() - began);
      reasons[decision.reason] = (reasons[decision.reason] ?? 0) + 1;
      kept.add(decision.assignment + " " + decision.location);
    }
  } finally {
    kill(Number(env.DAEMON_PID), "SIGCONT");
  }
  let isBack = false;
  for (let i = 0; i < 300 && !isBack; i++) {
    isBack = (await hurried.decide({ assignment: "0.1" })).location === "canary";
    if (!isBack) await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const nobody = await new Client({ address: "unix:/nowhere/daemon.sock" }).decide({ assignment: "0.1" });
  console.log(JSON.stringify({
    wrong, isFresh: Number(fresh.assignment) < 1, connections: client.stats.connections, whileBusy,
    longestMs, reasons, kept: [...kept], isBack, nobody,
  }));
`;

for (const runtime of RUNTIMES) {
  test(`in ${runtime} a program asks, keeps its time limit while the daemon hangs, and ends by itself`, async () => {
    installed.write("program.js", PROGRAM);
    const env = { MAXWELLS_DAEMON_SOCKET: `unix:${home.socket}`, DAEMON_PID: String(daemon.pid) };
    const { stdout, stderr, status } = await installed.run(runtime, "program.js", env);
    expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
    const { longestMs, ...rest } = JSON.parse(stdout);
    expect(rest).toEqual({
      wrong: [],
      isFresh: true,
      connections: 1,
      whileBusy: ["canary", "canary"],
      reasons: { timeout: 3, paused: 197 },
      kept: ["0.1 master"],
      isBack: true,
      nobody: { isDecided: false, assignment: "0.1", location: "master", reason: "unreachable" },
    });
    expect(longestMs).toBeLessThan(500);
  });
}

test("in Deno without the permission to connect, the visitor goes to master", async () => {
  installed.write(
    "program.js",
    `import { Client } from "maxwells-daemon/client";
     console.log((await new Client({ address: "unix:${home.socket}" }).decide()).reason);`,
  );
  const [deno = ""] = commandOf("deno");
  const child = Bun.spawn([deno, "run", "--no-prompt", "--no-remote", "program.js"], {
    cwd: installed.directory,
    env: { HOME: installed.directory },
    stdout: "pipe",
    stderr: "pipe",
  });
  expect([await new Response(child.stdout).text(), await child.exited]).toEqual(["unreachable\n", 0]);
});

test("CommonJS of Node 20.19 and later can require it", async () => {
  installed.write(
    "program.cjs",
    `const { Client } = require("maxwells-daemon/client");
     const names = ${JSON.stringify(FRAMEWORKS)}.map((name) => typeof require("maxwells-daemon/" + name).maxwellsDaemon);
     console.log(typeof Client, ...names);`,
  );
  const { stdout, status } = await installed.run("node", "program.cjs");
  expect([stdout, status]).toEqual(["function function function function\n", 0]);
});

test("at run time the client needs no package, and the middleware no framework", async () => {
  const alone = new Installed();
  try {
    const imports = ["client", ...FRAMEWORKS].map((name) => `import "maxwells-daemon/${name}";`);
    alone.write("program.js", `${imports.join("\n")}\nconsole.log("ok");`);
    for (const runtime of RUNTIMES) {
      expect(await alone.run(runtime, "program.js")).toEqual({ stdout: "ok\n", stderr: "", status: 0 });
    }
  } finally {
    alone.remove();
  }
});

const TYPED = `
  import express from "express";
  import fastify from "fastify";
  import { Hono } from "hono";
  import { Client, type Decision } from "maxwells-daemon/client";
  import { maxwellsDaemon as forExpress } from "maxwells-daemon/express";
  import { maxwellsDaemon as forFastify } from "maxwells-daemon/fastify";
  import { maxwellsDaemon as forHono, upstreamHeaders } from "maxwells-daemon/hono";

  const client = new Client({ address: "unix:/tmp/s", onEvent: ({ kind, message }) => console.warn(kind, message) });
  const decision: Decision = await client.decide({ key: "user-1" });
  if (!decision.isDecided) console.log(decision.reason satisfies string);

  express().use(forExpress({ client, key: (request) => request.ip }), (request) => {
    request.maxwellsdaemon.location satisfies string;
  });
  const app = fastify();
  await app.register(forFastify, { client, key: (request) => request.ip });
  app.get("/", (request) => request.maxwellsdaemon.assignment satisfies string | undefined);
  new Hono().use(forHono({ client, key: (c) => c.req.header("x-user") })).get("/", (c) => {
    upstreamHeaders(c) satisfies Headers;
    return c.text(c.var.maxwellsdaemon.location);
  });
  // @ts-expect-error: a key is text
  forHono({ client, key: () => 1 });
`;

test("its types are complete, even with the strictest options", () => {
  const tsc = (file: string, ...flags: string[]) => {
    const checked = Bun.spawnSync(
      [
        join(ROOT, "node_modules/.bin/tsc"),
        "--ignoreConfig",
        "--noEmit",
        "--strict",
        "--module",
        "nodenext",
        ...flags,
        file,
      ],
      { cwd: installed.directory },
    );
    return checked.stdout.toString() + checked.stderr.toString();
  };
  installed.write("typed.ts", TYPED);
  expect(tsc("typed.ts", "--skipLibCheck", "--types", "node")).toBe("");
  installed.write(
    "alone.ts",
    'import { Client } from "maxwells-daemon/client";\nawait new Client().decide();\n',
  );
  expect(tsc("alone.ts", "--skipLibCheck", "false", "--types", "", "--lib", "es2022")).toBe("");
});
