/**
 * The metrics of a release: which outcomes are bad, and the part of the budget of false aborts that each
 * metric has. Pure.
 */

/** The share of the metrics that the proxies report by themselves, if there are bounds of slowness. */
const WITH_BOUNDS = { errors: 0.6, known: 0.2, slow: 0.2 } as const;
const WITHOUT_BOUNDS = { errors: 0.75, known: 0.25, slow: 0 } as const;

/** Names of the standard metrics. */
export const ERRORS = "errors";
export const KNOWN_ERRORS = "known-errors";
export const SLOW = "slow-";

/** The metric of an application's own event `NAME` is `event:NAME`, so that no event is taken for errors. */
export const EVENT = "event:";

/** The fields of an outcome at which metrics look. A visitor who left before the answer met nothing bad. */
export interface JudgedOutcome {
  readonly isError: boolean;
  /** The time that the application took for its response; NaN if it is not known, or if the visitor left. */
  readonly responseMs: number;
  /** Whether the visitor came with its assignment or key; undefined if the reporter cannot tell. */
  readonly isBrought: boolean | undefined;
  /** The application's own bad events. */
  readonly events: readonly string[];
}

export interface Metric {
  readonly name: string;
  /** In (0, 1]. The weights of all metrics of a release sum to 1. */
  readonly weight: number;
  readonly isBad: (outcome: JudgedOutcome) => boolean;
  /** Whether a visitor with this outcome could have met it; undefined if the gate does not ask for it. */
  readonly couldMeet: ((outcome: JudgedOutcome) => boolean) | undefined;
}

export interface Weighing {
  /** The number of bounds of slowness. */
  readonly bounds: number;
  /** Whether reporters tell if a visitor brought its assignment. Otherwise there is no `known-errors`. */
  readonly isBroughtTold: boolean;
  /** The weights of the application's events, by their names. Their sum is below 1. */
  readonly events?: Readonly<Record<string, number>>;
}

/** The weights of all metrics, which sum to 1. They are written into the release, and never change in it. */
export function weightsOf({ bounds, isBroughtTold, events = {} }: Weighing): Record<string, number> {
  const shares = bounds > 0 ? WITH_BOUNDS : WITHOUT_BOUNDS;
  const left = Object.values(events).reduce((rest, weight) => rest - weight, 1);
  const weights: Record<string, number> = {};
  weights[ERRORS] = left * (isBroughtTold ? shares.errors : shares.errors + shares.known);
  if (isBroughtTold) weights[KNOWN_ERRORS] = left * shares.known;
  for (let bound = 1; bound <= bounds; bound++) weights[`${SLOW}${bound}`] = (left * shares.slow) / bounds;
  for (const [event, weight] of Object.entries(events)) weights[`${EVENT}${event}`] = weight;
  return weights;
}

/**
 * The metrics that a release has. A weight with an unknown name is left out: a newer program wrote it.
 *
 * @param slowBoundsMs ascending
 */
export function metricsOf(
  weights: Readonly<Record<string, number>>,
  slowBoundsMs: readonly number[] = [],
): Metric[] {
  return Object.entries(weights).flatMap(([name, weight]) => metricOf(name, weight, slowBoundsMs) ?? []);
}

function metricOf(name: string, weight: number, slowBoundsMs: readonly number[]): Metric | undefined {
  if (name === ERRORS) return { name, weight, isBad: isError, couldMeet: () => true };
  if (name === KNOWN_ERRORS) {
    return { name, weight, isBad: (outcome) => isError(outcome) && isKnown(outcome), couldMeet: isKnown };
  }
  if (name.startsWith(EVENT)) {
    const event = name.slice(EVENT.length);
    return { name, weight, isBad: ({ events }) => events.includes(event), couldMeet: undefined };
  }
  const bound = name.startsWith(SLOW) ? slowBoundsMs[Number(name.slice(SLOW.length)) - 1] : undefined;
  if (bound === undefined) return undefined;
  return { name, weight, isBad: ({ responseMs }) => responseMs > bound, couldMeet: undefined };
}

function isError(outcome: JudgedOutcome): boolean {
  return outcome.isError;
}

function isKnown({ isBrought }: JudgedOutcome): boolean {
  return isBrought === true;
}
