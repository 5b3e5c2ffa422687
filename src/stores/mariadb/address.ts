/**
 * The address of a database: `mariadb://user:password@host:port/database?ssl-mode=verify_identity`. The
 * parameters have the names of the options of MySQL's and MariaDB's own programs.
 *
 * Without `ssl-mode` the network is not trusted: the daemon uses TLS and checks the certificate, except on
 * loopback and unix sockets. An operator who wants no TLS writes `disabled`.
 */

import { ownUserName } from "../../files/user-name.ts";
import { type AddressForm, partsOfAddress } from "../sql/address.ts";
import { isLocal, type SslMode, type TlsFiles } from "../sql/tls.ts";
import type { Environment } from "../store.ts";

const PORT = 3306;

const SSL_MODES: ReadonlyMap<string, SslMode> = new Map([
  ["disabled", "disable"],
  ["required", "require"],
  ["verify_ca", "verify-ca"],
  ["verify_identity", "verify-full"],
]);

/** The names of these files, for messages. */
export const TLS_PARAMETERS = "ssl-ca, ssl-cert and ssl-key";

export interface MariadbAddress extends TlsFiles {
  /** For people: no user, no password. */
  readonly shown: string;
  /** A name, an IP address, or the path of a unix socket. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  /** Undefined if the address does not name it. */
  readonly user: string | undefined;
  readonly password: string | undefined;
}

/**
 * @param scheme   `mariadb`, or `mysql`, which means the same
 * @param location what follows the scheme and the colon
 * @returns the address, or a message that names the fault and the remedy, without secrets
 */
export function parseMariadbAddress(scheme: string, location: string): MariadbAddress | string {
  const parts = partsOfAddress(location, formOf(scheme));
  if (typeof parts === "string") return parts;
  const { user, password, host, database, parameters } = parts;
  const isSocket = host.startsWith("/");
  const named = parameters.get("ssl-mode")?.toLowerCase() ?? (isLocal(host) ? "disabled" : "verify_identity");
  const sslMode = SSL_MODES.get(named);
  if (sslMode === undefined) return `write ssl-mode=${[...SSL_MODES.keys()].join(", ")}`;
  if (parameters.has("socket") && !isSocket) return "write the whole path of the socket, which begins with /";
  if (isSocket && sslMode !== "disable") return "a unix socket has no TLS; leave ssl-mode out";
  const port = parts.port ?? PORT;
  return {
    shown: isSocket
      ? `${scheme}:///${database}?socket=${host}`
      : `${scheme}://${host.includes(":") ? `[${host}]` : host}${port === PORT ? "" : `:${port}`}/${database}`,
    ...{ host, port, database, sslMode },
    user: user || undefined,
    password: password || undefined,
    caPath: parameters.get("ssl-ca") ?? undefined,
    certificatePath: parameters.get("ssl-cert") ?? undefined,
    keyPath: parameters.get("ssl-key") ?? undefined,
  };
}

function formOf(scheme: string): AddressForm {
  return {
    scheme,
    parameters: new Set(["socket", "ssl-mode", "ssl-ca", "ssl-cert", "ssl-key"]),
    parameterExample: "ssl-mode=verify_identity",
    socketParameter: "socket",
    socketExample: "/run/mysqld/mysqld.sock",
    example: `write ${scheme}://USER:PASSWORD@HOST/DATABASE, as in ${scheme}://daemon:secret@db.internal/rollouts`,
  };
}

/** The user that logs in: from the address, or else the user of this process. */
export function userOf({ user }: MariadbAddress): string {
  return user ?? ownUserName();
}

/** From the address, or from the variable of MariaDB's own programs. Empty if there is none. */
export function passwordOf({ password }: MariadbAddress, environment: Environment): string {
  return password ?? environment["MYSQL_PWD"] ?? "";
}
