/**
 * The news that daemons tell each other about a release, as lines of text. Pure.
 *
 *     presence {"name":"web-1","beat":3,"atMs":1764417600000,"seq":4}
 *     unable {"name":"web-2","beat":7,"atMs":1764417600000,"seq":4}
 *     told {"seq":4,"atMs":1764417600000,"to":"1f0c9a3e"}
 *     override {"name":"web-1","reason":"errors"}
 *     coins {"of":"errors","since":1764417600000,"coins":"…"}
 *     visitors {"of":"errors","step":1764418500000,"share":1,"cuts":0,"cells":"…"}
 *     arrivals {"step":1764418500000,"cuts":0,"seen":"…","arrived":"…"}
 *     heard {"from":"5f2c09ab","step":1764418500000,"outcomes":3,"bad":1,…}
 *     reporter {"from":"5f2c09ab","name":"web-1","outcomes":3,"lastMs":1764418560000,"isQuiet":false}
 *     sign {"sign":"back","atMs":1764419100000}
 *     uncapped {"step":1764418500000}
 *
 * A line that this program does not understand is left out, because a newer daemon may have written it.
 */

/** The daemon's own state, in its news. An older daemon tells neither. */
export interface OwnState {
  /** The store's clock less that of the daemon's machine, in milliseconds; left out if it is not known. */
  readonly aheadMs?: number;
  /** The reports of outcomes that it could not take since its start. */
  readonly dropped?: number;
}

/**
 * A controller has seen `seq`. `presence`: it leads the release. `unable`: the store refuses its writes of
 * records, so it leads nothing.
 */
export interface Presence extends OwnState {
  readonly kind: "presence" | "unable";
  /** The name of the controller's machine. */
  readonly name: string;
  /** Grows with each presence of this process, so that a reader sees a new one without any clock. */
  readonly beat: number;
  /** By the store's clock, or the daemon's own if the store has none: milliseconds since 1970. */
  readonly atMs: number;
  readonly seq: number;
}

/**
 * One address has a notice. Each address counts by itself: one may be away while another one answers, and
 * daemons may have different addresses.
 */
export interface Told {
  readonly kind: "told";
  /** The `seq` of the transition, or of the state that an extra notice is about. */
  readonly seq: number;
  /**
   * The time in the record of that transition, or of that state. After a fall back of the store, another
   * transition may have the same `seq`.
   */
  readonly atMs: number;
  /** Stands for the address: 8 hexadecimal digits, from which it cannot be found. */
  readonly to: string;
  /** The word of a notice about something else than a transition, such as `bake_over`. */
  readonly extra?: string;
}

/** A daemon took the visitors back before the record says so. */
export interface Overridden {
  readonly kind: "override";
  readonly name: string;
  readonly reason: string;
}

/**
 * Visitors with a time: the coins of a metric, or those of a sign. All sides are in one line, in the order in
 * which they were seen, so that no side is ever known earlier than the other.
 */
export interface CoinsNews {
  readonly kind: "coins";
  /** The name of a metric, or `seen` or `back`. */
  readonly of: string;
  /** The times are milliseconds since this one, which is that of the release's first arc. */
  readonly since: number;
  /** Packed: cell, time, and network; for `seen` and `back` flags instead of the network. */
  readonly coins: string;
}

/** Visitors who could have met a metric in a step: each was first seen `RIPE_MS` ago or more. */
export interface VisitorsNews {
  readonly kind: "visitors";
  /** The name of a metric with a gate. */
  readonly of: string;
  /** When the step began, in milliseconds since 1970. */
  readonly step: number;
  /** In (0, 1]: the least share of assignments of which a proxy reports good outcomes. */
  readonly share: number;
  /** The sender has only the cells whose mixed cell is below 2 to the power of 32 less this. */
  readonly cuts: number;
  /** Packed. */
  readonly cells: string;
}

/** Visitors in the canary's arc in a step, and those of them whom a proxy reported at the canary. */
export interface ArrivalsNews {
  readonly kind: "arrivals";
  readonly step: number;
  readonly cuts: number;
  /** Packed. These were not reported at the canary yet. */
  readonly seen: string;
  /** Packed. */
  readonly arrived: string;
}

/** The sums of all that one process heard in a step. */
export interface HeardNews {
  readonly kind: "heard";
  /** Stands for the process: random, because it counts from 0. */
  readonly from: string;
  readonly step: number;
  readonly outcomes: number;
  /** The outcomes that were bad for the metric `errors`. */
  readonly bad: number;
  /** The outcomes whose reporter can tell whether the visitor brought its assignment. */
  readonly brought: number;
  /** The decisions for which the outcomes stand: more, if only a share of the good ones is reported. */
  readonly decisions: number;
  /** The busiest assignments and networks, each with its decisions. */
  readonly cells: readonly (readonly [cell: number, decisions: number])[];
  readonly networks: readonly (readonly [network: number, decisions: number])[];
}

/** A process hears outcomes of the release, or has heard some and hears none any more. */
export interface ReporterNews extends OwnState {
  readonly kind: "reporter";
  /** Stands for the process. */
  readonly from: string;
  /** The name of its machine, for people. */
  readonly name: string;
  /** All that it heard in the release. */
  readonly outcomes: number;
  /** When it heard the last one, by the store's clock: milliseconds since 1970. */
  readonly lastMs: number;
  /** By its own clock that is longer ago than it can be by chance. */
  readonly isQuiet: boolean;
  /** Set if its memory for the evidence was short, so that it counts a part of the visitors only. */
  readonly isShort?: boolean;
}

/** A sign was raised. It stays, also if the evidence for it gets less. */
export interface SignNews {
  readonly kind: "sign";
  readonly sign: string;
  /** By the store's clock, in milliseconds since 1970. */
  readonly atMs: number;
}

/** One network had many of the decisions of a step. From the next step on, all coins of a network count. */
export interface UncappedNews {
  readonly kind: "uncapped";
  /** When that step began, in milliseconds since 1970. */
  readonly step: number;
}

/** The news of which the evidence of a release is made. */
export type EvidenceNews =
  | CoinsNews
  | VisitorsNews
  | ArrivalsNews
  | HeardNews
  | ReporterNews
  | SignNews
  | UncappedNews;

/** The news of which `Merged` keeps the controllers' part. */
export type CrewNews = Presence | Told | Overridden;

export type News = CrewNews | EvidenceNews;

export function isPresence(news: News): news is Presence {
  return news.kind === "presence" || news.kind === "unable";
}

/** Whether news is a part of the evidence. */
export function isEvidence(news: News): news is EvidenceNews {
  return !isPresence(news) && news.kind !== "told" && news.kind !== "override";
}
