/**
 * Parses the address of a NATS, and finds the login. Pure.
 *
 *     natss://daemon:password@10.0.0.1,10.0.0.2:4222/maxwells-daemon?cacert=/etc/nats/ca.pem
 *
 * URL parsers do not know several hosts, so the list is split here, and each host is parsed as a URL.
 */

import { percentDecoded } from "../shared/percent.ts";
import type { Environment } from "../store.ts";

export interface NatsHost {
  readonly hostname: string;
  readonly port: number;
}

/** The ways to log in that the client knows. Secret, except for the paths. */
export type NatsLogin =
  | { readonly user: string; readonly password: string }
  | { readonly token: string }
  | { readonly credsPath: string }
  | { readonly nkeyPath: string };

export interface NatsPlace {
  /** For people: no user, no password, no token. */
  readonly shown: string;
  /** In the order in which they are tried; at least one. */
  readonly hosts: readonly NatsHost[];
  readonly isTls: boolean;
  /** Absent if the address has none. */
  readonly login?: NatsLogin;
  readonly bucket: string;
  /** Paths of PEM files. */
  readonly files: Readonly<Partial<Record<FileParameter, string>>>;
}

const FILE_PARAMETERS = ["cacert", "cert", "key"] as const;
export type FileParameter = (typeof FILE_PARAMETERS)[number];

const LOGIN_PARAMETERS = ["creds", "nkey"] as const;

const DEFAULT_BUCKET = "maxwells-daemon";

const PORT = 4222;

const HOSTS_MAX = 16;

/** The names that NATS allows, short enough for the names of two streams. */
const BUCKET = /^[A-Za-z0-9_-]{1,128}$/;

const LOCATION = /^\/\/(?:([^@/?#]*)@)?([^@/?#]+)(\/[^?#]*)?(?:\?([^#]*))?$/;

/** @returns the place, or a message that names the fault and the remedy, without secrets */
export function parsePlace(scheme: "nats" | "natss", location: string): NatsPlace | string {
  const example = `write the address as in ${scheme}://nats1.internal,nats2.internal:4222/maxwells-daemon`;
  const [, userInfo, list = "", path = "", query = ""] = LOCATION.exec(location) ?? [];
  const names = list.split(",");
  const hosts = names.flatMap((name) => hostOf(name) ?? []);
  if (hosts.length !== names.length || hosts.length > HOSTS_MAX) {
    return `${example}; special characters in user and password as %40 for @, %2F for /`;
  }
  const bucket = path.replace(/^\/|\/$/g, "") || DEFAULT_BUCKET;
  if (!BUCKET.test(bucket)) {
    return `the bucket's name has letters, digits, - and _, and nothing else; ${example}`;
  }
  const isTls = scheme === "natss";
  const parameters = parametersOf(query, isTls);
  if (parameters === undefined) {
    return `after the ? only paths of files are allowed: creds or nkey; with natss:// also ${FILE_PARAMETERS.join(", ")}, the last two together`;
  }
  const login = loginOf(userInfo, parameters);
  if (typeof login === "string") return login === "" ? `write a % as %25; ${example}` : login;
  const { cacert, cert, key } = parameters;
  return {
    shown: `${scheme}://${userInfo === undefined ? "" : "***@"}${list}/${bucket}`,
    ...{ hosts, isTls, bucket },
    ...(login === undefined ? {} : { login }),
    files: {
      ...(cacert === undefined ? {} : { cacert }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    },
  };
}

function hostOf(host: string): NatsHost | undefined {
  const [, name = "", port = String(PORT)] =
    /^(\[[0-9A-Fa-f:.]+\]|[^\s:[\]%]+)(?::(\d{1,5}))?$/.exec(host) ?? [];
  const url = name === "" ? null : URL.parse(`http://${name}:${port}`);
  if (url === null || Number(port) === 0) return undefined;
  return { hostname: url.hostname.replace(/^\[(.*)\]$/, "$1"), port: Number(port) };
}

type Parameters = Readonly<Partial<Record<string, string>>>;

function parametersOf(query: string, isTls: boolean): Parameters | undefined {
  const allowed: readonly string[] = [...LOGIN_PARAMETERS, ...(isTls ? FILE_PARAMETERS : [])];
  const given = [...new URLSearchParams(query)];
  if (given.some(([name, path]) => !allowed.includes(name) || path === "")) return undefined;
  const parameters = Object.fromEntries(given);
  const isPaired = (parameters["cert"] === undefined) === (parameters["key"] === undefined);
  return isPaired ? parameters : undefined;
}

/** Undefined if there is none; a message if it is spelt wrong, which is empty for a percent sign. */
function loginOf(userInfo: string | undefined, { creds, nkey }: Parameters): NatsLogin | string | undefined {
  const given = [userInfo, creds, nkey].filter((part) => part !== undefined);
  if (given.length > 1) return "name one login: USER:PASSWORD@, TOKEN@, creds= or nkey=";
  if (creds !== undefined) return { credsPath: creds };
  if (nkey !== undefined) return { nkeyPath: nkey };
  if (userInfo === undefined) return undefined;
  const at = userInfo.indexOf(":");
  const user = percentDecoded(at < 0 ? userInfo : userInfo.slice(0, at));
  const password = percentDecoded(at < 0 ? "" : userInfo.slice(at + 1));
  if (user === undefined || password === undefined) return "";
  if (user === "" || (at >= 0 && password === "")) return "write USER:PASSWORD@ or TOKEN@ before the host";
  return at < 0 ? { token: user } : { user, password };
}

/** The login of the address, or else that of the variables that the tool `nats` reads. */
export function loginFor({ login }: NatsPlace, environment: Environment): NatsLogin | undefined {
  if (login !== undefined) return login;
  const { NATS_CREDS: creds, NATS_NKEY: nkey, NATS_TOKEN: token } = environment;
  const { NATS_USER: user, NATS_PASSWORD: password } = environment;
  if (creds) return { credsPath: creds };
  if (nkey) return { nkeyPath: nkey };
  if (user && password) return { user, password };
  return token ? { token } : undefined;
}
