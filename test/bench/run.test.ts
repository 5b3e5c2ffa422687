import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { descendantsOf } from "../../bench/descendants.ts";
import { eventually } from "../support/eventually.ts";

const RUN = join(import.meta.dir, "../../bench/run.ts");

const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

function bench(...args: string[]) {
  const directory = mkdtempSync(join(tmpdir(), "maxwells-daemon-"));
  directories.push(directory);
  const child = Bun.spawn([process.execPath, RUN, ...args], {
    env: { ...process.env, TMPDIR: directory },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  return { child, directory };
}

/** Whether the process still runs; the system may need a moment to notice its end. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "latin1"));
  } catch {
    return false;
  }
}

function isDaemon(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("\0-socket\0");
  } catch {
    return false;
  }
}

for (const [signal, status] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  test(`${signal} in the middle of a run leaves no process and no file behind`, async () => {
    const { child, directory } = bench("start", "--quick");
    let daemon = Number.NaN;
    await eventually(() => {
      daemon = descendantsOf(child.pid).find(isDaemon) ?? Number.NaN;
      return !Number.isNaN(daemon);
    }, "the daemon to be started");
    try {
      // It cannot end by itself now, so the run has to end it.
      process.kill(daemon, "SIGSTOP");
      expect(readdirSync(directory)).toHaveLength(1);
      child.kill(signal);
      expect(await child.exited).toBe(status);
      await eventually(() => !isRunning(daemon), "the end of the daemon");
      expect(readdirSync(directory)).toEqual([]);
    } finally {
      if (isRunning(daemon)) process.kill(daemon, "SIGKILL");
    }
  });
}

test("children of children are found, even if their name has brackets and blanks", async () => {
  // The name of a process is that of the file that started it.
  const directory = mkdtempSync(join(tmpdir(), "maxwells-daemon-"));
  directories.push(directory);
  const name = join(directory, "a) S 1 (b");
  symlinkSync(Bun.which("bash") ?? "", name);
  // Each shell stays, because it has a command to run after its child.
  const script = `"$0" -c "sleep 60; true"; true`;
  const shell = Bun.spawn(["bash", "-c", script, name], { stdin: "ignore" });
  try {
    await eventually(() => descendantsOf(shell.pid).length === 2, "the named shell and its child");
    const below = descendantsOf(shell.pid);
    expect(readFileSync(`/proc/${below[0]}/comm`, "utf8")).toBe("a) S 1 (b\n");
    expect(descendantsOf(process.pid)).toEqual(expect.arrayContaining([shell.pid, ...below]));
  } finally {
    for (const pid of descendantsOf(shell.pid)) process.kill(pid, "SIGKILL");
    shell.kill("SIGKILL");
    await shell.exited;
  }
});

test("an unknown section, or --write with only some sections, is refused before the run starts", async () => {
  for (const [args, message] of [
    [["lines"], "no such section: lines"],
    [["line", "--write"], "--write is for a whole run"],
    [["judge", "--write"], "--write is for a whole run"],
    [["--quick", "--write"], "--write is for a whole run"],
    [["--slow"], "--slow"],
  ] as const) {
    const { child, directory } = bench(...args);
    expect(await new Response(child.stderr).text()).toContain(message);
    expect(await child.exited).toBe(2);
    expect(readdirSync(directory)).toEqual([]);
  }
});
