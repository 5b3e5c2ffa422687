/**
 * The demo as a person starts it: each of its four stories ends as promised, within its time, and leaves
 * nothing behind. All stories run beside the other tests, because they wait most of the time.
 */

import "../../support/long.ts";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
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
import { join, resolve } from "node:path";
import { HURT_MIN } from "../../../src/judge/abort.ts";
import type { PageNews, ReleaseNews } from "../../../src/page/news.ts";
import { eventually } from "../../support/eventually.ts";
import { HostileDirectory } from "../../support/hostile-directory.ts";
import { nginxMissing } from "../../support/nginx.ts";
import { PROGRAM } from "../../support/program.ts";

const LAUNCHER = resolve(import.meta.dir, "../../../bin/maxwells-daemon");

/** A story takes a minute, and longer on a busy machine. */
const STORY_MS_MAX = 240_000;

/** After a signal, all is gone within this time, also on a busy machine. */
const END_MS_MAX = 15_000;

const hasNginx = nginxMissing() === undefined;
const root = mkdtempSync(join(tmpdir(), "maxwells-daemon-demos-"));
const hostile = new HostileDirectory();
let places = 0;

interface Started {
  readonly pid: number;
  /** All that it has printed so far, on both streams. */
  said(): string;
  kill(signal: NodeJS.Signals): void;
  readonly exited: Promise<number>;
  /** The temporary directory that it has, and no other program. */
  readonly place: string;
}

interface Starting {
  readonly cwd?: string;
  readonly program?: string;
  readonly env?: Readonly<Record<string, string>>;
}

function start(
  words: readonly string[],
  { cwd = root, program = PROGRAM, env = {} }: Starting = {},
): Started {
  const place = join(root, `place${places++}`);
  mkdirSync(place);
  const child = Bun.spawn([program, "demo", ...words], {
    cwd,
    env: { PATH: process.env["PATH"] ?? "", TMPDIR: place, ...env },
    ...{ stdin: "ignore", stdout: "pipe", stderr: "pipe" },
  });
  let said = "";
  const read = async (stream: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder();
    for await (const bytes of stream) said += decoder.decode(bytes, { stream: true });
  };
  const reading = Promise.all([read(child.stdout), read(child.stderr)]);
  return {
    pid: child.pid,
    said: () => said,
    kill: (signal) => child.kill(signal),
    exited: reading.then(() => child.exited),
    place,
  };
}

/** Processes that know the place of a demo: the demo itself, its nginx, and the shell between them. */
function processesOf({ place, pid }: Started): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && name !== String(pid))
    .filter((name) => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, "utf8").includes(place);
      } catch {
        return false;
      }
    });
}

/** The addresses of the page and of the shop. */
function addressesOf(started: Started): string[] {
  return started.said().match(/http:\/\/127\.0\.0\.1:\d+\//g) ?? [];
}

async function expectNothingLeft(started: Started): Promise<void> {
  expect(readdirSync(started.place)).toEqual([]);
  expect(processesOf(started)).toEqual([]);
  for (const address of addressesOf(started)) {
    const isRefused = await fetch(address).then(
      () => false,
      () => true,
    );
    expect(isRefused, address).toBeTrue();
  }
}

/** The four stories. nginx has two of them, and the built-in proxy the others. */
const STORIES = [
  { kind: "broken", proxy: hasNginx ? "nginx" : "builtin", end: /judge is sure: .* visitors who met errors/ },
  { kind: "crash", proxy: hasNginx ? "nginx" : "builtin", end: /judge is sure: .* visitors who met errors/ },
  { kind: "slow", proxy: "builtin", end: /judge is sure: .* visitors who waited more than 500ms/ },
  { kind: "fine", proxy: "builtin", end: /So the release is finished/ },
] as const;

interface Story {
  readonly started: Started;
  readonly ended: Promise<{ readonly status: number; readonly tookMs: number }>;
}

const stories = new Map<string, Story>();

beforeAll(() => {
  for (const { kind, proxy } of STORIES) {
    const beganMs = performance.now();
    const words = ["-canary", kind, "-proxy", proxy, ...(kind === "crash" ? ["-stay"] : [])];
    // One of them runs in a directory that belongs to an attacker, as people start it.
    const started = kind === "slow" ? start(words, { cwd: hostile.path, program: LAUNCHER }) : start(words);
    const ended = started.exited.then((status) => ({ status, tookMs: performance.now() - beganMs }));
    stories.set(kind, { started, ended });
  }
});

afterAll(async () => {
  for (const { started, ended } of stories.values()) {
    started.kill("SIGKILL");
    await ended;
  }
  rmSync(root, { recursive: true, force: true });
  hostile.remove();
});

const PROXIES = hasNginx ? ["nginx", "builtin"] : ["builtin"];

describe("the end in the middle", () => {
  test.each(PROXIES)(
    "Ctrl-C leaves nothing behind: %s",
    async (proxy) => {
      const started = start(["-proxy", proxy]);
      await eventually(() => started.said().includes("release of version 2 begins"), "the release", 60_000);
      started.kill("SIGINT");
      expect(await started.exited, started.said()).toBe(130);
      await expectNothingLeft(started);
    },
    90_000,
  );

  test("SIGTERM while it opens leaves nothing behind", async () => {
    const started = start([]);
    await eventually(() => readdirSync(started.place).length > 0, "the directory", END_MS_MAX);
    started.kill("SIGTERM");
    expect(await started.exited, started.said()).toBe(143);
    await expectNothingLeft(started);
  });

  test("a second Ctrl-C ends it at once, and leaves nothing behind", async () => {
    const started = start([]);
    await eventually(() => started.said().includes("visitors are in the shop"), "the visitors", END_MS_MAX);
    started.kill("SIGINT");
    started.kill("SIGTERM");
    expect(await started.exited, started.said()).toBeOneOf([130, 143]);
    await eventually(() => processesOf(started).length === 0, "the end of nginx", END_MS_MAX);
    await expectNothingLeft(started);
  });

  test.skipIf(!hasNginx)("if the demo is killed, its nginx ends, too", async () => {
    const started = start(["-proxy", "nginx"]);
    await eventually(() => started.said().includes("visitors are in the shop"), "the visitors", END_MS_MAX);
    expect(processesOf(started).length).toBeGreaterThan(0);
    started.kill("SIGKILL");
    await started.exited;
    await eventually(() => processesOf(started).length === 0, "the end of nginx", END_MS_MAX);
  });

  test("a port that another program has is a fault that leaves nothing behind", async () => {
    using other = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("") });
    const started = start(["-port", String(other.port)]);
    expect(await started.exited).toBe(1);
    expect(started.said()).toContain(
      `another program listens at 127.0.0.1:${other.port}; choose another -port`,
    );
    expect(started.said()).not.toContain("-admin");
    expect(readdirSync(started.place)).toEqual([]);
    expect(processesOf(started)).toEqual([]);
  });
});

/** A directory with programs of these names, each of which is a script for the shell. */
function programsIn(name: string, scripts: Readonly<Record<string, string>>): string {
  const directory = join(root, name);
  mkdirSync(directory);
  for (const [program, script] of Object.entries(scripts)) {
    writeFileSync(join(directory, program), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  return directory;
}

describe("the machine", () => {
  test("with an nginx that cannot use the files gets the built-in proxy, and -open opens the page", async () => {
    const opened = join(root, "opened");
    const programs = programsIn("programs", {
      nginx: "echo 'nginx: [emerg] unknown directive \"auth_request\"' >&2; exit 1",
      "xdg-open": `echo "$1" > ${opened}.new; mv ${opened}.new ${opened}`,
    });
    const started = start(["-open"], { env: { PATH: `${programs}:${process.env["PATH"]}`, DISPLAY: ":9" } });
    await eventually(() => existsSync(opened), "the browser", END_MS_MAX);
    expect(readFileSync(opened, "utf8")).toBe(`${addressesOf(started)[0]}\n`);
    expect(started.said()).toContain("behind the built-in proxy");
    expect(started.said().replaceAll(/\s+/g, " ")).toContain(
      'The proxy is the built-in one: this nginx cannot use the files: nginx: [emerg] unknown directive "auth_request".',
    );
    started.kill("SIGINT");
    expect(await started.exited).toBe(130);
    await expectNothingLeft(started);
  });

  test.each([
    ["without a desktop", {}],
    ["with a desktop that has no browser", { DISPLAY: ":9" }],
  ])("%s gets the story all the same", async (name, env) => {
    const programs = programsIn(name, { "xdg-open": "exit 3" });
    const words = ["-open", "-proxy", "builtin"];
    const started = start(words, { env: { ...env, PATH: `${programs}:${process.env["PATH"]}` } });
    await eventually(() => started.said().includes("visitors are in the shop"), "the visitors", END_MS_MAX);
    expect(started.said().includes("There is no desktop")).toBe(!("DISPLAY" in env));
    started.kill("SIGINT");
    expect(await started.exited).toBe(130);
  });

  test("whose temporary directory cannot be used is told so", async () => {
    const started = start([], { env: { TMPDIR: "/nowhere" } });
    expect(await started.exited).toBe(1);
    expect(started.said()).toContain("the demo needs the temporary directory /nowhere");
  });
});

/** The release that the page shows. */
async function releaseOn(
  page: string,
  isWanted: (release: ReleaseNews) => boolean = () => true,
): Promise<ReleaseNews> {
  const reply = await fetch(`${page}events`);
  let text = "";
  for await (const bytes of reply.body ?? []) {
    text += Buffer.from(bytes).toString("utf8");
    const events = text.split("\n\n");
    text = events.pop() ?? "";
    const found = events
      .filter((event) => event.startsWith("data: "))
      .flatMap((event) => (JSON.parse(event.slice(6)) as PageNews).application?.releases ?? [])
      .find(isWanted);
    if (found !== undefined) return found;
  }
  throw new Error("the page shows no release");
}

test("a person who logs in with the token of the demo takes the canary back, and the demo says so", async () => {
  const started = start(["-canary", "fine", "-proxy", "builtin"]);
  await eventually(() => started.said().includes("release of version 2 begins"), "the release", 60_000);
  const [page = ""] = addressesOf(started);
  const [, token] = /token (\S+)/.exec(started.said()) ?? [];
  const post = (path: string, body: unknown, cookie = "") =>
    fetch(`${page}${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Cookie: cookie },
      body: JSON.stringify(body),
    });
  const login = await post("api/login", { name: "ada", token });
  const cookie = login.headers.get("set-cookie")?.split(";", 1)[0] ?? "";
  const { key, step } = await releaseOn(page);
  const acted = await post(
    "api/act",
    { application: "shop", version: "canary", verb: "abort", key, step },
    cookie,
  );
  expect(acted.status, await acted.text()).toBe(200);
  expect(await started.exited, started.said()).toBe(1);
  expect(started.said()).toMatch(/ada@\S+ takes the canary back, 2% → 0%/);
  expect(started.said()).toContain("This has not ended as promised");
  await expectNothingLeft(started);
}, 90_000);

describe("a story", () => {
  test.each(STORIES)(
    "$kind behind $proxy ends as promised, and leaves nothing behind",
    async ({ kind, proxy, end }) => {
      const { started, ended } = stories.get(kind) as Story;
      if (kind === "crash") {
        const stays = () => started.said().includes("The page stays until you press Ctrl-C.");
        await eventually(stays, "the end of the story", STORY_MS_MAX);
        const [page = ""] = addressesOf(started);
        expect((await fetch(page)).status).toBe(200);
        // The page shows the errors that were enough for the verdict.
        const { judgedAtEnd } = await releaseOn(page, ({ judgedAtEnd: found }) => (found?.harm ?? 0) >= 1);
        expect(judgedAtEnd?.metrics[0]?.canary).toBeGreaterThanOrEqual(HURT_MIN);
        started.kill("SIGINT");
      }
      const { status, tookMs } = await ended;
      const said = started.said().replaceAll(/\n {6}/g, " ");
      expect(status, said).toBe(0);
      expect(said).toMatch(proxy === "nginx" ? /behind nginx \d/ : /behind the built-in proxy/);
      expect(said).toMatch(end);
      expect(said).toMatch(/All 300 visitors get version [12], and none of them meets an error\./);
      expect(said).toContain("as promised");
      expect(said.split("\n").length).toBeLessThan(20);
      expect(tookMs).toBeLessThan(STORY_MS_MAX);
      await expectNothingLeft(started);
    },
    STORY_MS_MAX,
  );

  test(
    "runs nothing of the directory in which it is started",
    async () => {
      await (stories.get("slow") as Story).ended;
      expect(hostile.obeyed).toBe("");
    },
    STORY_MS_MAX,
  );
});
