/**
 * One more cookie on a response of `node:http`, whatever the application does with its headers.
 *
 * It is added when the head is written, as the last thing: a handler, or a proxy that copies its upstream's headers,
 * may set `Set-Cookie` as a whole, and would take away what was there before.
 */

import type { ServerResponse } from "node:http";

const NAME = "Set-Cookie";

export function addCookie(response: ServerResponse, cookie: string): void {
  const writeHead = response.writeHead;
  response.writeHead = (...head: unknown[]) => {
    response.writeHead = writeHead;
    const named = head.at(-1);
    const before = response.getHeader(NAME);
    if (typeof named === "object" && named !== null)
      head[head.length - 1] = withCookie(named, before, cookie);
    else response.setHeader(NAME, [before ?? [], cookie].flat().map(String));
    return Reflect.apply(writeHead, response, head) as ServerResponse;
  };
}

/** Headers as `writeHead` takes them: an object, names and values in turn, or pairs. Those named there replace others. */
function withCookie(named: object, before: unknown, cookie: string): object {
  const isList = Array.isArray(named);
  const isFlat = isList && !Array.isArray(named[0]);
  const pairs: [unknown, unknown][] = isFlat ? inPairs(named) : isList ? named : Object.entries(named);
  const own = pairs.filter(([name]) => isName(name)).map(([, value]) => value);
  const cookies = [own.length > 0 ? own : (before ?? []), cookie].flat(2);
  const all = [...pairs.filter(([name]) => !isName(name)), [NAME, cookies] as [unknown, unknown]];
  if (!isList) return Object.fromEntries(all);
  return isFlat ? all.flat(1) : all;
}

function inPairs(list: readonly unknown[]): [unknown, unknown][] {
  return Array.from({ length: list.length / 2 }, (_, i) => [list[2 * i], list[2 * i + 1]]);
}

function isName(text: unknown): boolean {
  return typeof text === "string" && text.toLowerCase() === "set-cookie";
}
