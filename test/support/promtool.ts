/** promtool, which comes with Debian's package of Prometheus. */

export interface Told {
  readonly status: number;
  /** All that it said. */
  readonly text: string;
}

export function promtool(args: readonly string[], input = "", cwd?: string): Told {
  const { exitCode, stdout, stderr } = Bun.spawnSync(["promtool", ...args], {
    stdin: Buffer.from(input),
    ...(cwd === undefined ? {} : { cwd }),
  });
  return { status: exitCode, text: `${stdout}${stderr}` };
}
