/** The addresses of listeners and of peers, and their texts. */

/** An address at which a server listens or to which a client connects. */
export type Address =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  /** A listening socket that the parent process, such as systemd, passed. */
  | { readonly kind: "fd"; readonly fd: number };

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** The text of an address, for logs and messages. */
export function addressText(address: Address): string {
  if (address.kind === "unix") return `unix:${address.path}`;
  return address.kind === "fd" ? `fd:${address.fd}` : `tcp:${hostPortText(address)}`;
}

export function hostPortText({ host, port }: HostPort): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
