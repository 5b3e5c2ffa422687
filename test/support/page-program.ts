/** Programs on the pages of the documentation: their code, and a run of one. */

import { expect } from "bun:test";

/** The first code in this language. Throws if the text has none. */
export function codeIn(text: string, fence: string): string {
  const [, code] = new RegExp(`^\`\`\`${fence}\\n([\\s\\S]*?)^\`\`\`$`, "m").exec(text) ?? [];
  if (code === undefined) throw new Error(`the page has no code in ${fence}`);
  return code;
}

export interface ProgramRun {
  /** Its home directory. */
  readonly home: string;
  readonly timeoutMs: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** The program's output. It must end by itself, with status 0 and without complaints. */
export async function outputOf(
  command: readonly string[],
  { home, timeoutMs, env = {} }: ProgramRun,
): Promise<string> {
  const child = Bun.spawn([...command], {
    env: { PATH: process.env["PATH"], HOME: home, LC_ALL: "C.UTF-8", ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: timeoutMs,
  });
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  expect({ stderr, status: child.exitCode }).toEqual({ stderr: "", status: 0 });
  return stdout.trim();
}
