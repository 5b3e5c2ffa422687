/**
 * Adds one more cookie to a response of `node:http`, and a `Cache-Control` that keeps shared caches from
 * storing it.
 *
 * Both are added at the last moment, when the head is written. Until then a handler may set `Set-Cookie` as a
 * whole, and may still say how its page is cached. So may a proxy that copies its upstream's headers.
 */

import type { ServerResponse } from "node:http";
import { CACHE_CONTROL, isKeptFromSharedCaches, ONE_VISITORS } from "./cache-control.ts";

const SET_COOKIE = "Set-Cookie";

type Pair = readonly [name: unknown, value: unknown];

/** Adds the cookie to the cookies that the application sets. */
export function addCookie(response: ServerResponse, cookie: string): void {
  const writeHead = response.writeHead;
  response.writeHead = (...head: unknown[]) => {
    response.writeHead = writeHead;
    const named = head.at(-1);
    if (typeof named === "object" && named !== null) {
      head[head.length - 1] = withCookie(named, response, cookie);
    } else {
      for (const [name, value] of cookieHeaders([], response, cookie)) response.setHeader(name, value);
    }
    return Reflect.apply(writeHead, response, head) as ServerResponse;
  };
}

/**
 * The headers in the form that `writeHead` got: an object, a flat list, or pairs. The added ones replace
 * their namesakes.
 */
function withCookie(named: object, response: ServerResponse, cookie: string): object {
  const isList = Array.isArray(named);
  const isFlat = isList && !Array.isArray(named[0]);
  const pairs: readonly Pair[] = isFlat ? inPairs(named) : isList ? named : Object.entries(named);
  const added = cookieHeaders(pairs, response, cookie);
  const all: Pair[] = [...pairs.filter(([name]) => !added.some(([ours]) => isName(name, ours))), ...added];
  if (!isList) return Object.fromEntries(all);
  return isFlat ? all.flat(1) : all;
}

/** The headers to add for a new cookie, given those of `writeHead` and those that were set before. */
function cookieHeaders(
  named: readonly Pair[],
  response: ServerResponse,
  cookie: string,
): [name: string, value: string | string[]][] {
  const said = (name: string): string[] => {
    const own = named.filter(([other]) => isName(other, name)).map(([, value]) => value);
    return [own.length > 0 ? own : (response.getHeader(name) ?? [])].flat(2).map(String);
  };
  const cookies: [string, string[]] = [SET_COOKIE, [...said(SET_COOKIE), cookie]];
  if (isKeptFromSharedCaches(said(CACHE_CONTROL).join(","))) return [cookies];
  return [cookies, [CACHE_CONTROL, ONE_VISITORS]];
}

function inPairs(list: readonly unknown[]): [unknown, unknown][] {
  return Array.from({ length: list.length / 2 }, (_, i) => [list[2 * i], list[2 * i + 1]]);
}

function isName(text: unknown, name: string): boolean {
  return typeof text === "string" && text.toLowerCase() === name.toLowerCase();
}
