/** The head of a log of evidence ⇄ its text in etcd. Pure. */

import { jsonOrText } from "../shared/json-text.ts";
import { asJson } from "./records.ts";

export interface Head {
  /** The number of the last entry. It only grows. */
  readonly number: number;
  /** The name of the last entry. */
  readonly name: string;
  /** The leases of the entries, oldest first. New entries get the last one. */
  readonly leases: readonly string[];
  /** The number of entries with the last lease. */
  readonly count: number;
  /** The time at which all leases were renewed, by a writer's clock: milliseconds since 1970. */
  readonly renewedAtMs: number;
}

const LEASE = /^[1-9]\d{0,18}$/;

export function textOf({ number, name, leases, count, renewedAtMs }: Head): string {
  return JSON.stringify({ number, name, leases, count, renewedAtMs });
}

/** Undefined if it is not the text of a head. */
export function headOf(text: string): Head | undefined {
  const { number, name, leases, count, renewedAtMs } = asJson(jsonOrText(text)) ?? {};
  if (!isCount(number) || !isCount(count) || typeof name !== "string" || typeof renewedAtMs !== "number") {
    return undefined;
  }
  if (!Array.isArray(leases) || !leases.every(isLease)) return undefined;
  return { number, name, leases, count, renewedAtMs };
}

export function isLease(value: unknown): value is string {
  return typeof value === "string" && LEASE.test(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
