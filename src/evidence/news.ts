/**
 * The news that daemons tell each other about a release, as lines of text. Pure.
 *
 *     presence {"name":"web-1","beat":3,"atMs":1764417600000,"seq":4}
 *     told {"seq":4,"to":"1f0c9a3e"}
 *     override {"name":"web-1","reason":"errors"}
 *
 * A line that this program does not understand is left out, because a newer daemon may have written it.
 */

/** A controller leads the release: it has seen `seq`. */
export interface Presence {
  readonly kind: "presence";
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

export type News = Presence | Told | Overridden;
