/**
 * The evidence of releases in etcd, outside the range of the records:
 *
 *     /maxwells-daemon.evidence/website/KEY                     the head of the log: its last entry, its leases
 *     /maxwells-daemon.evidence/website/KEY/NUMBER.NONCE        an entry: the batches of one append, as JSON
 *
 * An append is one transaction. It adds an entry with the next number, if the head is as the writer knows it.
 * So entries become visible in the order of their names, and a reader asks for the names behind the last one
 * that it has. Names have a random part: after a restore, numbers may come again, but not names. If the entry
 * of a cursor is gone, the reader gets the whole log again.
 *
 * Rejected: cursors of etcd's own revisions. etcd would look through the whole log at each read.
 *
 * There is no watch. Each append of each daemon would cause a read, and the daemons of a fleet append more
 * often than every two seconds.
 */

import { randomBytes } from "node:crypto";
import type { Evidence, EvidenceLog, EvidenceNews } from "../evidence.ts";
import { pause } from "../shared/abort.ts";
import { type Head, headOf, textOf } from "./evidence-head.ts";
import { EvidenceLeases } from "./evidence-leases.ts";
import { EvidencePages } from "./evidence-pages.ts";
import { EvidenceRoom } from "./evidence-room.ts";
import { EtcdError, foreignFault } from "./faults.ts";
import type { EtcdGateway } from "./gateway.ts";
import { directoryOf, toBase64 } from "./keys.ts";
import { asJson, isRevision, type KeyValue, rangeOf, rangesIn } from "./records.ts";

/** A writer tries this often to be the first. A fleet appends some tens of times in a second. */
const ATTEMPTS_MAX = 24;

/** The longest pause before an attempt is this, multiplied by the number of the attempt. */
const PAUSE_MS = 8;

/** Heads of logs that a writer remembers. */
const HEADS_MAX = 64;

const NUMBER_DIGITS = 16;
const NONCE_BYTES = 8;

export interface EtcdEvidenceOptions {
  readonly gateway: Pick<EtcdGateway, "call">;
  /** The prefix of the records. */
  readonly prefix: string;
  /** The store's, for messages. */
  readonly address: string;
  /** Monotonic, in milliseconds. */
  readonly clock: () => number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** The head of a log, and the revision at which it was written; 0 if it is not there. */
interface Known {
  readonly head: Head | undefined;
  readonly modRevision: string;
}

export class EtcdEvidence implements Evidence {
  readonly #options: EtcdEvidenceOptions;
  readonly #leases: EvidenceLeases;
  readonly #room: EvidenceRoom;
  readonly #pages: EvidencePages;
  readonly #heads = new Map<string, Known>();

  constructor(options: EtcdEvidenceOptions) {
    this.#options = options;
    this.#leases = new EvidenceLeases(options);
    this.#room = new EvidenceRoom(options);
    this.#pages = new EvidencePages(options);
  }

  async append(log: EvidenceLog, batches: readonly string[], signal: AbortSignal): Promise<void> {
    const directory = this.#directoryOf(log);
    await this.#room.check(signal);
    let known = this.#heads.get(directory);
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      // A lost attempt has read the head, so the next one follows at once. After that the crowd spreads out.
      if (attempt > 2) {
        await pause(this.#options.random() * attempt * PAUSE_MS, signal);
        known = undefined;
      }
      const before = known ?? (await this.#headAt(directory, signal));
      const { isDone, known: after } = await this.#tryAppend(directory, before, batches, signal);
      this.#remember(directory, after);
      if (isDone) return;
      known = after;
    }
    const { address } = this.#options;
    throw new EtcdError("unavailable", `${address} has too many writers of evidence at once; try again`);
  }

  /** Adds an entry if the head is still as it is known, and else reads the head. */
  async #tryAppend(
    directory: string,
    known: Known,
    batches: readonly string[],
    signal: AbortSignal,
  ): Promise<{ readonly isDone: boolean; readonly known: Known }> {
    const { address, now } = this.#options;
    const lease = await this.#leases.forNext(known.head, signal);
    // A log whose head has expired goes on behind its last entry, because no log grows by an entry each
    // millisecond.
    const number = (known.head?.number ?? now()) + 1;
    const name = `${String(number).padStart(NUMBER_DIGITS, "0")}.${randomBytes(NONCE_BYTES).toString("hex")}`;
    const head: Head = { ...lease, number, name };
    const [headKey, lastLease] = [toBase64(directory), head.leases.at(-1)];
    const puts = [
      { key: toBase64(`${directory}/${name}`), value: toBase64(JSON.stringify(batches)), lease: lastLease },
      { key: headKey, value: toBase64(textOf(head)), lease: lastLease },
    ];
    try {
      const { json } = await this.#options.gateway.call(
        "/v3/kv/txn",
        {
          compare: [{ key: headKey, target: "MOD", result: "EQUAL", mod_revision: known.modRevision }],
          success: puts.map((put) => ({ request_put: put })),
          failure: [{ request_range: { key: headKey } }],
        },
        signal,
      );
      const revision = asJson(json["header"])?.["revision"];
      if (!isRevision(revision)) throw foreignFault(address);
      if (json["succeeded"] === true) return { isDone: true, known: { head, modRevision: revision } };
      const ranges = rangesIn(json);
      if (ranges === undefined) throw foreignFault(address);
      const current = knownOf(ranges[0]?.values[0]);
      // If the answer to an attempt was lost, the entry may be there.
      return { isDone: current.head?.name === name, known: current };
    } catch (error) {
      if (!(error instanceof EtcdError && error.isLeaseGone)) throw error;
      const { head: before } = known;
      const leases = before?.leases.filter((id) => id !== lastLease) ?? [];
      return { isDone: false, known: { ...known, head: before && { ...before, leases } } };
    }
  }

  async read(log: EvidenceLog, cursor: string | undefined, signal: AbortSignal): Promise<EvidenceNews> {
    return this.#pages.read(this.#directoryOf(log), cursor, signal);
  }

  async #headAt(directory: string, signal: AbortSignal): Promise<Known> {
    const { json } = await this.#options.gateway.call("/v3/kv/range", { key: toBase64(directory) }, signal);
    const range = rangeOf(json);
    if (range === undefined) throw foreignFault(this.#options.address);
    return knownOf(range.values[0]);
  }

  #remember(directory: string, known: Known): void {
    this.#heads.delete(directory);
    this.#heads.set(directory, known);
    for (const oldest of this.#heads.keys()) {
      if (this.#heads.size <= HEADS_MAX) return;
      this.#heads.delete(oldest);
    }
  }

  #directoryOf({ application, key }: EvidenceLog): string {
    return `${directoryOf(`${this.#options.prefix}.evidence`, application)}/${key}`;
  }
}

function knownOf(value: KeyValue | undefined): Known {
  return {
    head: value === undefined ? undefined : headOf(value.text),
    modRevision: value?.modRevision ?? "0",
  };
}
