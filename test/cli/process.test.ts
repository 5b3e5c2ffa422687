/** The program as a process: streams, signals, and the quickstart from nothing. */

import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { ask } from "../../src/client/line.ts";
import { freePort } from "../support/port.ts";
import { run, temporaryDirectory } from "./run.ts";

const LAUNCHER = resolve(import.meta.dir, "../../bin/maxwells-daemon");
const directory = temporaryDirectory();
afterAll(() => directory[Symbol.dispose]());

let places = 0;

/** An empty directory of a test's own. */
function emptyPlace(): string {
  places++;
  const place = directory.path(`place${places}`);
  mkdirSync(place);
  return place;
}

/** Starts the quickstart in `cwd`, and resolves when it says what to try. */
async function quickstart(cwd: string, ...flags: readonly string[]) {
  return quickstartAs(LAUNCHER, {}, cwd, ...flags);
}

/** The same by another path of the program. */
async function quickstartAs(
  program: string,
  env: Readonly<Record<string, string>>,
  cwd: string,
  ...flags: readonly string[]
) {
  const argv = ["quickstart", "-admin", "none", "-socket", `${cwd}/md.sock`, ...flags];
  const child = Bun.spawn([program, ...argv], {
    cwd,
    env: { PATH: process.env["PATH"] ?? "", ...env },
    stdout: "pipe",
    stderr: "pipe",
  });
  let said = "";
  const decoder = new TextDecoder();
  for await (const chunk of child.stdout) {
    said += decoder.decode(chunk, { stream: true });
    if (said.includes("set canary 50%")) break;
  }
  return {
    said,
    ask: (assignment: string) =>
      ask({ address: { kind: "unix", path: `${cwd}/md.sock` }, assignment, timeoutMs: 5_000 }),
    async stop(signal: "SIGTERM" | "SIGINT") {
      child.kill(signal);
      return child.exited;
    },
    stderr: () => new Response(child.stderr).text(),
  };
}

describe("quickstart", () => {
  test("writes a first file, answers, says what to try, and ends on SIGINT with 130", async () => {
    const cwd = emptyPlace();
    const started = await quickstart(cwd);
    expect(await started.ask("0.2")).toEqual({ assignment: "0.2", location: "master" });
    expect(JSON.parse(readFileSync(`${cwd}/rollouts.json`, "utf8"))).toEqual({ app: { canary: 0.1 } });
    expect(started.said).toContain(`wrote ${cwd}/rollouts.json`);
    expect(started.said).toContain(`line unix:${cwd}/md.sock`);
    expect(started.said).toContain("set canary 50% -store file:rollouts.json");
    expect(await started.stop("SIGINT")).toBe(130);
    expect(existsSync(`${cwd}/md.sock`)).toBeFalse();
  });

  test("what it tells to try does what it says", async () => {
    const cwd = emptyPlace();
    const started = await quickstart(cwd, "-delay", "50ms");
    try {
      const [line = ""] = /\S*maxwells-daemon set .*/.exec(started.said) ?? [];
      const set = Bun.spawnSync(["sh", "-c", line], { cwd, env: { PATH: process.env["PATH"] ?? "" } });
      expect(String(set.stdout)).toContain("10% (0.1) → 50% (0.5)");
      while ((await started.ask("0.2")).location !== "canary") await Bun.sleep(10);
    } finally {
      expect(await started.stop("SIGTERM")).toBe(0);
    }
  });

  test("names the program as it can be started from there", async () => {
    const cwd = emptyPlace();
    mkdirSync(`${cwd}/bin`);
    symlinkSync(LAUNCHER, `${cwd}/bin/maxwells-daemon`);
    const said = async (env: Record<string, string> = {}) => {
      const started = await quickstartAs("bin/maxwells-daemon", env, cwd);
      await started.stop("SIGTERM");
      return / (\S.*) ask -v/.exec(started.said)?.[1];
    };
    expect(await said()).toBe(LAUNCHER);
    expect(await said({ PATH: `${cwd}/bin:${process.env["PATH"]}` })).toBe("maxwells-daemon");
    expect(await said({ npm_command: "exec" })).toBe("npx maxwells-daemon");
    const elsewhere = ["-socket", `${cwd}/md.sock`, "-store", "constant:1", "-state-dir", "none"];
    const clone = await quickstart(resolve(import.meta.dir, "../.."), ...elsewhere);
    await clone.stop("SIGTERM");
    expect(clone.said).toContain("  bin/maxwells-daemon ask -v");
  });

  test("on a machine that is set up, what it tells to try is about the trial", async () => {
    const cwd = emptyPlace();
    writeFileSync(`${cwd}/machine.toml`, 'application = "shop"\nstore = "constant:1"\n');
    const program = `
      import { main } from ${JSON.stringify(resolve(import.meta.dir, "../../src/cli/main.ts"))};
      const print = { write: (text) => process.stdout.write(text) };
      const io = { env: process.env, stdout: print, stderr: print, defaultConfigFile: "${cwd}/machine.toml" };
      await main(["quickstart", "-socket", "${cwd}/md.sock", "-admin", "none"], io);`;
    const child = Bun.spawn([process.execPath, "-e", program], { cwd, stdout: "pipe", stderr: "ignore" });
    let said = "";
    const decoder = new TextDecoder();
    for await (const chunk of child.stdout) {
      said += decoder.decode(chunk, { stream: true });
      if (/ set canary .*\n/.test(said)) break;
    }
    child.kill("SIGKILL");
    await child.exited;
    expect(said).toContain("answers for app;");
    for (const command of ["ask -v", "set canary"]) {
      expect(said).toMatch(new RegExp(` ${command} .* -config none\n`));
    }
  });

  test("leaves a file that is there as it is, and the user's flags win", async () => {
    const cwd = emptyPlace();
    const text = '{"website":{"canary":1}}';
    writeFileSync(`${cwd}/rollouts.json`, text);
    const started = await quickstart(cwd, "-application", "website");
    try {
      expect(readFileSync(`${cwd}/rollouts.json`, "utf8")).toBe(text);
      while ((await started.ask("0.9")).location !== "canary") await Bun.sleep(10);
    } finally {
      await started.stop("SIGTERM");
    }
  });

  test("writes no file where another store is named", async () => {
    const cwd = emptyPlace();
    const started = await quickstart(cwd, "-store", "constant:1");
    await started.stop("SIGTERM");
    expect(existsSync(`${cwd}/rollouts.json`)).toBeFalse();
  });

  test("does not take the place of a daemon that answers", async () => {
    const cwd = emptyPlace();
    const started = await quickstart(cwd);
    try {
      const second = await run(["quickstart", "-socket", `${cwd}/md.sock`, "-store", "constant:1"]);
      expect(second.status).toBe(1);
      expect(second.stderr).toContain("a daemon answers at");
      expect((await started.ask("0.2")).location).toBe("master");
    } finally {
      await started.stop("SIGTERM");
    }
  });
});

describe("status -watch", () => {
  test("goes on until Ctrl-C, and ends with 130; or until its reader has gone", async () => {
    const cwd = emptyPlace();
    const admin = `127.0.0.1:${await freePort()}`;
    const started = await quickstart(cwd, "-admin", admin);
    try {
      const watching = Bun.spawn([LAUNCHER, "status", "-watch", "200ms", "-admin", admin], {
        stdout: "pipe",
        stderr: "pipe",
      });
      const { value } = await watching.stdout.getReader().read();
      expect(String(Buffer.from(value ?? []))).toContain(" app 0 decisions in ");
      watching.kill("SIGINT");
      expect(await watching.exited).toBe(130);
      const script = `(${LAUNCHER} status -watch 200ms -admin ${admin}; echo "ended with $?" >&2) | head -n 1`;
      const piped = Bun.spawnSync(["bash", "-c", script], { timeout: 10_000 });
      expect(String(piped.stderr)).toBe("ended with 0\n");
    } finally {
      await started.stop("SIGTERM");
    }
  });
});

describe("streams", () => {
  test("a reader that goes away is not an error", () => {
    // `:` is gone before anything is written: the pause is for that.
    const script = `(sleep 0.1; ${LAUNCHER} help; echo "ended with $?" >&2) | :`;
    const { stderr } = Bun.spawnSync(["bash", "-c", script]);
    expect(String(stderr)).toBe("ended with 0\n");
  });

  test("all of a long text arrives at a slow reader", () => {
    const place = emptyPlace();
    const versions = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`v${index}`, 0]));
    writeFileSync(`${place}/r.json`, JSON.stringify({ app: versions }));
    const script = `${LAUNCHER} get -o json -store file:${place}/r.json | (sleep 0.3; cat) | grep -c '"version"'`;
    expect(String(Bun.spawnSync(["bash", "-c", script]).stdout)).toBe("500\n");
  });

  test("errors go to stderr, with a status", () => {
    const { exitCode, stdout, stderr } = Bun.spawnSync([LAUNCHER, "-delay", "4"]);
    expect(exitCode).toBe(2);
    expect(String(stdout)).toBe("");
    expect(String(stderr)).toContain("write a duration");
  });
});
