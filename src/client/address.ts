/** The address of a daemon in a client's options: `unix:/run/maxwells-daemon.sock`, `tcp:127.0.0.1:6292`. */

import type { NetConnectOpts } from "node:net";

export type ClientAddress =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number };

const PORT_MAX = 65_535;

/** Throws a `TypeError` that shows how to write an address: a wrong one is the programmer's mistake. */
export function clientAddress(text: string): ClientAddress {
  if (typeof text !== "string")
    throw new TypeError("an address is a string; write unix:PATH or tcp:HOST:PORT");
  const [, path] = /^unix:(.+)$/s.exec(text) ?? [];
  if (path !== undefined && !path.includes("\0")) return { kind: "unix", path };
  const [, bracketed, plain, port] = /^tcp:(?:\[([^[\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(port) > PORT_MAX) {
    throw new TypeError(`${JSON.stringify(text)} is not an address; write unix:PATH or tcp:HOST:PORT`);
  }
  return { kind: "tcp", host, port: Number(port) };
}

/** The options of `node:net` for this address. */
export function connectOptions(address: ClientAddress): NetConnectOpts {
  return address.kind === "unix"
    ? { path: address.path }
    : { host: address.host, port: address.port, noDelay: true };
}
