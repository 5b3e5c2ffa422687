/**
 * All processes that this one has started, directly or not, so a run that is interrupted at any moment leaves
 * no process behind: nginx has a worker, and wrk may be running. Linux only.
 */

import { readdirSync, readFileSync } from "node:fs";

/** More rounds than any run needs. A process that forks while it is killed is found in the next round. */
const ROUNDS_MAX = 100;

/** The ids of the processes below `pid` that still run. */
export function descendantsOf(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    const process = /^\d+$/.test(name) ? readParent(name) : undefined;
    if (process === undefined) continue;
    const siblings = children.get(process.parent);
    if (siblings === undefined) children.set(process.parent, [process.pid]);
    else siblings.push(process.pid);
  }
  const found = [...(children.get(pid) ?? [])];
  // The list grows while it is walked.
  for (const parent of found) found.push(...(children.get(parent) ?? []));
  return found;
}

/** Kills all of them with SIGKILL. */
export function killDescendants(): void {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const pids = descendantsOf(process.pid);
    if (pids.length === 0) return;
    for (const pid of pids) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // The process ended by itself.
      }
    }
  }
}

/** Undefined if the process has ended, even if its parent has not collected it yet. */
function readParent(name: string): { pid: number; parent: number } | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${name}/stat`, "latin1");
  } catch {
    return undefined;
  }
  // The name in brackets may contain any character, even brackets.
  const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return state === "Z" || state === "X" ? undefined : { pid: Number(name), parent: Number(parent) };
}
