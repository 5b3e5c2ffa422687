/**
 * The peer of a connection is the client that limits apply to: on a unix socket a user of this machine, on a
 * TCP socket a machine. All workers of a proxy are one peer.
 */

import { SocketCalls } from "./libc.ts";

/** `uid=33`, an IPv4 address, or the network of an IPv6 address. All unknown peers are one peer, "". */
export type Peer = string;

/** The properties of a socket that identify its peer. `fd` is missing in Bun's types. */
export interface PeerSocket {
  readonly fd?: number;
  readonly remoteAddress?: string | undefined;
}

/**
 * The network of an IPv6 address is its first four groups. One machine may have all addresses of such a
 * network.
 */
const IPV6_GROUPS_OF_NETWORK = 4;
const IPV6_GROUPS = 8;
const IPV4_IN_IPV6 = "::ffff:";

export class Peers {
  readonly #calls = new SocketCalls();

  of(socket: PeerSocket): Peer {
    const { remoteAddress } = socket;
    if (remoteAddress) return networkOf(remoteAddress);
    const user = this.#calls.peerUser(socket.fd ?? -1);
    return user === undefined ? "" : `uid=${user}`;
  }
}

/** An IPv4 address as it is; the upper half of an IPv6 address: `2001:db8:0:1::/64`. */
export function networkOf(address: string): string {
  if (!address.includes(":")) return address;
  if (address.startsWith(IPV4_IN_IPV6) && address.includes(".")) return address.slice(IPV4_IN_IPV6.length);
  const [head = "", tail] = address.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array<string>(Math.max(0, IPV6_GROUPS - left.length - right.length)).fill("0");
  return `${[...left, ...zeros, ...right].slice(0, IPV6_GROUPS_OF_NETWORK).join(":")}::/64`;
}
