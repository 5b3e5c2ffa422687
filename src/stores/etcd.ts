/**
 * Rollouts in etcd 3.4 or later: a key for each record, `/maxwells-daemon/website/canary`, its value the
 * rollout, or an object in JSON.
 *
 * A snapshot is one linearizable read of an application's range, so a member that has lost its cluster does
 * not answer with old data. A write is a transaction that compares the key's revision. Requests go over
 * etcd's JSON gateway (docs/decisions/0017-etcd-gateway.md).
 */

import { parsePlace } from "./etcd/address.ts";
import { EtcdEvidence } from "./etcd/evidence.ts";
import { EtcdError, foreignFault } from "./etcd/faults.ts";
import { EtcdGateway } from "./etcd/gateway.ts";
import { walkBack } from "./etcd/history.ts";
import { applicationOf, below, directoryOf, keyOf, next, removalKeyOf, toBase64 } from "./etcd/keys.ts";
import { EtcdMany } from "./etcd/many.ts";
import {
  asJson,
  isRevision,
  type KeyValue,
  type Range,
  RECORD_LENGTH_MAX,
  rangeOf,
  rangesIn,
  recordOf,
  revisionOf,
  snapshotOf,
  wholeValueOf,
} from "./etcd/records.ts";
import { refusalOf } from "./etcd/snapshots.ts";
import { EtcdWatch } from "./etcd/watch.ts";
import type { Evidence } from "./evidence.ts";
import { withFields } from "./shared/document.ts";
import {
  type Lost,
  type PastRecord,
  RECORDS_MAX,
  type RecordFields,
  type Removed,
  type Snapshot,
  type Snapshots,
  type Store,
  type StoreContext,
  type StoreKind,
  type Written,
} from "./store.ts";

/** Names are read in pages of this many keys. */
const PAGE_KEYS = 5_000;
const PAGES_MAX = 200;

export const etcd: StoreKind = kind("etcd", "etcd 3.4 or later, unencrypted");
export const etcds: StoreKind = kind("etcds", "etcd over TLS");

function kind(name: "etcd" | "etcds", summary: string): StoreKind {
  return {
    name,
    usage: `${name}://[USER:PASSWORD@]HOST[:2379][,HOST…]/[PREFIX]`,
    summary,
    keepsHistory: true,
    check(location) {
      const place = parsePlace(name, location);
      return typeof place === "string" ? place : undefined;
    },
    async open({ location, warn }: StoreContext): Promise<Store> {
      const place = parsePlace(name, location);
      if (typeof place === "string") throw new TypeError(place);
      return new EtcdStore(place.shown, place.prefix, new EtcdGateway(place), warn);
    },
  };
}

class EtcdStore implements Store {
  readonly address: string;
  readonly evidence: Evidence;
  readonly #prefix: string;
  readonly #gateway: EtcdGateway;
  readonly #watch: EtcdWatch;
  readonly #many: EtcdMany;

  constructor(address: string, prefix: string, gateway: EtcdGateway, warn: (message: string) => void) {
    this.address = address;
    this.#prefix = prefix;
    this.#gateway = gateway;
    this.evidence = new EtcdEvidence({
      ...{ gateway, prefix, address },
      clock: () => performance.now(),
      now: () => Date.now(),
      random: Math.random,
    });
    this.#watch = new EtcdWatch({ gateway, prefix, warn });
    this.#many = new EtcdMany({
      ...{ prefix, address },
      range: (query, signal, bytesMax) => this.#range(query, signal, bytesMax),
    });
  }

  async readMany(applications: readonly string[], signal: AbortSignal): Promise<Snapshots> {
    return this.#many.read(applications, signal);
  }

  async read(application: string, signal: AbortSignal): Promise<Snapshot> {
    const { values } = await this.#records(application, signal);
    const refused = refusalOf(application, values);
    if (refused !== undefined) throw refused;
    return snapshotOf(this.#prefix, application, values);
  }

  watch(application: string, changed: () => void): () => void {
    return this.#watch.add(application, changed);
  }

  async write(
    application: string,
    version: string,
    fields: RecordFields,
    expected: string | null,
    signal: AbortSignal,
  ): Promise<Written> {
    const key = keyOf(this.#prefix, application, version);
    // A record that is to be new is asked for in any case, so that etcd refuses a user without the rights.
    const before = expected === null ? undefined : (await this.#range({ key }, signal)).values[0];
    if ((before === undefined ? null : revisionOf(before)) !== expected) return conflictWith(before);

    const text = JSON.stringify(withFields(before === undefined ? undefined : wholeValueOf(before), fields));
    if (text.length > RECORD_LENGTH_MAX) {
      const remedy = "take something out of it; nothing was written";
      throw new EtcdError(
        "refused",
        `the record would be longer than ${RECORD_LENGTH_MAX} characters; ${remedy}`,
      );
    }
    const put = { request_put: { key, value: toBase64(text) } };
    const { isDone, revision, attempts, current } = await this.#swap(key, before, [put], signal);
    if (isDone) return { ok: true, revision: revisionOf({ text, modRevision: revision }) };
    // If the answer to an attempt was lost, the write may have arrived. Then the record has the written
    // value.
    if (attempts > 1 && current?.text === text) return { ok: true, revision: revisionOf(current) };
    return conflictWith(current);
  }

  async remove(
    application: string,
    version: string,
    expected: string,
    signal: AbortSignal,
  ): Promise<Removed> {
    const key = keyOf(this.#prefix, application, version);
    const before = (await this.#range({ key }, signal)).values[0];
    if (before === undefined || revisionOf(before) !== expected) return conflictWith(before);
    const remove = { request_delete_range: { key } };
    const note = {
      request_put: { key: removalKeyOf(this.#prefix, application), value: toBase64(JSON.stringify(version)) },
    };
    const { isDone, attempts, current } = await this.#swap(key, before, [remove, note], signal).catch(
      (error: unknown) => {
        // An operator of one application alone may not write beside it. Then the history does not show the
        // removal.
        if (error instanceof EtcdError && error.code === "denied")
          return this.#swap(key, before, [remove], signal);
        throw error;
      },
    );
    // As above: if the answer to an attempt was lost, the record may be removed already.
    return isDone || (attempts > 1 && current === undefined) ? { ok: true } : conflictWith(current);
  }

  /** One transaction: carries out `actions` if the key is still as `before`, and else reads the key. */
  async #swap(
    key: string,
    before: KeyValue | undefined,
    actions: readonly Readonly<Record<string, unknown>>[],
    signal: AbortSignal,
  ): Promise<{
    isDone: boolean;
    /** The revision of the whole store, after the transaction. */
    revision: string;
    attempts: number;
    current: KeyValue | undefined;
  }> {
    const { json, attempts } = await this.#gateway.call(
      "/v3/kv/txn",
      {
        compare: [{ key, target: "MOD", result: "EQUAL", mod_revision: before?.modRevision ?? "0" }],
        success: actions,
        failure: [{ request_range: { key } }],
      },
      signal,
    );
    const revision = asJson(json["header"])?.["revision"];
    if (!isRevision(revision)) throw foreignFault(this.address);
    const isDone = json["succeeded"] === true;
    if (isDone) return { isDone, revision, attempts, current: undefined };
    // The value that the transaction read because the comparison failed.
    const [failure] = rangesIn(json) ?? [];
    if (failure === undefined) throw foreignFault(this.address);
    return { isDone, revision, attempts, current: failure.values[0] };
  }

  async applications(signal: AbortSignal): Promise<readonly string[]> {
    const names = new Set<string>();
    let { key, range_end } = below(this.#prefix);
    for (let page = 0; page < PAGES_MAX; page++) {
      const query = { key, range_end, keys_only: true, limit: String(PAGE_KEYS) };
      const { values, isCut } = await this.#range(query, signal);
      for (const value of values) {
        const name = applicationOf(this.#prefix, value.key);
        if (name !== undefined) names.add(name);
        key = value.key;
      }
      if (!isCut) return [...names];
      key = next(key);
    }
    const remedy = "name a prefix that only maxwells-daemon uses";
    throw new EtcdError(
      "malformed",
      `${this.address} has more than ${PAGES_MAX * PAGE_KEYS} keys; ${remedy}`,
    );
  }

  async history(application: string, limit: number, signal: AbortSignal): Promise<readonly PastRecord[]> {
    let mayHaveRemovals = true;
    return walkBack(this.#prefix, application, limit, async (revision) => {
      const range = await this.#records(application, signal, revision);
      const removal = mayHaveRemovals
        ? await this.#removalAt(application, revision ?? range.revision, signal)
        : undefined;
      // The note is never deleted, so there is none only before it is first written.
      mayHaveRemovals = removal !== undefined;
      return { ...range, removal };
    });
  }

  /** The note of the last removal at a revision; undefined if there is none, or this user may not read it. */
  async #removalAt(
    application: string,
    revision: string,
    signal: AbortSignal,
  ): Promise<KeyValue | undefined> {
    try {
      const key = removalKeyOf(this.#prefix, application);
      return (await this.#range({ key, revision }, signal)).values[0];
    } catch (error) {
      if (error instanceof EtcdError && error.code === "denied") return undefined;
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#watch.close();
    this.#gateway.close();
  }

  /** All records of an application, now or at a revision. */
  async #records(application: string, signal: AbortSignal, revision?: string): Promise<Range> {
    const range = await this.#range(
      {
        ...below(directoryOf(this.#prefix, application)),
        limit: String(RECORDS_MAX),
        ...(revision === undefined ? {} : { revision }),
      },
      signal,
    );
    if (!range.isCut) return range;
    const remedy = "delete the keys of versions that no longer exist";
    throw new EtcdError("malformed", `${application} has more than ${RECORDS_MAX} keys; ${remedy}`);
  }

  async #range(
    query: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
    bytesMax?: number,
  ): Promise<Range> {
    const { json } = await this.#gateway.call("/v3/kv/range", query, signal, bytesMax);
    const range = rangeOf(json);
    if (range === undefined) throw foreignFault(this.address);
    return range;
  }
}

function conflictWith(current: KeyValue | undefined): Lost {
  return { ok: false, current: current === undefined ? undefined : recordOf(current) };
}
