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
    // What is named here takes the place of what was set before, so the cookie goes where the others are.
    if (Array.isArray(named) && named.flat().some(isName)) {
      head[head.length - 1] = [...named, ...(Array.isArray(named[0]) ? [[NAME, cookie]] : [NAME, cookie])];
    } else if (isObject(named) && Object.keys(named).some(isName)) {
      head[head.length - 1] = withCookie(named, cookie);
    } else {
      response.appendHeader(NAME, cookie);
    }
    return Reflect.apply(writeHead, response, head) as ServerResponse;
  };
}

function withCookie(headers: object, cookie: string): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, isName(name) ? [value, cookie].flat() : value]),
  );
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isName(text: unknown): boolean {
  return typeof text === "string" && text.toLowerCase() === "set-cookie";
}
