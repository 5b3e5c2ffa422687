/**
 * Lines of JSON: those of Caddy and Traefik, and those that people write with nginx's `escape=json`. There
 * each field may have one of several names, because people choose them.
 */

import type { LoggedRequest } from "../request-log.ts";
import { logTimeMs } from "./clock.ts";

const TIMES = ["ts", "StartUTC", "time_iso8601", "msec", "@timestamp", "time_local", "time", "timestamp"];
const STATUSES = ["status", "DownstreamStatus", "OriginStatus", "response_code"];
const ADDRESSES = [
  ...["client_ip", "remote_ip", "remote_addr", "ClientHost", "client", "x_forwarded_for", "remote_address"],
];
const BROWSERS = ["http_user_agent", "user_agent", "request_User-Agent", "agent"];

/** nginx's word for a visitor who left before the answer. */
const LEFT = 499;

type Fields = Readonly<Record<string, unknown>>;

export function readJson(text: string): LoggedRequest | undefined {
  const fields = fieldsOf(parsed(text));
  if (fields === undefined) return undefined;
  // Caddy has most of them one level down.
  const request = fieldsOf(fields["request"]) ?? {};
  const headers = fieldsOf(request["headers"]) ?? {};
  const atMs = timeOf(first(fields, TIMES));
  const status = Number(first(fields, STATUSES));
  const address = first(request, ADDRESSES) ?? first(fields, ADDRESSES);
  if (Number.isNaN(atMs) || !Number.isInteger(status) || typeof address !== "string") return undefined;
  const browser = first(headers, ["User-Agent"]) ?? first(fields, BROWSERS) ?? "";
  return { atMs, visitor: `${address} ${browser}`, status: status === LEFT ? 0 : status };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function fieldsOf(value: unknown): Fields | undefined {
  // The fields of any object can be read.
  return typeof value === "object" && value !== null ? (value as Fields) : undefined;
}

function first(fields: Fields, names: readonly string[]): unknown {
  for (const name of names) if (fields[name] !== undefined && fields[name] !== "") return fields[name];
  return undefined;
}

/** Seconds since 1970 stay below this number for 3 000 years, and milliseconds are above it since 1973. */
const SECONDS_MAX = 1e11;

/**
 * A number as Caddy and nginx's `$msec` have it, a text of ISO 8601, or `$time_local`. Caddy writes seconds,
 * or milliseconds or nanoseconds if its `time_format` says so.
 */
function timeOf(value: unknown): number {
  if (typeof value === "number") return msOf(value);
  if (typeof value !== "string") return Number.NaN;
  if (/^\d+(\.\d+)?$/.test(value)) return msOf(Number(value));
  const local = logTimeMs(value);
  return Number.isNaN(local) ? Date.parse(value) : local;
}

function msOf(value: number): number {
  if (value < SECONDS_MAX) return value * 1_000;
  return value < SECONDS_MAX * 1e6 ? value : value / 1e6;
}
