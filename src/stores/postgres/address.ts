/**
 * The address of a database, in the spelling of libpq:
 * `postgres://user:password@host:port/database?sslmode=verify-full`.
 *
 * Without `sslmode` the network is not trusted: the daemon uses TLS and checks the certificate, except on
 * loopback and unix sockets. The default of libpq is `prefer`, which also connects without TLS. An operator
 * who wants no TLS writes `disable`.
 */

import { ownUserName } from "../../files/user-name.ts";
import { type AddressForm, partsOfAddress } from "../sql/address.ts";
import { isLocal, type SslMode, type TlsFiles } from "../sql/tls.ts";
import type { Environment } from "../store.ts";

const PORT = 5432;

const SSL_MODES: readonly SslMode[] = ["disable", "require", "verify-ca", "verify-full"];

export interface PostgresAddress extends TlsFiles {
  /** For people: no user, no password. */
  readonly shown: string;
  /** A name, an IP address, or the directory of a unix socket. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  /** Undefined if the address does not name it. */
  readonly user: string | undefined;
  readonly password: string | undefined;
}

/**
 * @param location what follows `postgres:`
 * @returns the address, or a message that names the fault and the remedy, without secrets
 */
export function parsePostgresAddress(location: string): PostgresAddress | string {
  const parts = partsOfAddress(location, FORM);
  if (typeof parts === "string") return parts;
  const { user, password, host, database, parameters } = parts;
  const sslMode = parameters.get("sslmode") ?? (isLocal(host) ? "disable" : "verify-full");
  if (!isSslMode(sslMode)) return `write sslmode=${SSL_MODES.join(", ")}`;
  if (host.startsWith("/") && sslMode !== "disable") return "a unix socket has no TLS; leave sslmode out";
  const port = parts.port ?? PORT;
  return {
    shown: host.startsWith("/")
      ? `postgres:///${database}?host=${host}`
      : `postgres://${host.includes(":") ? `[${host}]` : host}${port === PORT ? "" : `:${port}`}/${database}`,
    ...{ host, port, database, sslMode },
    user: user || undefined,
    password: password || undefined,
    caPath: parameters.get("sslrootcert") ?? undefined,
    certificatePath: parameters.get("sslcert") ?? undefined,
    keyPath: parameters.get("sslkey") ?? undefined,
  };
}

const FORM: AddressForm = {
  scheme: "postgres",
  parameters: new Set(["host", "sslmode", "sslrootcert", "sslcert", "sslkey"]),
  parameterExample: "sslmode=verify-full",
  socketParameter: "host",
  socketExample: "/var/run/postgresql",
  example:
    "write postgres://USER:PASSWORD@HOST/DATABASE, as in postgres://daemon:secret@db.internal/rollouts",
};

function isSslMode(text: string): text is SslMode {
  return (SSL_MODES as readonly string[]).includes(text);
}

/** The user that logs in: from the address, or from libpq's variable, or else the user of this process. */
export function userOf({ user }: PostgresAddress, environment: Environment): string {
  return user ?? (environment["PGUSER"] || ownUserName());
}

/** Empty if there is none, as for `peer`, `trust` and certificates. */
export function passwordOf({ password }: PostgresAddress, environment: Environment): string {
  return password ?? environment["PGPASSWORD"] ?? "";
}
