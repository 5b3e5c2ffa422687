/** Parses the address of a Redis. Pure. */

import { percentDecoded } from "../shared/percent.ts";

/** The address of a Redis, and its login. Secret: never shown, never part of an error. */
export interface RedisPlace {
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
  readonly database: number;
  /** Absent if there is no login. Without a user, the user is Redis's `default`. */
  readonly login?: { readonly user: string; readonly password: string };
}

const DEFAULT_PORT = 6379;

/** The number of a database. The server knows how many databases it has. */
const DATABASE = /^\/?$|^\/(\d{1,5})$/;

/** @returns undefined if it is not an address, or has further parts */
export function parsePlace(scheme: "redis" | "rediss", location: string): RedisPlace | undefined {
  // Parsed as https, because that is parsed strictly: hosts in lower case, ports that are numbers.
  const url = location.startsWith("//") ? URL.parse(`https:${location}`) : null;
  if (url === null || url.search !== "" || url.hash !== "") return undefined;
  const [, database = "0"] = DATABASE.exec(url.pathname) ?? ["", undefined];
  if (!DATABASE.test(url.pathname)) return undefined;
  const user = percentDecoded(url.username);
  const password = percentDecoded(url.password);
  if (user === undefined || password === undefined || (user !== "" && password === "")) return undefined;
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: portOf(location, url),
    isTls: scheme === "rediss",
    database: Number(database),
    ...(password === "" ? {} : { login: { user, password } }),
  };
}

/** The place for people, without secrets. */
export function shownPlace({ host, port, isTls, database, login }: RedisPlace): string {
  const shownHost = host.includes(":") ? `[${host}]` : host;
  const shownLogin = login === undefined ? "" : "***@";
  return `${isTls ? "rediss" : "redis"}://${shownLogin}${shownHost}:${port}/${database}`;
}

/** The parser leaves out port 443, the default of https. */
function portOf(location: string, url: URL): number {
  if (url.port !== "") return Number(url.port);
  return /:0*443(?:\/|$)/.test(location) ? 443 : DEFAULT_PORT;
}
