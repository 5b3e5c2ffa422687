/**
 * The network of a visitor's address: the first 24 bits of IPv4, the first 48 of IPv6. Only 32 bits of it are
 * kept and told, mixed with the key of the release, so that no address can be read from the evidence. Pure;
 * allocates nothing.
 */

import { mix32 } from "../judge/cell.ts";

/** No network: the address is not reported, or it cannot be read. Its coins have no limit. */
export const NO_NETWORK = 0;

const DOT = 0x2e;
const COLON = 0x3a;
const PERCENT = 0x25;

/**
 * @param source an address such as `192.0.2.7`, `2001:db8::1` or `::ffff:192.0.2.7`
 * @param seed 32 bits of the release's key
 */
export function networkOf(source: string | undefined, seed: number): number {
  if (source === undefined || source === "") return NO_NETWORK;
  const isV6 = source.includes(":");
  const v4At = source.includes(".") ? source.lastIndexOf(":") + 1 : -1;
  // An IPv4 address in the form of IPv6 is the same visitor.
  if (v4At >= 0) return mixed(prefixOfV4(source, v4At), 4, 0, seed);
  if (!isV6) return NO_NETWORK;
  const first = hextet(source, 0);
  const second = hextet(source, 1);
  const third = hextet(source, 2);
  if (first < 0 || second < 0 || third < 0) return NO_NETWORK;
  return mixed(first * 65_536 + second, 6, third, seed);
}

function mixed(prefix: number, family: number, rest: number, seed: number): number {
  if (prefix < 0) return NO_NETWORK;
  const low = mix32((rest ^ seed ^ family) >>> 0);
  return mix32((prefix ^ low) >>> 0) || 1;
}

/** The first three numbers of an IPv4 address as one; -1 if it is none. */
function prefixOfV4(text: string, start: number): number {
  let prefix = 0;
  let part = -1;
  let dots = 0;
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === DOT) {
      if (part < 0 || dots === 3) return -1;
      prefix = prefix * 256 + part;
      dots++;
      part = -1;
    } else {
      const digit = code - 0x30;
      if (digit < 0 || digit > 9) return -1;
      part = Math.max(part, 0) * 10 + digit;
      if (part > 255) return -1;
    }
  }
  return dots === 3 && part >= 0 ? Math.floor(prefix) : -1;
}

/**
 * A group of 16 bits of an IPv6 address, counted from 0. `::` stands for as many zeros as are missing; -1 if
 * it cannot be read.
 */
function hextet(text: string, wanted: number): number {
  let group = 0;
  let value = -1;
  let gap = -1;
  for (let at = 0; at <= text.length; at++) {
    const code = at === text.length ? PERCENT : text.charCodeAt(at);
    if (code === COLON || code === PERCENT) {
      if (value >= 0) {
        if (group === wanted) return value;
        group++;
      }
      if (code === PERCENT) return gap >= 0 ? 0 : -1;
      // After a gap, the groups are the last ones of the address, far from the first three unless it is short.
      if (text.charCodeAt(at + 1) === COLON) {
        gap = group;
        const after = groupsFrom(text, at + 2);
        const zeros = 8 - group - after;
        if (wanted < group + zeros) return 0;
        group += zeros;
        at++;
      }
      value = -1;
    } else {
      const digit = hexDigit(code);
      if (digit < 0) return -1;
      value = Math.max(value, 0) * 16 + digit;
      if (value > 0xffff) return -1;
    }
  }
  return -1;
}

/** How many groups a text has from a place on. */
function groupsFrom(text: string, start: number): number {
  if (start >= text.length || text.charCodeAt(start) === PERCENT) return 0;
  let groups = 1;
  for (let at = start; at < text.length && text.charCodeAt(at) !== PERCENT; at++) {
    if (text.charCodeAt(at) === COLON) groups++;
  }
  return groups;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
