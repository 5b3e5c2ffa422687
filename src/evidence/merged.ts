/**
 * The news that controllers tell about themselves, merged. Merging is idempotent and commutative, also beyond
 * the limits: the order of batches does not matter, nor how often one comes.
 */

import type { News, Overridden, Presence, Told } from "./news.ts";

/** This many controllers are kept: those with the greatest beats, because a beat is about a time. */
export const PRESENCES_MAX = 256;

/** This many sent notices are kept: those of the last transitions. */
export const TOLD_MAX = 1_024;

/** This many overrides are kept: the first ones by name. */
export const OVERRIDES_MAX = 64;

export class Merged {
  readonly #presences = new Map<string, Presence>();
  readonly #told = new Map<string, Told>();
  readonly #overrides = new Map<string, Overridden>();

  /** By the names of the controllers; of each the presence with the greatest beat. */
  get presences(): ReadonlyMap<string, Presence> {
    return this.#presences;
  }

  /** By the names of the daemons. */
  get overrides(): ReadonlyMap<string, Overridden> {
    return this.#overrides;
  }

  /** The notices that were sent, in any order. */
  get told(): Iterable<Told> {
    return this.#told.values();
  }

  isTold(told: Omit<Told, "kind">): boolean {
    return this.#told.has(nameOf(told));
  }

  /** Returns whether anything is new. */
  add(news: News): boolean {
    switch (news.kind) {
      case "presence":
      case "unable":
        return this.#addPresence(news);
      case "told":
        return this.#addTold(news);
      case "override":
        return this.#addOverride(news);
      default:
        return false;
    }
  }

  #addPresence(presence: Presence): boolean {
    const before = this.#presences.get(presence.name);
    if (before !== undefined && !isLater(presence, before)) return false;
    this.#presences.set(presence.name, presence);
    if (this.#presences.size <= PRESENCES_MAX) return true;
    let least = presence;
    for (const other of this.#presences.values()) if (isLater(least, other)) least = other;
    this.#presences.delete(least.name);
    return least !== presence;
  }

  #addTold(told: Told): boolean {
    const name = nameOf(told);
    if (this.#told.has(name)) return false;
    this.#told.set(name, told);
    if (this.#told.size <= TOLD_MAX) return true;
    let first = told;
    for (const other of this.#told.values()) if (isBefore(other, first)) first = other;
    this.#told.delete(nameOf(first));
    return first !== told;
  }

  #addOverride(override: Overridden): boolean {
    const before = this.#overrides.get(override.name);
    if (before !== undefined && before.reason <= override.reason) return false;
    this.#overrides.set(override.name, override);
    if (this.#overrides.size <= OVERRIDES_MAX) return true;
    const last = [...this.#overrides.keys()].reduce((a, b) => (a > b ? a : b));
    this.#overrides.delete(last);
    return last !== override.name;
  }
}

/** A total order, so that two presences with one beat have one winner. */
function isLater(a: Presence, b: Presence): boolean {
  if (a.beat !== b.beat) return a.beat > b.beat;
  if (a.atMs !== b.atMs) return a.atMs > b.atMs;
  if (a.seq !== b.seq) return a.seq > b.seq;
  if (a.name !== b.name) return a.name > b.name;
  // Two processes with one name, or a hostile one.
  return JSON.stringify(a) > JSON.stringify(b);
}

function nameOf({ seq, atMs, to, extra = "" }: Omit<Told, "kind">): string {
  return `${seq} ${atMs} ${to} ${extra}`;
}

function isBefore(a: Told, b: Told): boolean {
  return a.seq !== b.seq ? a.seq < b.seq : nameOf(a) < nameOf(b);
}
