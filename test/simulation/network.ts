/** The network between the processes and the store: what becomes of each call. */

import type { Random } from "../support/random.ts";

/** How the network treats one machine. Rates are probabilities of a call. */
export interface Weather {
  /** `refused`: each call fails at once. `silent`: nothing comes back, and nothing arrives. */
  readonly cut: "refused" | "silent" | undefined;
  /** The request does not arrive. */
  readonly lost: number;
  /** The answer does not arrive. */
  readonly unanswered: number;
  /** The request arrives a second time. */
  readonly doubled: number;
  /** The request or the answer is late, by up to `lateMsMax`. */
  readonly late: number;
  readonly lateMsMax: number;
  /** A nudge of the watch does not arrive. */
  readonly unnudged: number;
  /** The store refuses writes of this machine. */
  readonly isDenied: boolean;
  /** Reads are answered by a replica that is so old. */
  readonly lagMs: number;
}

export const FAIR: Weather = {
  ...{ cut: undefined, lost: 0, unanswered: 0, doubled: 0, late: 0, lateMsMax: 0, unnudged: 0 },
  ...{ isDenied: false, lagMs: 0 },
};

/** The fate of one call. An undefined time means never. */
export interface Fate {
  readonly requestMs: number | undefined;
  readonly doubledMs: number | undefined;
  readonly answerMs: number | undefined;
  /** The connection breaks: the caller gets an error after this time, whatever happens to its call. */
  readonly brokenMs: number | undefined;
  /** Whether anything about it is out of the ordinary. */
  readonly isFair: boolean;
}

/** A fair round trip. */
const HOP_MS = 3;

export function drawFate(weather: Weather, random: Random): Fate {
  const hop = () => 0.1 + HOP_MS * random.fraction() ** 3;
  const fair = { requestMs: hop(), answerMs: hop(), doubledMs: undefined, brokenMs: undefined, isFair: true };
  if (weather === FAIR) return fair;
  const isHit = (rate: number) => rate > 0 && random.fraction() < rate;
  /** Half of the calls that go wrong are told so soon. The others hang until their callers give up. */
  const broken = () => (random.fraction() < 0.5 ? hop() + 200 * random.fraction() : undefined);
  const nothing = { ...fair, requestMs: undefined, answerMs: undefined, isFair: false };
  if (weather.cut === "refused") return { ...nothing, brokenMs: hop() };
  if (weather.cut === "silent") return nothing;
  if (isHit(weather.lost)) return { ...nothing, brokenMs: broken() };
  const lateMs = () => (isHit(weather.late) ? weather.lateMsMax * random.fraction() ** 2 : 0);
  const [requestMs, answerMs] = [fair.requestMs + lateMs(), fair.answerMs + lateMs()];
  const isUnanswered = isHit(weather.unanswered);
  return {
    requestMs,
    answerMs: isUnanswered ? undefined : answerMs,
    doubledMs: isHit(weather.doubled) ? requestMs + lateMs() + 50 * random.fraction() : undefined,
    brokenMs: isUnanswered ? broken() : undefined,
    isFair: !isUnanswered && requestMs + answerMs <= 2 * HOP_MS + 1,
  };
}
