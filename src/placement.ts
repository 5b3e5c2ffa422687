/**
 * The location of a visitor and the reason: the answer of a decision, and its count.
 *
 * There is one object for each application, location and reason that has ever occurred. A decision points at
 * one of these objects and adds 1 to its count, so a request allocates nothing. The monitors read the counts
 * at their own pace.
 */

import { CANARY, MASTER } from "./circle.ts";

/**
 * All reasons of a decision, each with the sentence that `ask -v` prints. The names are also a tag of a
 * metric.
 */
export const REASONS = {
  rollout: "the assignment is in the version's arc",
  outside: "the assignment is outside every arc",
  hold: "the store has been unreadable for longer than `-unhealthy`, and the version has failsafe `hold`",
  stale: "the store has been unreadable for longer than `-unhealthy`, so the visitor goes to master",
  unread: "the daemon has not read the store yet, so the visitor goes to master",
  forced: "the request forces its location, and the operator allows that",
  invalid: "the request is malformed: the reply is a fresh assignment and master",
  "unknown-application": "the daemon does not serve the application that the request names",
} as const;

export type Reason = keyof typeof REASONS;

export interface Placement {
  readonly application: string;
  /** `master`, or the name of a version. */
  readonly location: string;
  readonly reason: Reason;
  /** The bytes behind the assignment in a reply, one entry for each protocol (`Placements.slotOf`). */
  readonly tails: Tails;
  /** Number of decisions with this placement. */
  count: number;
}

/**
 * Makes the bytes that follow the assignment in a reply of one protocol. Pure. It runs once for each
 * location, and all replies use the same bytes.
 */
export type TailEncoder = (location: string) => Uint8Array;

/** In the order of the encoders. */
export type Tails = readonly Uint8Array[];

/**
 * All placements of a daemon, by application. They outlive the tables that point at them, because a counter
 * must never decrease. A placement is made when it is first counted, so an application without visitors has
 * none.
 */
export class Placements {
  /**
   * This many versions of an application always have counts of their own: the first ones that get a visitor.
   */
  static readonly OWN_VERSIONS_MAX = 16;

  /**
   * All applications together may have counts for this many versions more. Visitors of further versions are
   * still placed correctly, and are counted under the location `other`. So a script that makes versions
   * without end does not make memory and metrics grow, and other applications keep their counts.
   */
  static readonly SHARED_VERSIONS_MAX = 4096;

  readonly #encoders: readonly TailEncoder[];
  /** The bytes of locations that nearly every application has, made once for all applications. */
  readonly #usualTails: ReadonlyMap<string, Tails>;
  readonly #byApplication = new Map<string, OfApplication>();
  /** Number of versions beyond `OWN_VERSIONS_MAX` with counts of their own. */
  #shared = 0;

  /** @param encoders one for each protocol whose servers read `tails` */
  constructor(encoders: readonly TailEncoder[] = []) {
    this.#encoders = encoders;
    this.#usualTails = new Map([MASTER, CANARY].map((location) => [location, this.#encode(location)]));
  }

  /**
   * The index of an encoder's bytes in `Placement.tails`. Throws if the encoder was not given to the
   * constructor.
   */
  slotOf(encoder: TailEncoder): number {
    const slot = this.#encoders.indexOf(encoder);
    if (slot < 0) throw new TypeError("the placements are made without this encoder");
    return slot;
  }

  /** The one placement with this application, location and reason, made at the first call. */
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
    return this.#byApplication.get(application)?.placements.values() ?? NONE;
  }

  /** All placements that have occurred, application by application. */
  *values(): Generator<Placement, void, undefined> {
    for (const { placements } of this.#byApplication.values()) yield* placements.values();
  }

  /** Undefined if there is no room for another location. */
  #newLocation(own: OfApplication, location: string): Tails | undefined {
    // Master is not a version, so it is not counted as one.
    const versions = own.locations.size - Number(own.locations.has(MASTER));
    if (location !== MASTER && versions >= Placements.OWN_VERSIONS_MAX) {
      if (this.#shared >= Placements.SHARED_VERSIONS_MAX) return undefined;
      this.#shared++;
    }
    const tails = this.#usualTails.get(location) ?? this.#encode(location);
    own.locations.set(location, tails);
    return tails;
  }

  /**
   * A placement that answers with the right location, and is counted in the application's placement `other`.
   */
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
  /** Locations with counts of their own. */
  readonly locations: Map<string, Tails>;
}

const NONE: readonly Placement[] = [];

/** The location under which versions without counts of their own are counted. */
const OTHER = "other";
