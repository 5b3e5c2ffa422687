/** The kinds of store. To add one, put its file beside this one, and add a line here. */

import { Problem } from "../config/option.ts";
import { nearest } from "../text/nearest.ts";
import { redactAddress } from "../text/redact.ts";
import { constant } from "./constant.ts";
import { dynamodb } from "./dynamodb.ts";
import { etcd, etcds } from "./etcd.ts";
import { file } from "./file.ts";
import { http, https } from "./http.ts";
import { mariadb, mysql } from "./mariadb.ts";
import { moduleStore } from "./module.ts";
import { nats, natss } from "./nats.ts";
import { postgres } from "./postgres.ts";
import { redis, rediss } from "./redis.ts";
import type { Store, StoreContext, StoreKind } from "./store.ts";

export const STORES: readonly StoreKind[] = [
  dynamodb,
  file,
  redis,
  rediss,
  postgres,
  mariadb,
  mysql,
  etcd,
  etcds,
  nats,
  natss,
  https,
  http,
  constant,
];

/** Files that can be loaded as a module. Any other file is probably a file of rollouts. */
const MODULE = /\.[cm]?[jt]sx?$/;

/** An address as the program shows it (`redactAddress`), and as an operator may paste it. */
const HIDDEN_SECRET = /\/\/\*\*\*@|[=?]\*\*\*(?=[&;#]|$)/;
const HIDDEN_PROBLEM =
  "*** stands for a secret that is not shown; write the secret in its place, or leave this address out if the " +
  "environment or the configuration file has it";

/**
 * The kind of store of an address, and the part of the address that the kind reads. A path alone is a
 * module.
 */
export function resolveStore(address: string): { kind: StoreKind; location: string } | Problem {
  const [, scheme, rest] = /^([a-z][a-z0-9+.-]*):(.*)$/s.exec(address) ?? [];
  const isPath = /^(\.{0,2}\/|[A-Za-z]:[\\/])/.test(address);
  if (isPath && !MODULE.test(address)) {
    return new Problem(`a path alone names a module (.ts or .js); did you mean file:${address}?`);
  }
  const kind = isPath ? moduleStore : STORES.find((candidate) => candidate.name === scheme);
  if (kind === undefined) return unknownKind(address, scheme);
  const location = isPath ? address : (rest ?? "");
  const problem = HIDDEN_SECRET.test(address) ? HIDDEN_PROBLEM : kind.check(location);
  return problem === undefined ? { kind, location } : new Problem(problem);
}

function unknownKind(address: string, scheme: string | undefined): Problem {
  if (scheme === undefined && /\.json$/i.test(address)) {
    return new Problem(`this is not an address of a store; did you mean file:${address}?`);
  }
  const named = STORES.find((candidate) => candidate.name === address);
  if (named !== undefined) return new Problem(`a kind of store needs its place too; write ${named.usage}`);
  const names = STORES.map((candidate) => candidate.name);
  const hint = nearest(scheme ?? address, names);
  const kinds = hint === "" ? `; the kinds are ${names.join(", ")}` : "";
  return new Problem(
    `no such kind of store${hint}${kinds}; maxwells-daemon help stores shows how each is written`,
  );
}

/** All but the location, which the address has. A program usually gives its own `process.env`. */
export type OpenContext = Omit<StoreContext, "location">;

/** Opens the store at an address that `resolveStore` accepts. */
export async function openStore(address: string, context: OpenContext): Promise<Store> {
  const resolved = resolveStore(address);
  if (resolved instanceof Problem) throw new TypeError(`${redactAddress(address)}: ${resolved.message}`);
  return resolved.kind.open({ ...context, location: resolved.location });
}
