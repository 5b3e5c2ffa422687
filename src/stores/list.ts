/** The kinds of store. A new one is a file beside this, and a line here. */

import { nearest } from "../config/nearest.ts";
import { Problem } from "../config/option.ts";
import { redactAddress } from "../config/redact.ts";
import { constant } from "./constant.ts";
import { dynamodb } from "./dynamodb.ts";
import { etcd, etcds } from "./etcd.ts";
import { file } from "./file.ts";
import { http, https } from "./http.ts";
import { moduleStore } from "./module.ts";
import { postgres } from "./postgres.ts";
import { redis, rediss } from "./redis.ts";
import type { Store, StoreContext, StoreKind } from "./store.ts";

export const STORES: readonly StoreKind[] = [
  dynamodb,
  file,
  redis,
  rediss,
  postgres,
  etcd,
  etcds,
  https,
  http,
  constant,
];

/** The kind that serves an address, and what is left for it; a path is a module. */
export function resolveStore(address: string): { kind: StoreKind; location: string } | Problem {
  const [, scheme, rest] = /^([a-z][a-z0-9+.-]*):(.*)$/s.exec(address) ?? [];
  const isPath = /^(\.{0,2}\/|[A-Za-z]:[\\/])/.test(address);
  const kind = isPath ? moduleStore : STORES.find((candidate) => candidate.name === scheme);
  if (kind === undefined) {
    const usages = STORES.map((candidate) => candidate.usage).join(", ");
    const hint = nearest(
      scheme ?? address,
      STORES.map((candidate) => candidate.name),
    );
    return new Problem(
      `no such kind of store${hint}; write ${usages}, or the path of a module such as ./my-store.ts`,
    );
  }
  const location = isPath ? address : (rest ?? "");
  const wrong = kind.check(location);
  return wrong === undefined ? { kind, location } : new Problem(wrong);
}

/** Opens the store at an address that `resolveStore` accepts. */
export async function openStore(address: string, context: Omit<StoreContext, "location">): Promise<Store> {
  const resolved = resolveStore(address);
  if (resolved instanceof Problem) throw new TypeError(`${redactAddress(address)}: ${resolved.message}`);
  return resolved.kind.open({ ...context, location: resolved.location });
}
