/** A store in memory that the command line can open: `-store ./NAME.ts`, as an operator's own store. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MemoryStore } from "./memory-store.ts";

export interface MemoryModule extends Disposable {
  /** For `-store`. */
  readonly address: string;
  /** The store that each command opens. */
  readonly store: MemoryStore;
}

/** @param hasClock whether the store has a clock, which is this machine's */
export async function memoryModule(hasClock = true): Promise<MemoryModule> {
  const directory = mkdtempSync(join(tmpdir(), "maxwells-daemon-memory-"));
  const address = join(directory, "store.ts");
  const from = JSON.stringify(join(import.meta.dir, "memory-store.ts"));
  writeFileSync(
    address,
    `import { MemoryStore } from ${from};
export const store = new MemoryStore(${hasClock ? "Date.now" : ""});
export default () => store;
`,
  );
  const { store } = (await import(address)) as { readonly store: MemoryStore };
  return { address, store, [Symbol.dispose]: () => rmSync(directory, { recursive: true }) };
}
