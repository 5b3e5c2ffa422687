/** The programs that a run starts. They end with the run: Ctrl-C leaves none behind. */

const running = new Set<Bun.Subprocess>();
let isEnding = false;

/** The output of a program, and its exit status. */
export interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number;
  /** From its start to its end. */
  readonly wallMs: number;
  /** Processor time of the program, and of all programs that it started and waited for. */
  readonly processorMs: number;
}

/** Runs a program to its end. */
export async function runChild(
  command: readonly string[],
  { cwd, env }: { cwd: string; env: Readonly<Record<string, string | undefined>> },
): Promise<Ended> {
  if (isEnding) return never();
  const beganMs = performance.now();
  const child = Bun.spawn([...command], { cwd, env, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  running.add(child);
  const [stdout, stderr, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  running.delete(child);
  if (isEnding) return never();
  // Microseconds, as a bigint.
  const processorMs = Number(child.resourceUsage()?.cpuTime.total ?? 0) / 1_000;
  return { stdout, stderr, status, wallMs: performance.now() - beganMs, processorMs };
}

/** Whether this program is ending, so that it starts and prints nothing more. */
function never(): Promise<never> {
  return new Promise(() => {});
}

/** From now on, SIGINT and SIGTERM end all programs that run, and then this one. */
export function endChildrenWithUs(): void {
  for (const [name, status] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const) {
    process.on(name, async () => {
      if (isEnding) return;
      isEnding = true;
      for (const child of running) child.kill("SIGTERM");
      await Promise.all([...running].map((child) => Promise.race([child.exited, Bun.sleep(2_000)])));
      for (const child of running) child.kill("SIGKILL");
      process.exit(status);
    });
  }
}
