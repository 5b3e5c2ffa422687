/**
 * Parses the address of an etcd cluster. Pure.
 *
 *     etcds://daemon:password@10.0.0.1,10.0.0.2:2379/maxwells-daemon?cacert=/etc/etcd/ca.pem
 *
 * URL parsers do not know several hosts, so the list is split here, and each host is parsed as a URL.
 */

import { percentDecoded } from "../shared/percent.ts";

export interface EtcdPlace {
  /** For people: no user, no password. */
  readonly shown: string;
  /** `https://10.0.0.1:2379`, in the order in which they are tried; at least one. */
  readonly endpoints: readonly string[];
  /** Absent if there is no login. Secret. */
  readonly login?: { readonly name: string; readonly password: string };
  /** The prefix of all keys. It begins with a slash, and does not end with one. */
  readonly prefix: string;
  /** Paths of PEM files, by the names of etcdctl's flags. */
  readonly files: Readonly<Partial<Record<FileParameter, string>>>;
}

const FILE_PARAMETERS = ["cacert", "cert", "key"] as const;
export type FileParameter = (typeof FILE_PARAMETERS)[number];

const DEFAULT_PREFIX = "/maxwells-daemon";

const PORT = 2379;

/** A cluster of etcd has seven members at most, as its documentation advises. */
const ENDPOINTS_MAX = 16;

const LOCATION = /^\/\/(?:([^@/?#]*)@)?([^@/?#]+)(\/[^?#]*)?(?:\?([^#]*))?$/;

/** @returns the place, or a message that names the fault and the remedy, without secrets */
export function parsePlace(scheme: "etcd" | "etcds", location: string): EtcdPlace | string {
  const example = `write the address as in ${scheme}://etcd1.internal,etcd2.internal:2379/maxwells-daemon`;
  const [, userInfo, hosts = "", path = "/", query = ""] = LOCATION.exec(location) ?? [];
  const isTls = scheme === "etcds";
  const names = hosts.split(",");
  const endpoints = names.flatMap((host) => endpointOf(host, isTls) ?? []);
  if (endpoints.length !== names.length || endpoints.length > ENDPOINTS_MAX) {
    return `${example}; special characters in user and password as %40 for @, %2F for /`;
  }
  const prefix = percentDecoded(path.replace(/\/+$/, ""));
  const login = loginOf(userInfo);
  if (prefix === undefined || login === undefined) return `write a % as %25; ${example}`;
  if (login !== null && (login.name === "" || login.password === "")) {
    return `write both user and password, or neither, such as ${scheme}://USER:PASSWORD@HOST/`;
  }
  const files = filesOf(query, isTls);
  if (files === undefined) {
    return `after the ? only these are allowed: ${FILE_PARAMETERS.join(", ")}, each the path of a PEM file, with etcds:// only; cert and key together`;
  }
  return {
    shown: `${scheme}://${login === null ? "" : "***@"}${hosts}${prefix === "" ? DEFAULT_PREFIX : prefix}`,
    endpoints,
    ...(login === null ? {} : { login }),
    prefix: prefix === "" ? DEFAULT_PREFIX : prefix,
    files,
  };
}

function endpointOf(host: string, isTls: boolean): string | undefined {
  const [, name = "", port = String(PORT)] =
    /^(\[[0-9A-Fa-f:.]+\]|[^\s:[\]%]+)(?::(\d{1,5}))?$/.exec(host) ?? [];
  const url = name === "" ? null : URL.parse(`http://${name}:${port}`);
  if (url === null || Number(port) === 0) return undefined;
  return `${isTls ? "https" : "http"}://${url.hostname}:${Number(port)}`;
}

/** Null if there is none, undefined if it is spelt wrong. */
function loginOf(userInfo: string | undefined): { name: string; password: string } | null | undefined {
  if (userInfo === undefined) return null;
  const at = userInfo.indexOf(":");
  const name = percentDecoded(at < 0 ? userInfo : userInfo.slice(0, at));
  const password = percentDecoded(at < 0 ? "" : userInfo.slice(at + 1));
  return name === undefined || password === undefined ? undefined : { name, password };
}

function filesOf(query: string, isTls: boolean): EtcdPlace["files"] | undefined {
  const given = [...new URLSearchParams(query)];
  const files: Partial<Record<FileParameter, string>> = {};
  for (const [name, path] of given) {
    const parameter = FILE_PARAMETERS.find((known) => known === name);
    if (parameter === undefined || path === "" || !isTls) return undefined;
    files[parameter] = path;
  }
  return (files.cert === undefined) === (files.key === undefined) ? files : undefined;
}
