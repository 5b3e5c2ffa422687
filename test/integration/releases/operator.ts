/** An operator at a shell: the real command, as a process, with a configuration file of its own. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PROGRAM } from "../../support/program.ts";
import type { SharedStore } from "./stores.ts";

export class Operator {
  readonly #directory = mkdtempSync(join(tmpdir(), "maxwells-daemon-operator-"));
  readonly #store: SharedStore;

  /** @param steps of the plan `twenty` */
  constructor(store: SharedStore, steps: readonly string[]) {
    this.#store = store;
    // DynamoDB asks for a word on the offset, because daemons of 2016 could share its table.
    const plan = `[plans.twenty]\nsteps = ${JSON.stringify(steps)}\noffset = "random"\n`;
    writeFileSync(this.#config, plan, { mode: 0o644 });
  }

  /** Runs a command, and resolves with its stdout. Rejects if it does not end with 0. */
  async does(...words: readonly string[]): Promise<string> {
    const { address, env } = this.#store;
    const flags = ["-config", this.#config, "-store", address];
    const site = words[0] === "init-store" ? [] : ["-application", "website"];
    const child = Bun.spawn([PROGRAM, ...words, ...flags, ...site], {
      env: { ...process.env, ...env },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const [stdout, stderr, status] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    if (status !== 0) throw new Error(`${words.join(" ")} ended with ${status}: ${stdout}${stderr}`);
    return stdout;
  }

  leave(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  get #config(): string {
    return join(this.#directory, "maxwells-daemon.toml");
  }
}
