/** A store in memory with a release in it, and the command line on it. */

import { newsLine } from "../../src/evidence/news-lines.ts";
import type { Release } from "../../src/releases/release.ts";
import { releaseField } from "../../src/releases/release-field.ts";
import { KEY, releaseOf } from "../releases/world.ts";
import { eventually } from "../support/eventually.ts";
import { type MemoryModule, memoryModule } from "../support/memory-module.ts";
import { type Run, run, withoutFlags } from "./run.ts";

/** A minute ago. */
export const SINCE = () => new Date(Date.now() - 60_000).toISOString();

/** A store in memory with a release in its second step, at 5 %. */
export class World implements Disposable {
  readonly #module: MemoryModule;

  private constructor(module: MemoryModule) {
    this.#module = module;
  }

  static async make(release: Release | null = releaseOf({ since: SINCE() })): Promise<World> {
    const world = new World(await memoryModule());
    if (release !== null) world.put(release);
    return world;
  }

  get store() {
    return this.#module.store;
  }

  put(release: Release, fields: Readonly<Record<string, unknown>> = {}, version = "canary"): void {
    const [rollout, offset] = release.wrote;
    this.store.put("app", version, { rollout, offset, release: releaseField(release), ...fields });
  }

  async present(name: string, seq = 4): Promise<void> {
    const line = newsLine({ kind: "presence", name, beat: 1, atMs: Date.now(), seq });
    await this.store.evidence.append({ application: "app", key: KEY }, [line], AbortSignal.timeout(1_000));
  }

  /** The flags of this store are left out of the commands that it prints. */
  async run(...argv: string[]): Promise<Run> {
    return withoutFlags(await run([...argv, "-store", this.#module.address]), this.#module.address);
  }

  /** Resolves when a command that follows the release has looked at it. */
  async looked(): Promise<void> {
    const { calls } = this.store;
    const before = calls.readEvidence;
    await eventually(() => calls.readEvidence > before, "a look");
  }

  /** Runs it at a terminal or not, and calls back with all that was printed, each time that it prints. */
  seen(
    argv: readonly string[],
    onPrint: (all: string, interrupt: () => void) => void,
    { isTerminal = false, TERM = "xterm" } = {},
  ) {
    let all = "";
    return run([...argv, "-store", this.#module.address], { TERM }, undefined, {
      isTerminal,
      onPrint(text, interrupt) {
        all += text;
        onPrint(all, interrupt);
      },
    });
  }

  [Symbol.dispose](): void {
    this.#module[Symbol.dispose]();
  }
}
