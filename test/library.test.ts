/** The daemon's parts as a library: imported by the package's name, and put together by another program. */

import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dir, "..");
const EXAMPLE = "examples/embedded.ts";

/** The file that runs the program, so importing it starts the program. */
const EXECUTABLE = "bin.ts";

/** The browser starts this file. */
const PAGE = "page/browser/page.ts";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "library-"));
});

afterEach(() => rmSync(directory, { recursive: true }));

/** The first line that a process prints; empty if it ends without one. */
async function firstLine(stdout: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stdout) {
    text += decoder.decode(chunk, { stream: true });
    if (text.includes("\n")) break;
  }
  return text.split("\n")[0] ?? "";
}

test("the example decides within an application, and follows the file", async () => {
  const rollouts = join(directory, "rollouts.json");
  await Bun.write(rollouts, '{ "website": { "canary": 0.25 } }');
  const application = Bun.spawn([process.execPath, join(ROOT, EXAMPLE)], {
    cwd: directory,
    env: { PATH: process.env["PATH"], PORT: "0" },
    stdout: "pipe",
  });
  try {
    const url = (await firstLine(application.stdout)).replace("listening on ", "");
    const visit = async (cookie?: string) => {
      const response = await fetch(url, cookie === undefined ? {} : { headers: { cookie } });
      return { text: await response.text(), cookie: response.headers.get("set-cookie")?.split(";")[0] ?? "" };
    };
    const become = async (cookie: string, text: string) => {
      while ((await visit(cookie)).text !== text) await Bun.sleep(5);
    };
    await become("visitor=0.24", "canary serves you\n");
    expect(await visit("visitor=0.25")).toEqual({ text: "master serves you\n", cookie: "visitor=0.25" });

    const fresh = await visit();
    expect(fresh.cookie).toMatch(/^visitor=(0|0\.\d+)$/);
    expect(await visit(fresh.cookie)).toEqual(fresh);
    const { headers } = await fetch(url);
    expect(headers.get("set-cookie")?.split("; ").slice(1).sort()).toEqual([
      ...["HttpOnly", "Max-Age=31536000", "Path=/", "SameSite=Lax"],
    ]);
    expect(headers.get("cache-control")).toBe("private, no-cache");
    expect((await visit("visitor=rubbish")).cookie).toMatch(/^visitor=(0|0\.\d+)$/);

    await Bun.write(rollouts, '{ "website": { "canary": 0 } }');
    await become("visitor=0.24", "master serves you\n");
  } finally {
    application.kill();
    await application.exited;
  }
});

test("the README shows the example unchanged; otherwise run npm run docs", async () => {
  const readme = await Bun.file(join(ROOT, "README.md")).text();
  const code = await Bun.file(join(ROOT, EXAMPLE)).text();
  expect(readme).toContain(`<!-- ${EXAMPLE} -->\n\`\`\`ts\n${code}\`\`\`\n`);
});

test("the package exports a short list of entries, and no other file", async () => {
  const { exports } = await Bun.file(join(ROOT, "package.json")).json();
  expect(Object.keys(exports)).toEqual([
    ...[".", "./store", "./client", "./express", "./fastify", "./hono", "./package.json"],
  ]);
  const run = (name: string) =>
    Bun.spawnSync([process.execPath, "-e", `await import("${name}")`], { cwd: ROOT });
  expect(run("maxwells-daemon/store").exitCode).toBe(0);
  expect(run("maxwells-daemon/feed").stderr.toString()).toContain(
    "Cannot find module 'maxwells-daemon/feed'",
  );
});

test("importing a module has no effect", async () => {
  const modules = [...new Bun.Glob("**/*.ts").scanSync(join(ROOT, "src"))].filter(
    (path) => path !== EXECUTABLE && path !== PAGE,
  );
  expect(modules.length).toBeGreaterThan(60);
  // Before the first import, each effect that a module might have is replaced by an entry in a list.
  const probe = `
    const done = [];
    for (const [owner, names] of [
      [globalThis, ["setTimeout", "setInterval", "setImmediate", "fetch"]],
      [Bun, ["listen", "serve", "connect", "udpSocket", "spawn", "spawnSync", "write"]],
      [process, ["on", "once", "exit", "addListener"]],
    ]) for (const name of names) owner[name] = () => done.push(name);
    const globals = Object.keys(globalThis).length;
    for (const path of ${JSON.stringify(modules)}) {
      await import(${JSON.stringify(join(ROOT, "src"))} + "/" + path);
      if (done.length > 0 || Object.keys(globalThis).length !== globals) {
        console.log(path + ": " + (done.splice(0).join(", ") || "a global"));
      }
    }
  `;
  const child = Bun.spawn([process.execPath, "-e", probe], {
    cwd: directory,
    env: { PATH: process.env["PATH"] },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    // It must end by itself: a listener or a timer that a module left behind would keep it alive.
    child.exited,
  ]);
  expect({ stdout, stderr, exitCode: child.exitCode }).toEqual({ stdout: "", stderr: "", exitCode: 0 });
  expect(readdirSync(directory)).toEqual([]);
});
