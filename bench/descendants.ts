/**
 * Every process that this one has started, directly or not, so that none is left behind when it is interrupted in the
 * middle of anything: nginx has a worker, and wrk may be under way. Linux only.
 */

import { readdirSync, readFileSync } from "node:fs";

/** More rounds than ever needed: one that forks while it is being ended is found in the next. */
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

/** Ends all of them at once, by SIGKILL. */
export function killDescendants(): void {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const pids = descendantsOf(process.pid);
    if (pids.length === 0) return;
    for (const pid of pids) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It has ended by itself.
      }
    }
  }
}

/** Undefined for one that has gone, also where its parent has not yet taken notice. */
function readParent(name: string): { pid: number; parent: number } | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${name}/stat`, "latin1");
  } catch {
    return undefined;
  }
  // The name in brackets may hold anything, brackets too.
  const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return state === "Z" || state === "X" ? undefined : { pid: Number(name), parent: Number(parent) };
}
