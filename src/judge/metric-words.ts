/** Metrics in words for people. Pure. */

import { ERRORS, EVENT, KNOWN_ERRORS, SLOW } from "./metrics.ts";

export interface MetricWords {
  /** The fate of a visitor: `met errors`. */
  readonly met: string;
  /** In the plural: `errors`. */
  readonly what: string;
}

/**
 * @param name of a metric; an application chooses the names of its events, so the result may have any text
 * @param slowBounds as texts, such as `400ms`
 */
export function metricWords(name: string, slowBounds: readonly string[] = []): MetricWords {
  if (name === ERRORS) return { met: "met errors", what: "errors" };
  if (name === KNOWN_ERRORS) return { met: "came back and met errors", what: "errors after a return" };
  if (name.startsWith(EVENT)) {
    const event = name.slice(EVENT.length);
    return { met: `met ${event}`, what: `events ${event}` };
  }
  const bound = name.startsWith(SLOW) ? slowBounds[Number(name.slice(SLOW.length)) - 1] : undefined;
  if (bound === undefined) return { met: `met ${name}`, what: `cases of ${name}` };
  return { met: `waited more than ${bound}`, what: `waits of more than ${bound}` };
}
