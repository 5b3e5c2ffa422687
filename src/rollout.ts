/**
 * The table of arcs of every application, and its age.
 *
 * Only the feed writes here (law 2), and it writes by swapping an application's whole table at once, so a
 * reader never sees half a change and never waits. Whether a table may still be used is asked at each
 * request, with the request's clock: no timer has to fire for law 3 to hold.
 *
 *     never read ──apply──▶ fresh ──`unhealthy` passes──▶ stale: only arcs that `hold` are left
 *                             ▲────────────apply───────────┘
 *
 * An arc that holds does not notice the step from fresh to stale, under a lease either: see `Table.lease`.
 */

import { type Arc, byPrecedence, CANARY, covers, MAINTENANCE, MASTER } from "./circle.ts";
import { type Placement, Placements, type Reason } from "./placement.ts";

/**
 * A proxy that has a lease asks for the next one within this time: nginx once a second, with half a second of
 * patience. HAProxy and Apache are told twice a second.
 */
const HANDOVER_MS = 2_000;

/**
 * A lease of what holds is never shorter than this, so that even with a short `unhealthy` it outlives two
 * late questions.
 */
const HELD_MIN_MS = 2 * HANDOVER_MS;

/** What a proxy that decides by itself is given. */
export interface Lease {
  /** For how many milliseconds the arcs may be used; 0 if everyone goes to master. */
  readonly durationMs: number;
  readonly arcs: readonly Arc[];
}

/** How long a table may be used. */
export interface Ages {
  /** Older than this, only what holds is left of it. */
  readonly unhealthyMs: number;
  /** So long before that, leases are already given for what holds alone. */
  readonly handoverMs: number;
}

/**
 * The ages of tables that are read every `delayMs`. The handover is never so early that a read in good time
 * would come after it: a store that answers must not take visitors from an arc.
 */
export function agesOf(unhealthyMs: number, delayMs = 0): Ages {
  return { unhealthyMs, handoverMs: Math.min(HANDOVER_MS, Math.max(0, unhealthyMs - delayMs) / 2) };
}

/** The arcs that count at one time, and where everyone else goes. */
interface Circle {
  readonly arcs: readonly PlacedArc[];
  /** Why visitors in these arcs, and outside of them, are where they are. */
  readonly inside: Reason;
  readonly outside: Reason;
  /** Made when the first visitor comes. */
  otherwise: Placement | undefined;
}

interface PlacedArc {
  readonly offset: number;
  readonly rollout: number;
  readonly arc: Arc;
  /** Made when the first visitor comes. */
  placement: Placement | undefined;
}

/** Words that force a location beside its name. */
const FORCE_WORDS = [
  ["always", CANARY],
  ["never", MASTER],
] as const;

/** Where visitors go that force their location. */
interface Forced {
  readonly location: string;
  /** Made when the first visitor comes. */
  placement: Placement | undefined;
}

/** What a table is made of beside its time; two tables share it if only the time differs. */
interface Arcs {
  readonly application: string;
  readonly all: readonly Arc[];
  readonly fresh: Circle;
  readonly stale: Circle;
  /** By what a request may call it. */
  readonly forced: ReadonlyMap<string, Forced>;
  readonly placements: Placements;
  readonly ages: Ages;
}

/** One application's arcs as of one moment. Immutable. */
export class Table {
  /** When the store was asked for what is in here, on the daemon's clock; -Infinity: never. */
  readonly readAtMs: number;
  /** From here on only what holds is left. */
  readonly expiresAtMs: number;
  readonly #arcs: Arcs;
  /** Of `#arcs`, because each request looks at them. */
  readonly #fresh: Circle;
  readonly #stale: Circle;

  constructor(
    application: string,
    arcs: readonly Arc[],
    readAtMs: number,
    ages: Ages,
    placements: Placements,
    made?: Arcs,
  ) {
    this.readAtMs = readAtMs;
    this.expiresAtMs = readAtMs + ages.unhealthyMs;
    this.#arcs = made ?? arcsOf(application, arcs, readAtMs, ages, placements);
    this.#fresh = this.#arcs.fresh;
    this.#stale = this.#arcs.stale;
  }

  get application(): string {
    return this.#arcs.application;
  }

  /** As read, in order of precedence, with `maintenance` among them. */
  get arcs(): readonly Arc[] {
    return this.#arcs.all;
  }

  /** The same arcs, read at another time. */
  renewed(readAtMs: number): Table {
    const { application, all, ages, placements } = this.#arcs;
    return new Table(application, all, readAtMs, ages, placements, this.#arcs);
  }

  /** Whether the rollouts still hold as they were read. */
  isFresh(nowMs: number): boolean {
    return nowMs < this.expiresAtMs;
  }

  /** The place of an assignment in [0, 1). */
  locate(assignment: number, nowMs: number): Placement {
    const circle = nowMs < this.expiresAtMs ? this.#fresh : this.#stale;
    const arcs = circle.arcs;
    for (let i = 0; i < arcs.length; i++) {
      const arc = arcs[i] as PlacedArc;
      if (covers(arc.offset, arc.rollout, assignment)) return arc.placement ?? this.#inside(arc, circle);
    }
    return circle.otherwise ?? this.#outside(circle);
  }

  /**
   * The place of a visitor that forces its location; undefined if there is no such version, or no fresh word
   * of it.
   */
  forced(location: string, nowMs: number): Placement | undefined {
    const forced = this.#arcs.forced.get(location);
    if (forced === undefined || !(this.isFresh(nowMs) || forced.location === MASTER)) return undefined;
    forced.placement ??= this.#placement(forced.location, "forced");
    return forced.placement;
  }

  /**
   * What may be decided without asking, and for how long.
   *
   * An arc that holds has no end, so its lease has its whole length at any age. An arc that does not hold
   * ends with the table, and one lease has one end. If a table has both, a lease up to that end would leave
   * the arcs that hold with no lease until the proxy asks again, and their visitors would go to a master that
   * may be gone. So the last leases of such a table are for what holds alone, from one round of questions
   * before its end.
   */
  lease(nowMs: number): Lease {
    const { unhealthyMs, handoverMs } = this.#arcs.ages;
    const leftMs = Math.floor(this.expiresAtMs - nowMs);
    const fresh = this.#arcs.fresh.arcs;
    const held = this.#arcs.stale.arcs;
    const isHandedOver = held.length === fresh.length || leftMs <= handoverMs;
    if (held.length > 0 && isHandedOver) {
      return { durationMs: Math.max(Math.floor(unhealthyMs), HELD_MIN_MS), arcs: arcsIn(this.#arcs.stale) };
    }
    return leftMs > 0 ? { durationMs: leftMs, arcs: arcsIn(this.#arcs.fresh) } : { durationMs: 0, arcs: [] };
  }

  #inside(arc: PlacedArc, { inside }: Circle): Placement {
    arc.placement = this.#placement(arc.arc.version, inside);
    return arc.placement;
  }

  #outside(circle: Circle): Placement {
    circle.otherwise = this.#placement(MASTER, circle.outside);
    return circle.otherwise;
  }

  #placement(location: string, reason: Reason): Placement {
    return this.#arcs.placements.of(this.#arcs.application, location, reason);
  }
}

function arcsIn(circle: Circle): Arc[] {
  return circle.arcs.map((placed) => placed.arc);
}

function arcsOf(
  application: string,
  arcs: readonly Arc[],
  readAtMs: number,
  ages: Ages,
  placements: Placements,
): Arcs {
  const all = [...arcs].sort(byPrecedence);
  const served = all.filter((arc) => arc.version !== MAINTENANCE);
  const held = served.filter((arc) => arc.failsafe === "hold");
  const forced = new Map<string, Forced>();
  for (const location of [MASTER, ...served.map((arc) => arc.version)]) {
    forced.set(location, { location, placement: undefined });
  }
  // Testers know these words from other tools; a version of that very name goes first.
  for (const [word, version] of FORCE_WORDS) {
    const location = forced.get(version);
    if (location !== undefined && !forced.has(word)) forced.set(word, location);
  }
  return {
    ...{ application, all, forced, placements, ages },
    fresh: circleOf(served, "rollout", "outside"),
    stale: circleOf(held, "hold", readAtMs === Number.NEGATIVE_INFINITY ? "unread" : "stale"),
  };
}

function circleOf(chosen: readonly Arc[], inside: Reason, outside: Reason): Circle {
  const arcs = chosen
    .filter((arc) => arc.rollout > 0)
    .map((arc) => ({ offset: arc.offset, rollout: arc.rollout, arc, placement: undefined }));
  return { arcs, inside, outside, otherwise: undefined };
}

/** The tables of all applications that a daemon serves. */
export class Rollout {
  /** The applications served; the first one is the default. */
  readonly applications: readonly string[];
  readonly placements: Placements;
  /** Tables in the order of `applications`. */
  readonly #tables: Table[];
  readonly #indexByName = new Map<string, number>();
  readonly #ages: Ages;

  /**
   * @param applications at least one, each once
   * @param unhealthyMs  how old a table may become before its rollouts fall to 0
   * @param delayMs      how often the store is read
   */
  constructor(
    applications: readonly string[],
    unhealthyMs: number,
    delayMs = 0,
    placements = new Placements(),
  ) {
    this.applications = applications;
    this.placements = placements;
    this.#ages = agesOf(unhealthyMs, delayMs);
    this.#tables = applications.map(
      (application) => new Table(application, [], Number.NEGATIVE_INFINITY, this.#ages, placements),
    );
    applications.forEach((application, index) => {
      this.#indexByName.set(application, index);
    });
  }

  /** How old a table may become before its rollouts fall to 0. */
  get unhealthyMs(): number {
    return this.#ages.unhealthyMs;
  }

  /** The default application's table. */
  get first(): Table {
    return this.#tables[0] as Table;
  }

  /** The table of an application; undefined where it is not served here. */
  table(application: string): Table | undefined {
    const index = this.#indexByName.get(application);
    return index === undefined ? undefined : this.#tables[index];
  }

  /**
   * Swaps an application's table, and returns the new one. For the feed alone (law 2). The table of an
   * application that is not served here is made, and no request finds it.
   *
   * @param readAtMs when the store was asked, on the clock that `locate` is called with
   */
  apply(application: string, arcs: readonly Arc[], readAtMs: number): Table {
    return this.#swap(new Table(application, arcs, readAtMs, this.#ages, this.placements));
  }

  /**
   * Says that an application's table has been read again and is the same, and returns it with its new time.
   * For the feed alone (law 2).
   *
   * @param table    as `apply` or `renew` returned it last
   * @param readAtMs as of `apply`
   */
  renew(table: Table, readAtMs: number): Table {
    return this.#swap(table.renewed(readAtMs));
  }

  #swap(table: Table): Table {
    const index = this.#indexByName.get(table.application);
    if (index !== undefined) this.#tables[index] = table;
    return table;
  }
}
