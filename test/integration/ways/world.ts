/** A machine on which the files of other ways in find the program, a store, and perhaps a controller. */

import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PROGRAM } from "../../support/program.ts";

export const INTEGRATIONS = join(import.meta.dir, "../../../integrations");

export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class World {
  readonly directory = mkdtempSync(join(tmpdir(), "ways-"));
  readonly storePath = join(this.directory, "rollouts.json");
  readonly store = `file:${this.storePath}`;

  constructor() {
    const bin = join(this.directory, "bin");
    mkdirSync(bin);
    writeFileSync(join(bin, "maxwells-daemon"), `#!/bin/sh\nexec '${PROGRAM}' "$@"\n`);
    chmodSync(join(bin, "maxwells-daemon"), 0o755);
    this.write({ canary: 0 });
  }

  /** Puts a shipped settings file to this path, with this world's store in it. */
  install(shipped: string, path: string): void {
    const moved = fileOf(shipped).replace(/^store = "dynamodb:.*"/m, `store = "${this.store}"`);
    mkdirSync(dirname(join(this.directory, path)), { recursive: true });
    writeFileSync(join(this.directory, path), moved);
  }

  write(records: Readonly<Record<string, unknown>>): void {
    writeFileSync(this.storePath, JSON.stringify({ website: records }));
  }

  /** The record of the canary. */
  get canary(): unknown {
    const { website } = JSON.parse(readFileSync(this.storePath, "utf8")) as {
      readonly website: { readonly canary: unknown };
    };
    return website.canary;
  }

  /** Runs a command that finds the program on its path. */
  async run(command: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
    const child = Bun.spawn([...command], {
      cwd: this.directory,
      env: { ...process.env, ...env, PATH: `${this.directory}/bin:${process.env["PATH"]}` },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const [stdout, stderr] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    return { status: await child.exited, stdout, stderr };
  }

  /** Runs a command of the program on the store. */
  command(...words: readonly string[]): Promise<Ran> {
    return this.run(["maxwells-daemon", ...words], this.environment);
  }

  get environment(): Record<string, string> {
    return {
      MAXWELLS_DAEMON_STORE: this.store,
      MAXWELLS_DAEMON_APPLICATION: "website",
      MAXWELLS_DAEMON_CONFIG: "none",
    };
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** A file of `integrations`. */
export function fileOf(path: string): string {
  return readFileSync(join(INTEGRATIONS, path), "utf8");
}

/** Shellcheck's findings; empty if there are none. */
export async function shellcheck(path: string): Promise<string> {
  const child = Bun.spawn(["shellcheck", path], { stdout: "pipe", stderr: "pipe" });
  const texts = [new Response(child.stdout).text(), new Response(child.stderr).text()];
  return (await Promise.all(texts)).join("");
}
