/**
 * The addresses that may report outcomes: this machine, and the networks that the operator names. Outcomes
 * decide over a release, so no other machine may send them unasked.
 */

import { BlockList, isIP } from "node:net";
import { Problem } from "../config/option.ts";

const IPV4_IN_IPV6 = "::ffff:";

export class Senders {
  readonly #networks = new BlockList();

  /** @param networks such as `10.0.0.0/8`, each read by `parseNetwork` */
  constructor(networks: readonly string[]) {
    for (const network of ["127.0.0.0/8", "::1/128", ...networks]) {
      const [address = "", bits] = network.split("/");
      this.#networks.addSubnet(address, Number(bits), isIP(address) === 6 ? "ipv6" : "ipv4");
    }
  }

  /** Whether this address may report. */
  has(address: string): boolean {
    const plain = address.startsWith(IPV4_IN_IPV6) ? address.slice(IPV4_IN_IPV6.length) : address;
    const version = isIP(plain);
    return version !== 0 && this.#networks.check(plain, version === 6 ? "ipv6" : "ipv4");
  }
}

/** Reads `ADDRESS/BITS`, or an address alone. */
export function parseNetwork(text: string): string | Problem {
  const [, address = "", bits] = /^([0-9A-Fa-f:.]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const most = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  if (most < 0 || Number(bits ?? 0) > most) return new Problem("write a network, such as 10.0.0.0/8");
  return `${address}/${bits ?? most}`;
}
