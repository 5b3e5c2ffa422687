/**
 * Where a visitor is placed and why: the answer of a decision, and its count.
 *
 * There is one object for each application, location and reason that has ever occurred. A decision points at one of
 * them and adds one to it, so a request allocates nothing, and the monitors read the counts at their own pace.
 */

/** Why a decision fell as it did. The whole list: a metric's tag, and what `ask -v` prints. */
export const REASONS = {
  rollout: "the assignment lies in the version's arc",
  outside: "the assignment lies outside every arc",
  hold: "the store is lost, and the version's record says to hold its last value",
  stale: "the store is lost for longer than `unhealthy`, so everyone goes to master",
  unread: "nothing has been read from the store yet",
  forced: "the request forces a location, and the operator allows that",
  invalid: "the request is malformed: a fresh assignment, and master",
  "unknown-application": "the request names an application that is not served here",
  lease: "a proxy decided by itself under a lease, and reported it",
  "lease-failure": "a proxy that decides by itself could not, went to master, and reported it",
} as const;

export type Reason = keyof typeof REASONS;

export interface Placement {
  readonly application: string;
  /** `master`, or the name of a version. */
  readonly location: string;
  readonly reason: Reason;
  /** `LF location LF`: what follows the assignment in a reply of the line protocol. */
  readonly lineTail: Uint8Array;
  /** What follows the assignment in a reply over HTTP: the header of the location, and the end of the head. */
  readonly httpTail: Uint8Array;
  /** How many visitors were placed so. */
  count: number;
}

/** All placements of a daemon. They outlive the tables that point at them, as counters must never fall. */
export class Placements {
  /**
   * Versions come and go with what operators write; past this many placements, new names are counted under the
   * location `other` so that a runaway script cannot grow memory and metrics without bound.
   */
  static readonly COUNT_MAX = 4096;

  readonly #byName = new Map<string, Placement>();

  /** The one placement of this name, made at its first mention. */
  of(application: string, location: string, reason: Reason): Placement {
    const name = `${application}\n${location}\n${reason}`;
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const tails = tailsOf(location);
    if (this.#byName.size < Placements.COUNT_MAX) {
      const placement: Placement = { application, location, reason, ...tails, count: 0 };
      this.#byName.set(name, placement);
      return placement;
    }
    return this.#uncounted(application, location, reason, tails);
  }

  values(): IterableIterator<Placement> {
    return this.#byName.values();
  }

  /** Still answers with the right location; its count goes to the shared placement `other`. */
  #uncounted(application: string, location: string, reason: Reason, tails: Tails): Placement {
    const name = `${application}\nother\n${reason}`;
    let other = this.#byName.get(name);
    if (other === undefined) {
      other = { application, location: "other", reason, ...tailsOf("other"), count: 0 };
      this.#byName.set(name, other);
    }
    const shared = other;
    return {
      application,
      location,
      reason,
      ...tails,
      get count() {
        return shared.count;
      },
      set count(value) {
        shared.count = value;
      },
    };
  }
}

type Tails = Pick<Placement, "lineTail" | "httpTail">;

function tailsOf(location: string): Tails {
  return {
    lineTail: Buffer.from(`\n${location}\n`, "latin1"),
    httpTail: Buffer.from(`\r\nmaxwellsdaemon-location: ${location}\r\n\r\n`, "latin1"),
  };
}
