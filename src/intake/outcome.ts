/**
 * An outcome: what became of one request that the daemon, or a proxy under a lease, has placed. Plain data.
 *
 * A door fills in the same `OutcomeDraft` for each outcome, and hands it on with one synchronous call. So no
 * outcome costs an object, and a `Take` must copy what it keeps.
 */

/** The door through which an outcome came. It is a label of metrics. */
export type DoorName = "udp" | "otlp" | "line" | "http";

/** In the order of the labels of metrics. */
export const DOOR_NAMES: readonly DoorName[] = ["udp", "otlp", "line", "http"];

/**
 * `answered`: the visitor got an answer, with `status`. An answer that the proxy made because it got none is
 * one of these, with status 502 or 504.
 * `broken`: the answer began, and the server did not end it.
 * `left`: the visitor went away before the end of the answer. It was heard, but does not count as an error.
 */
export type OutcomeKind = "answered" | "broken" | "left";

export interface Outcome {
  /** Empty in a report without one; the intake then puts the daemon's first application there. */
  readonly application: string;
  /** The reporter's word; empty if there is none. It never decides on which side of a release this counts. */
  readonly location: string;
  /** In [0, 1). */
  readonly assignment: number;
  readonly kind: OutcomeKind;
  /** From 100 to 999, or 0 if the visitor left before a status. */
  readonly status: number;
  /** Whether the proxy had to try another server or version, which the visitor did not see. */
  readonly isRetried: boolean;
  /** From the request to the end of the answer: it dates the decision. NaN if it is not reported. */
  readonly durationMs: number;
  /** From the request to the first byte of the answer; NaN if it is not reported. */
  readonly firstByteMs: number;
  /** Whether the visitor came with its assignment or key; undefined if the reporter cannot tell. */
  readonly isBrought: boolean | undefined;
  /** Whether the location was forced. */
  readonly isForced: boolean;
  /** Names of the application's own bad events in this request. */
  readonly events: readonly string[];
  /** The visitor's address as the proxy trusts it, such as `192.0.2.7`; undefined if it is not reported. */
  readonly source: string | undefined;
  /** In (0, 1]: the reporter reports good outcomes of this share of the assignments only. */
  readonly share: number;
  /** When the request was decided, in ms since 1970 by the reporter's clock; undefined if not reported. */
  readonly decidedAtMs: number | undefined;
}

/**
 * Takes an outcome. It is synchronous, never throws, and keeps no reference to the outcome. A visitor may
 * wait meanwhile, so it is done within microseconds.
 */
export type Take = (outcome: Outcome, door: DoorName) => void;

/** An outcome that a door fills in. */
export type OutcomeDraft = { -readonly [K in keyof Outcome]: Outcome[K] } & {
  /** HAProxy's termination state, which decides on `kind`; empty if there is none. */
  ended: string;
  /** The proxy answered by itself, so the daemon's word changed nothing. */
  isOwnAnswer: boolean;
};

/** Without events. A draft shares it until the first event. */
const NO_EVENTS: readonly string[] = [];

export function emptyOutcome(): OutcomeDraft {
  return resetOutcome({
    ...{ application: "", location: "", assignment: Number.NaN, kind: "answered", status: Number.NaN },
    ...{
      isRetried: false,
      durationMs: Number.NaN,
      firstByteMs: Number.NaN,
      isBrought: undefined,
      isForced: false,
    },
    ...{ events: NO_EVENTS, source: undefined, share: 1, decidedAtMs: undefined, ended: "" },
    isOwnAnswer: false,
  });
}

/** Makes a draft empty again. Assignment and status are NaN until they are read. */
export function resetOutcome(draft: OutcomeDraft): OutcomeDraft {
  draft.application = "";
  draft.location = "";
  draft.assignment = Number.NaN;
  draft.kind = "answered";
  draft.status = Number.NaN;
  draft.isRetried = false;
  draft.durationMs = Number.NaN;
  draft.firstByteMs = Number.NaN;
  draft.isBrought = undefined;
  draft.isForced = false;
  draft.events = NO_EVENTS;
  draft.source = undefined;
  draft.share = 1;
  draft.decidedAtMs = undefined;
  draft.ended = "";
  draft.isOwnAnswer = false;
  return draft;
}

/** Whether the request failed, as the metric `errors` counts. A visitor who left does not count as one. */
export function isError({ kind, status, isRetried }: Outcome): boolean {
  return kind === "broken" || (kind === "answered" && (status >= 500 || isRetried));
}

/** The status of a connection that goes on as another protocol, such as a WebSocket. */
export const SWITCHING_PROTOCOLS = 101;

/**
 * The time that the visitor waited for the answer, which the slow metrics compare with their bounds. NaN if
 * it is not known: it is not reported, the visitor left, or a WebSocket was open for that long.
 */
export function responseMs({ kind, status, durationMs, firstByteMs }: Outcome): number {
  if (kind === "left") return Number.NaN;
  return !Number.isNaN(firstByteMs) || status === SWITCHING_PROTOCOLS ? firstByteMs : durationMs;
}

/** The class of an outcome, a label of metrics. */
export type OutcomeClass = "good" | "error" | "left";

/** In the order of the labels of metrics. */
export const OUTCOME_CLASSES: readonly OutcomeClass[] = ["good", "error", "left"];

export function classOf(outcome: Outcome): OutcomeClass {
  if (outcome.kind === "left") return "left";
  return isError(outcome) ? "error" : "good";
}
