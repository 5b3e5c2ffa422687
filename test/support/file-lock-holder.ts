/**
 * A writer of a file store as a process of its own, which stops at the worst moment:
 * `bun file-lock-holder.ts PATH MODE`. It prints a line when it has stopped there.
 *
 *     hold    takes the lock, and keeps it until it is ended
 *     write   writes; stops itself (SIGSTOP) between its last look at the lock and its rename
 */

import { existsSync, readdirSync } from "node:fs";
import { basename, dirname } from "node:path";
import { takeLock } from "../../src/stores/file/lock.ts";
import { openStore } from "../../src/stores/list.ts";

const [path = "", mode] = process.argv.slice(2);
const signal = AbortSignal.timeout(60_000);

if (mode === "hold") {
  await takeLock(path, signal, () => {});
  console.log("holds");
  setInterval(() => {}, 1_000);
} else {
  const isWritten = () =>
    existsSync(`${path}.lock`) &&
    readdirSync(dirname(path)).some((name) => name.startsWith(`.${basename(path)}.`));
  let looks = 0;
  // The last thing that a writer looks at before its rename is the signal: the second time beside its new
  // file.
  Object.defineProperty(signal, "aborted", {
    get() {
      if (isWritten() && ++looks === 2) process.kill(process.pid, "SIGSTOP");
      return false;
    },
  });
  const store = await openStore(`file:${path}`, { table: "", region: "", environment: {}, warn: () => {} });
  const before = (await store.read("website", signal)).get("canary");
  const outcome = await store
    .write?.("website", "canary", { rollout: 0.9 }, before?.revision ?? null, signal)
    .then(
      ({ ok }) => (ok ? "written" : "lost"),
      (error: Error) => error.message,
    );
  console.log(outcome);
  await store.close();
}
