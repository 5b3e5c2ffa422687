/**
 * Reads the head of a request to the admin listener in one piece. Requests are short and rare, so this may
 * allocate. Pure.
 */

import { isIP } from "node:net";
import { headerField } from "../text/header-field.ts";

export interface AdminRequest {
  readonly method: string;
  readonly path: string;
  /** The text behind the question mark; empty if there is none. */
  readonly query: string;
  readonly isHttp10: boolean;
  /**
   * The host that the client means to reach, without its port, in lower case; undefined if the client names
   * none.
   */
  readonly host: string | undefined;
  /** By their names in lower case. Values of one name are joined by `, `. */
  readonly headers: ReadonlyMap<string, string>;
}

const REQUEST_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) (\S+) HTTP\/1\.([01])$/;
const ABSOLUTE = /^http:\/\/([^/?#]*)(.*)$/i;
const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Reads a head that ends in an empty line; undefined if it is not a request of HTTP/1. */
export function readAdminRequest(text: string): AdminRequest | undefined {
  const [first = "", ...fields] = text.split("\r\n");
  const [, method, target, minor] = REQUEST_LINE.exec(first) ?? [];
  if (method === undefined || target === undefined) return undefined;
  const hosts: string[] = [];
  const headers = new Map<string, string>();
  for (const field of fields) {
    const [name = "", value = ""] = headerField(field) ?? [];
    if (!FIELD_NAME.test(name)) continue;
    const lower = name.toLowerCase();
    if (lower === "host") hosts.push(value);
    const before = headers.get(lower);
    headers.set(lower, before === undefined ? value : `${before}, ${value}`);
  }
  const isHttp10 = minor === "0";
  if (hosts.length > 1 || (hosts.length === 0 && !isHttp10)) return undefined;
  const [, authority, rest] = ABSOLUTE.exec(target) ?? [];
  // The host of an absolute target counts, and the field does not (RFC 9112, section 3.2.2).
  if (authority !== undefined) headers.set("host", authority);
  const [before = ""] = (rest ?? target).split("#", 1);
  const [path = "", query = ""] = before.split("?", 2);
  return { method, path: path || "/", query, isHttp10, host: hostOf(authority ?? hosts[0]), headers };
}

function hostOf(authority: string | undefined): string | undefined {
  if (authority === undefined) return undefined;
  return authority
    .replace(/:\d*$/, "")
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/\.$/, "")
    .toLowerCase();
}

/**
 * Whether the admin listener accepts this host. A web page can point a name of its own at this machine, and
 * make the browsers of its visitors ask here. It cannot do so with an address or with `localhost`.
 */
export function isOwnHost(host: string | undefined, names: readonly string[]): boolean {
  if (host === undefined) return true;
  return host === "localhost" || isIP(host) !== 0 || names.some((name) => name.toLowerCase() === host);
}
