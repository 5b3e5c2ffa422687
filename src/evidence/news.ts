/**
 * The news that daemons tell each other about a release, as lines of text. Pure.
 *
 *     presence {"name":"web-1","beat":3,"atMs":1764417600000,"seq":4}
 *     told {"seq":4}
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

/** The notice of the transition `seq` was sent. */
export interface Told {
  readonly kind: "told";
  readonly seq: number;
}

/** A daemon took the visitors back before the record says so. */
export interface Overridden {
  readonly kind: "override";
  readonly name: string;
  readonly reason: string;
}

export type News = Presence | Told | Overridden;
