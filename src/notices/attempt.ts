/**
 * One attempt to send a notice to one address. It ends within `CALL_MS`, and never rejects, whatever the
 * receiver does. A reply counts by its status alone. Its body is not read, because it may be endless.
 *
 * Redirects are not followed: they could lead the notice, and Slack's secret address, to any place.
 */

import { noAnswerReason } from "../stores/shared/no-answer.ts";
import type { Timers } from "../timers.ts";
import { bounded } from "./bounded.ts";
import type { Destination } from "./form.ts";
import type { NoticeMessage } from "./notice.ts";

/** From the request to the end of the reply's head. */
export const CALL_MS = 10_000;

/** A receiver that asks for a longer pause is called again after this time. */
export const RETRY_AFTER_MS_MAX = 600_000;

/** Statuses below 500 that may be over soon: the request took too long, came too early, or came too often. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429]);

/** `fetch`, or a stand-in for it. */
export type Transport = (url: string, init: RequestInit) => Promise<Response>;

export type Attempt =
  | { readonly kind: "sent" }
  /** `afterMs`: not before, as the receiver asks; 0 if it does not ask. */
  | { readonly kind: "again"; readonly why: string; readonly afterMs: number }
  | { readonly kind: "refused"; readonly why: string; readonly remedy: string };

export interface AttemptTools {
  readonly transport: Transport;
  readonly timers: Timers;
  /** This machine's clock: milliseconds since 1970. */
  readonly now: () => number;
  /** The keys that sign, the present one first. */
  readonly keys: readonly Uint8Array[];
}

/** @param signal ends the attempt early, as if the receiver did not answer */
export async function attempt(
  { form, url }: Destination,
  message: NoticeMessage,
  { transport, timers, now, keys }: AttemptTools,
  signal: AbortSignal,
): Promise<Attempt> {
  const { headers, body } = form.request(message, now(), keys);
  try {
    const response = await bounded(timers, CALL_MS, signal, (ending) =>
      transport(url, { method: "POST", headers, body, redirect: "manual", signal: ending }),
    );
    void response.body?.cancel().catch(() => {});
    return resultOf(response, form.remedyOf(response.status), now());
  } catch (error) {
    return { kind: "again", why: noAnswerReason(error, CALL_MS), afterMs: 0 };
  }
}

function resultOf({ status, headers }: Response, remedy: string, nowMs: number): Attempt {
  if (status >= 200 && status < 300) return { kind: "sent" };
  const why = `status ${status}`;
  if (status >= 500 || PASSING.has(status)) {
    return { kind: "again", why, afterMs: retryAfterMs(headers.get("retry-after"), nowMs) };
  }
  return { kind: "refused", why, remedy };
}

/** RFC 9110, section 10.2.3: seconds, or a date. */
function retryAfterMs(text: string | null, nowMs: number): number {
  if (text === null) return 0;
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - nowMs;
  return ms > 0 ? Math.min(ms, RETRY_AFTER_MS_MAX) : 0;
}
