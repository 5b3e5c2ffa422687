/**
 * The table of each application: its arcs, and their age.
 *
 * Only the feed writes here (law 2). It swaps an application's whole table at once, so a reader never sees
 * half a change and never waits. Each request compares the table's age with its own time, so law 3 does not
 * depend on a timer.
 *
 *     never read ──apply──▶ fresh ──`unhealthy` passes──▶ stale: only arcs with failsafe `hold` are left
 *                             ▲────────────apply───────────┘
 *
 * The step from fresh to stale changes nothing for an arc with failsafe `hold`, not even under a lease: see
 * `Table.lease`.
 */

import { type Arc, byPrecedence, CANARY, covers, MAINTENANCE, MASTER } from "./circle.ts";
import { type Placement, Placements, type Reason } from "./placement.ts";

/**
 * A proxy with a lease gets the next one within this time. nginx asks once a second, and waits half a second
 * for the reply. HAProxy and Apache get a lease twice a second.
 */
const HANDOVER_MS = 2_000;

/**
 * A lease for arcs with failsafe `hold` is never shorter than this. So it survives two late renewals, even if
 * `unhealthy` is short.
 */
const HELD_MIN_MS = 2 * HANDOVER_MS;

/** The arcs by which a proxy may decide without asking. */
export interface Lease {
  /** For how many milliseconds the arcs may be used; 0 if all visitors go to master. */
  readonly durationMs: number;
  readonly arcs: readonly Arc[];
}

/** How long a table may be used. */
export interface Ages {
  /** In a table older than this, only arcs with failsafe `hold` are left. */
  readonly unhealthyMs: number;
  /** This long before that age, leases have only the arcs with failsafe `hold`. */
  readonly handoverMs: number;
}

/**
 * The ages of tables that are read every `delayMs`. The handover is never earlier than the next read, because
 * an arc must not lose visitors while the store answers.
 */
export function agesOf(unhealthyMs: number, delayMs = 0): Ages {
  return { unhealthyMs, handoverMs: Math.min(HANDOVER_MS, Math.max(0, unhealthyMs - delayMs) / 2) };
}

/** The arcs in use at one time, and the placement of all other visitors. */
interface Circle {
  readonly arcs: readonly PlacedArc[];
  /** The reasons of decisions inside and outside these arcs. */
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

/** Words that force a location, besides the location's name. */
const FORCE_WORDS = [
  ["always", CANARY],
  ["never", MASTER],
] as const;

/** The location of visitors that force it. */
interface Forced {
  readonly location: string;
  /** Made when the first visitor comes. */
  placement: Placement | undefined;
}

/** Everything in a table except its time. Two tables share it if they differ only in time. */
interface Arcs {
  readonly application: string;
  readonly all: readonly Arc[];
  readonly fresh: Circle;
  readonly stale: Circle;
  /** Locations by the word with which a request forces them. */
  readonly forced: ReadonlyMap<string, Forced>;
  readonly placements: Placements;
  readonly ages: Ages;
}

/** One application's arcs at one moment. Immutable. */
export class Table {
  /** When the store was asked for these arcs, in milliseconds on the daemon's clock; -Infinity: never. */
  readonly readAtMs: number;
  /** From this time on, only arcs with failsafe `hold` are left. */
  readonly expiresAtMs: number;
  readonly #arcs: Arcs;
  /** Copies of fields of `#arcs`, because each request reads them. */
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

  /** The arcs as they were read, in order of precedence, including `maintenance`. */
  get arcs(): readonly Arc[] {
    return this.#arcs.all;
  }

  /** The same arcs, read at another time. */
  renewed(readAtMs: number): Table {
    const { application, all, ages, placements } = this.#arcs;
    return new Table(application, all, readAtMs, ages, placements, this.#arcs);
  }

  /** Whether the table is younger than `unhealthy`. */
  isFresh(nowMs: number): boolean {
    return nowMs < this.expiresAtMs;
  }

  /** Whether visitors are served by this arc now. An arc without length serves none. */
  serves(version: string, rollout: number, offset: number, nowMs: number): boolean {
    const { arcs } = nowMs < this.expiresAtMs ? this.#fresh : this.#stale;
    for (const { arc } of arcs) {
      if (arc.version === version) return arc.rollout === rollout && arc.offset === offset;
    }
    return rollout === 0;
  }

  /** The placement of an assignment in [0, 1). */
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
   * The placement of a visitor that forces its location; undefined if there is no such version, or if the
   * table is stale.
   */
  forced(location: string, nowMs: number): Placement | undefined {
    const forced = this.#arcs.forced.get(location);
    if (forced === undefined || !(this.isFresh(nowMs) || forced.location === MASTER)) return undefined;
    forced.placement ??= this.#placement(forced.location, "forced");
    return forced.placement;
  }

  /**
   * The lease: the arcs by which a proxy may decide without asking, and for how long.
   *
   * An arc with failsafe `hold` does not end, so its lease has the full length at any age. An arc with
   * failsafe `master` ends with the table. One lease has one end. If a table has both kinds and the lease
   * ended with the table, the held arcs would have no lease until the proxy asks again. Their visitors would
   * then go to a master that may be gone. So the last leases of such a table have only the held arcs,
   * beginning `handoverMs` before its end.
   */
  lease(nowMs: number): Lease {
    const durationMs = this.leaseMs(nowMs);
    if (this.#leasesHeldAlone(nowMs)) return { durationMs, arcs: arcsIn(this.#arcs.stale) };
    return { durationMs, arcs: durationMs > 0 ? arcsIn(this.#arcs.fresh) : [] };
  }

  /** The duration of `lease` in milliseconds, which allocates nothing. */
  leaseMs(nowMs: number): number {
    if (!this.#leasesHeldAlone(nowMs)) return Math.max(0, this.#leftMs(nowMs));
    return Math.max(Math.floor(this.#arcs.ages.unhealthyMs), HELD_MIN_MS);
  }

  #leasesHeldAlone(nowMs: number): boolean {
    const held = this.#arcs.stale.arcs.length;
    if (held === 0) return false;
    return held === this.#arcs.fresh.arcs.length || this.#leftMs(nowMs) <= this.#arcs.ages.handoverMs;
  }

  #leftMs(nowMs: number): number {
    return Math.floor(this.expiresAtMs - nowMs);
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
  // Testers know these words from other tools. A version with the same name goes first.
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
  /** The applications that are served; the first one is the default. */
  readonly applications: readonly string[];
  readonly placements: Placements;
  /** In the order of `applications`. */
  readonly #tables: Table[];
  readonly #indexByName = new Map<string, number>();
  readonly #ages: Ages;

  /**
   * @param applications at least one, each once
   * @param unhealthyMs the age at which a table becomes stale
   * @param delayMs     the time between two reads of the store
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

  /** The age at which a table becomes stale, in milliseconds. */
  get unhealthyMs(): number {
    return this.#ages.unhealthyMs;
  }

  /** The default application's table. */
  get first(): Table {
    return this.#tables[0] as Table;
  }

  /** The table of an application; undefined if it is not served here. */
  table(application: string): Table | undefined {
    const index = this.#indexByName.get(application);
    return index === undefined ? undefined : this.#tables[index];
  }

  /**
   * Swaps an application's table, and returns the new one. Only the feed may call this (law 2). If the
   * application is not served here, the table is made, but no request finds it.
   *
   * @param readAtMs when the store was asked, on the clock of `locate`
   */
  apply(application: string, arcs: readonly Arc[], readAtMs: number): Table {
    return this.#swap(new Table(application, arcs, readAtMs, this.#ages, this.placements));
  }

  /**
   * Gives an application's table a new time, because the store was read again and has not changed. Returns
   * the new table. Only the feed may call this (law 2).
   *
   * @param table    the last one that `apply` or `renew` returned
   * @param readAtMs as in `apply`
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
