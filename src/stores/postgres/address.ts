/**
 * The address of a database, in the spelling of libpq:
 * `postgres://user:password@host:port/database?sslmode=verify-full`.
 *
 * Without `sslmode` the network is not trusted: the daemon uses TLS and checks the certificate, except on
 * loopback and unix sockets. The default of libpq is `prefer`, which also connects without TLS. An operator
 * who wants no TLS writes `disable`.
 */

import { userInfo } from "node:os";
import type { Environment } from "../store.ts";

const PORT = 5432;

const SSL_MODES = ["disable", "require", "verify-ca", "verify-full"] as const;
export type SslMode = (typeof SSL_MODES)[number];

const PARAMETERS: ReadonlySet<string> = new Set(["host", "sslmode", "sslrootcert", "sslcert", "sslkey"]);

export interface PostgresAddress {
  /** For people: no user, no password. */
  readonly shown: string;
  /** A name, an IP address, or the directory of a unix socket. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  /** Undefined if the address does not name it. */
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly sslMode: SslMode;
  /** Paths of PEM files. */
  readonly caPath: string | undefined;
  readonly certificatePath: string | undefined;
  readonly keyPath: string | undefined;
}

/**
 * @param location what follows `postgres:`
 * @returns the address, or a message that names the fault and the remedy, without secrets
 */
export function parsePostgresAddress(location: string): PostgresAddress | string {
  const url = URL.parse(`postgres:${location}`);
  if (url === null || !location.startsWith("//") || url.hash !== "") {
    return `${EXAMPLE}; special characters in user and password as %40 for @, %2F for /`;
  }
  const unknown = [...url.searchParams.keys()].find((name) => !PARAMETERS.has(name));
  if (unknown !== undefined)
    return `after the ? only these are allowed: ${[...PARAMETERS].join(", ")}, as in sslmode=verify-full`;

  let parts: { user: string; password: string; hostname: string; database: string };
  try {
    parts = {
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
      hostname: decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, "$1"),
      database: decodeURIComponent(url.pathname.slice(1)),
    };
  } catch {
    return "write a % as %25";
  }
  const { user, password, hostname, database } = parts;
  const host = url.searchParams.get("host") ?? hostname;
  if (host === "" || host.includes(",")) return `name one host; ${EXAMPLE}, or ?host=/var/run/postgresql`;
  // If a password has a slash, the parser takes the rest as the database, which would be shown.
  if (database === "" || database.includes("/") || url.pathname.includes("@")) {
    return `name the database, and write / as %2F and @ as %40; ${EXAMPLE}`;
  }
  if (`${user}${password}${host}${database}`.includes("\0")) return `take out %00; ${EXAMPLE}`;

  const isLocal =
    host.startsWith("/") || host === "localhost" || host === "::1" || /^127\.[\d.]+$/.test(host);
  const sslMode = url.searchParams.get("sslmode") ?? (isLocal ? "disable" : "verify-full");
  if (!isSslMode(sslMode)) return `write sslmode=${SSL_MODES.join(", ")}`;
  if (host.startsWith("/") && sslMode !== "disable") return "a unix socket has no TLS; leave sslmode out";
  const port = url.port === "" ? PORT : Number(url.port);
  return {
    shown: host.startsWith("/")
      ? `postgres:///${database}?host=${host}`
      : `postgres://${host.includes(":") ? `[${host}]` : host}${port === PORT ? "" : `:${port}`}/${database}`,
    ...{ host, port, database, sslMode },
    user: user || undefined,
    password: password || undefined,
    caPath: url.searchParams.get("sslrootcert") ?? undefined,
    certificatePath: url.searchParams.get("sslcert") ?? undefined,
    keyPath: url.searchParams.get("sslkey") ?? undefined,
  };
}

const EXAMPLE =
  "write postgres://USER:PASSWORD@HOST/DATABASE, as in postgres://daemon:secret@db.internal/rollouts";

function isSslMode(text: string): text is SslMode {
  return (SSL_MODES as readonly string[]).includes(text);
}

/** The user that logs in: from the address, or from libpq's variable, or else the user of this process. */
export function userOf({ user }: PostgresAddress, environment: Environment): string {
  return user ?? (environment["PGUSER"] || userInfo().username);
}

/** Empty if there is none, as for `peer`, `trust` and certificates. */
export function passwordOf({ password }: PostgresAddress, environment: Environment): string {
  return password ?? environment["PGPASSWORD"] ?? "";
}
