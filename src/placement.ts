/**
 * Where a visitor is placed and why: the answer of a decision, and its count.
 *
 * There is one object for each application, location and reason that has ever occurred. A decision points at
 * one of them and adds one to it, so a request allocates nothing, and the monitors read the counts at their
 * own pace.
 */

import { CANARY, MASTER } from "./circle.ts";

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
} as const;

export type Reason = keyof typeof REASONS;

export interface Placement {
  readonly application: string;
  /** `master`, or the name of a version. */
  readonly location: string;
  readonly reason: Reason;
  /** The bytes behind the assignment in a reply, by the slot of their protocol (`Placements.slotOf`). */
  readonly tails: Tails;
  /** How many visitors were placed so. */
  count: number;
}

/**
 * Makes the bytes that follow the assignment in a reply of one protocol. Pure: it runs once for each
 * location, and requests use its bytes.
 */
export type TailEncoder = (location: string) => Uint8Array;

/** In the order of the encoders. */
export type Tails = readonly Uint8Array[];

/**
 * All placements of a daemon, by application. They outlive the tables that point at them, because counters
 * must never fall. A placement is made when it is first counted, so an application without visitors has none.
 */
export class Placements {
  /**
   * The first versions of an application, in the order in which visitors came to them, always have counts of
   * their own.
   */
  static readonly OWN_VERSIONS_MAX = 16;

  /**
   * All applications together have this many versions beyond those. Past it, visitors of further versions are
   * still placed rightly, and are counted under the location `other`: a script that makes versions without
   * end takes no other application's names, and does not make memory and metrics grow.
   */
  static readonly SHARED_VERSIONS_MAX = 4096;

  readonly #encoders: readonly TailEncoder[];
  /** Nearly every application has these locations, so their bytes are made once for all of them. */
  readonly #usualTails: ReadonlyMap<string, Tails>;
  readonly #byApplication = new Map<string, OfApplication>();
  /** How many versions beyond `OWN_VERSIONS_MAX` have counts of their own. */
  #shared = 0;

  /** @param encoders of the protocols whose servers read `tails` */
  constructor(encoders: readonly TailEncoder[] = []) {
    this.#encoders = encoders;
    this.#usualTails = new Map([MASTER, CANARY].map((location) => [location, this.#encode(location)]));
  }

  /**
   * The place of an encoder's bytes in `Placement.tails`. Throws if the composition does not know the
   * encoder.
   */
  slotOf(encoder: TailEncoder): number {
    const slot = this.#encoders.indexOf(encoder);
    if (slot < 0) throw new TypeError("the placements are made without this encoder");
    return slot;
  }

  /** The one placement of this name, made at its first mention. */
  of(application: string, location: string, reason: Reason): Placement {
    let own = this.#byApplication.get(application);
    if (own === undefined) {
      own = { placements: new Map(), locations: new Map() };
      this.#byApplication.set(application, own);
    }
    const name = `${location}\n${reason}`;
    const known = own.placements.get(name);
    if (known !== undefined) return known;
    const tails = own.locations.get(location) ?? this.#newLocation(own, location);
    if (tails === undefined) return this.#uncounted(own, application, location, reason);
    const placement: Placement = { application, location, reason, tails, count: 0 };
    own.placements.set(name, placement);
    return placement;
  }

  /** The placements of one application that have occurred. */
  ofApplication(application: string): Iterable<Placement> {
    return this.#byApplication.get(application)?.placements.values() ?? [];
  }

  /** All placements that have occurred, those of one application after each other. */
  *values(): Generator<Placement, void, undefined> {
    for (const { placements } of this.#byApplication.values()) yield* placements.values();
  }

  /** Undefined if there is no room for another location. */
  #newLocation(own: OfApplication, location: string): Tails | undefined {
    // The place of everyone else is no version.
    const versions = own.locations.size - Number(own.locations.has(MASTER));
    if (location !== MASTER && versions >= Placements.OWN_VERSIONS_MAX) {
      if (this.#shared >= Placements.SHARED_VERSIONS_MAX) return undefined;
      this.#shared++;
    }
    const tails = this.#usualTails.get(location) ?? this.#encode(location);
    own.locations.set(location, tails);
    return tails;
  }

  /** Still answers with the right location; its count goes to the application's placement `other`. */
  #uncounted(own: OfApplication, application: string, location: string, reason: Reason): Placement {
    const name = `${OTHER}\n${reason}`;
    const shared = own.placements.get(name) ?? {
      application,
      location: OTHER,
      reason,
      tails: this.#encode(OTHER),
      count: 0,
    };
    own.placements.set(name, shared);
    return {
      ...{ application, location, reason, tails: this.#encode(location) },
      get count() {
        return shared.count;
      },
      set count(value) {
        shared.count = value;
      },
    };
  }

  #encode(location: string): Tails {
    return this.#encoders.map((encode) => encode(location));
  }
}

interface OfApplication {
  /** By location and reason. */
  readonly placements: Map<string, Placement>;
  /** Those with counts of their own. */
  readonly locations: Map<string, Tails>;
}

/** Where the versions are counted that have no counts of their own. */
const OTHER = "other";
