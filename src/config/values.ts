/** Reads the texts of options: one function for each kind of value. No function throws. */

import { resolve } from "node:path";
import type { Address, HostPort } from "../address.ts";
import { type Option, Problem } from "./option.ts";

const DURATION_PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h|d)/gy;
const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1e3,
  m: 6e4,
  h: 3.6e6,
  d: 8.64e7,
};

/**
 * Reads a duration as Go writes it (`time.ParseDuration`): `4s`, `1m30s`, `500ms`, `0`. Returns milliseconds.
 */
export function parseDuration(text: string): number | Problem {
  const problem = new Problem(`write a duration with its unit, such as 4s, 1m30s or 500ms`);
  return text.includes("d") ? problem : (durationMs(text) ?? problem);
}

/** Reads the same, and days of 24 hours too: `1d12h`. */
export function parseLongDuration(text: string): number | Problem {
  return durationMs(text) ?? new Problem("write a duration with its unit, such as 30m, 1h30m or 1d");
}

function durationMs(text: string): number | undefined {
  if (text === "0") return 0;
  let totalMs = 0;
  let end = 0;
  DURATION_PART.lastIndex = 0;
  for (let part = DURATION_PART.exec(text); part !== null; part = DURATION_PART.exec(text)) {
    totalMs += Number(part[1]) * (UNIT_MS[part[2] as string] as number);
    end = DURATION_PART.lastIndex;
  }
  return text !== "" && end === text.length ? totalMs : undefined;
}

/** Reads `HOST:PORT`, `[V6]:PORT`, or `:PORT` for loopback. */
export function parseHostPort(text: string): HostPort | Problem {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65535) return new Problem("write HOST:PORT, such as 127.0.0.1:6293");
  return { host: match[1] ?? (match[2] || "127.0.0.1"), port };
}

/** Reads `unix:PATH`, `tcp:HOST:PORT` or `fd:NUMBER`. */
export function parseAddress(text: string): Address | Problem {
  const problem = new Problem("write unix:PATH, tcp:HOST:PORT or fd:NUMBER");
  const [, kind, rest] = /^(unix|tcp|fd):(.+)$/s.exec(text) ?? [];
  if (kind === undefined || rest === undefined) return problem;
  if (kind === "unix") return unixAddress(rest);
  if (kind === "fd") {
    return /^\d{1,4}$/.test(rest) && Number(rest) > 2 ? { kind, fd: Number(rest) } : problem;
  }
  const hostPort = parseHostPort(rest);
  return hostPort instanceof Problem ? problem : { kind: "tcp", ...hostPort };
}

/**
 * Linux keeps the path of a socket in 108 bytes, and the last one is zero (unix(7)). A takeover adds an
 * ending to the path, which needs some of them.
 */
const SOCKET_PATH_BYTES_MAX = 107 - ".12345678.new.gone".length;

/** The address of a socket file. */
export function unixAddress(path: string): Address | Problem {
  if (Buffer.byteLength(path) > SOCKET_PATH_BYTES_MAX || path.includes("\0") || path === "") {
    return new Problem(`write the path of a socket file, at most ${SOCKET_PATH_BYTES_MAX} bytes long`);
  }
  return { kind: "unix", path: resolve(path) };
}

/** Reads a rollout such as `5%` or `0.05`. Returns a fraction in [0, 1]. */
export function parseRollout(text: string): number | Problem {
  const outOfRange = new Problem("a rollout is from 0% to 100%");
  const [, percent] = /^(\d+(?:\.\d+)?|\.\d+) ?%$/.exec(text) ?? [];
  if (percent !== undefined) {
    // Read as decimal digits: dividing by 100 would make 0.07% into 0.0007000000000000001.
    const rollout = Number(`${percent}e-2`);
    return rollout <= 1 ? rollout : outOfRange;
  }
  if (/^(0|\d*\.\d+)$/.test(text)) return Number(text) <= 1 ? Number(text) : outOfRange;
  if (/^\d+$/.test(text)) {
    const number = Number(text);
    if (number > 100) return outOfRange;
    return new Problem(
      `is that percent? write ${number}%${number === 1 ? ", or 100% for all visitors" : ` or ${number / 100}`}`,
    );
  }
  return new Problem("write a rollout such as 5% or 0.05");
}

/** Reads the mode of a file in octal, such as `0666`. */
export function parseMode(text: string): number | Problem {
  return /^0?[0-7]{3}$/.test(text)
    ? Number.parseInt(text, 8)
    : new Problem("write an octal mode such as 0666");
}

export function parseSwitch(text: string): boolean | Problem {
  if (/^(true|1|yes|on)$/i.test(text)) return true;
  if (/^(false|0|no|off)$/i.test(text)) return false;
  return new Problem("write true or false");
}

/** An option that takes one text, read by `parse`. */
export function single<T>(
  option: Omit<Option<T>, "parse" | "repeatable">,
  parse: (text: string) => T | Problem,
): Option<T> {
  return { ...option, parse: (texts) => parse(texts.at(-1) ?? "") };
}

/** An option that may be given several times. */
export function repeatable<T>(
  option: Omit<Option<readonly T[]>, "parse" | "repeatable">,
  parse: (text: string) => T | Problem,
): Option<readonly T[]> {
  return {
    ...option,
    repeatable: true,
    parse(texts) {
      const values: T[] = [];
      for (const text of texts) {
        const value = parse(text);
        if (value instanceof Problem) return value;
        values.push(value);
      }
      return values;
    },
  };
}

/** Reads `none` as null, and any other text by `parse`. */
export function orNone<T>(parse: (text: string) => T | Problem): (text: string) => T | null | Problem {
  return (text) => (text === "none" ? null : parse(text));
}
