/**
 * A store of your own: `maxwells-daemon -store ./my-store.ts`.
 *
 * This one keeps rollouts in memory and begins with the JSON in the environment variable MY_ROLLOUTS, such as
 * `{ "website": { "canary": 0.25 } }`. Put your database where the Map is. Only `address`, `read` and `close`
 * are needed; without `watch` the daemon polls, and without `write` it can only be read.
 * `src/stores/store.ts` is the contract, and `test/stores/store-suite.ts` proves it: run your store through
 * it as `test/stores/my-store.test.ts` does.
 */

import type {
  Evidence,
  EvidenceLog,
  Snapshot,
  Snapshots,
  Store,
  StoreContext,
  StoreRecord,
} from "maxwells-daemon/store";

/**
 * The default export makes the store. Read settings here, but do not wait for a server: `read` may fail, this
 * function may not.
 */
export default function myStore(_context: StoreContext): Store {
  const applications = parseRollouts(process.env["MY_ROLLOUTS"] ?? "{}");
  const watchers = new Map<() => void, string>();
  let writes = 0;

  return {
    // For logs: no passwords in it.
    address: "my-store:memory",

    // The whole application or an error, never a part; and nothing for an application that is not there. Hand
    // the signal to your client (`fetch(url, { signal })`): when it aborts, the daemon no longer waits.
    async read(application, signal): Promise<Snapshot> {
      signal.throwIfAborted();
      return new Map(applications.get(application));
    },

    // Optional, for daemons that serve many applications. Read all that are asked for, with one question to
    // your engine. If one application fails, its own entry is a `StoreError`. Without this method the daemon
    // calls `read` for each.
    async readMany(names, signal): Promise<Snapshots> {
      signal.throwIfAborted();
      return new Map(names.map((name) => [name, new Map(applications.get(name))]));
    },

    // Only a nudge: the daemon then reads. Leave it out if your engine cannot push.
    watch(application, changed) {
      const nudge = () => changed();
      watchers.set(nudge, application);
      return () => watchers.delete(nudge);
    },

    // Compare and set, in one step of your engine: `UPDATE … WHERE revision = …`, an ETag, a transaction.
    // Fields that `fields` does not name stay. A field that is undefined there is removed.
    async write(application, version, fields, expected) {
      const records = applications.get(application) ?? new Map<string, StoreRecord>();
      const current = records.get(version);
      if ((current?.revision ?? null) !== expected) return { ok: false, current };

      const known = typeof current?.value === "object" ? current.value : {};
      const entries = Object.entries({ ...known, ...fields }).filter(([, value]) => value !== undefined);
      const revision = String(++writes);
      applications.set(application, records.set(version, { value: Object.fromEntries(entries), revision }));
      for (const [nudge, watched] of watchers) if (watched === application) nudge();
      return { ok: true, revision };
    },

    // The same for removing: `DELETE … WHERE revision = …`. Without it, `maxwells-daemon remove` refuses.
    async remove(application, version, expected) {
      const records = applications.get(application);
      const current = records?.get(version);
      if (current?.revision !== expected) return { ok: false, current };
      records?.delete(version);
      for (const [nudge, watched] of watchers) if (watched === application) nudge();
      return { ok: true };
    },

    // Optional, for releases. Without it, only one daemon may lead them.
    evidence: evidenceInMemory(),

    async close() {
      watchers.clear();
    },
  };
}

/**
 * A log of texts for each release, in which daemons tell each other how it fares. It lies apart from the
 * records, so that no daemon reads its records again because of it. Tell all that was added after a cursor;
 * telling a batch twice does no harm, but losing one does. A log goes a week after its last batch.
 */
function evidenceInMemory(): Evidence {
  const logs = new Map<string, { readonly batches: string[]; readonly lastAtMs: number }>();
  const nameOf = ({ application, key }: EvidenceLog) => `${key} ${application}`;

  return {
    async append(log, batches, signal) {
      signal.throwIfAborted();
      const nowMs = Date.now();
      for (const [name, { lastAtMs }] of logs) if (nowMs - lastAtMs > WEEK_MS) logs.delete(name);
      const kept = logs.get(nameOf(log))?.batches ?? [];
      kept.push(...batches);
      logs.set(nameOf(log), { batches: kept, lastAtMs: nowMs });
    },

    // The cursor is the number of batches that the caller has seen. Any other text counts as none.
    async read(log, cursor = "0", signal) {
      signal.throwIfAborted();
      const batches = logs.get(nameOf(log))?.batches ?? [];
      const start = /^\d+$/.test(cursor) && Number(cursor) <= batches.length ? Number(cursor) : 0;
      const end = Math.min(start + BATCHES_AT_ONCE, batches.length);
      return { batches: batches.slice(start, end), cursor: String(end), hasMore: end < batches.length };
    },
  };
}

const WEEK_MS = 7 * 86_400_000;

/** A batch has 4 KiB at most, and an answer should have no more than 256 KiB. */
const BATCHES_AT_ONCE = 64;

function parseRollouts(text: string): Map<string, Map<string, StoreRecord>> {
  const parsed = JSON.parse(text) as Record<string, Record<string, unknown>>;
  return new Map(
    Object.entries(parsed).map(([application, versions]) => [
      application,
      new Map(Object.entries(versions).map(([version, value]) => [version, { value, revision: "0" }])),
    ]),
  );
}
