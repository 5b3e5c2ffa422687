/**
 * Refuses evidence if etcd's database is large. If it were full, etcd would refuse every write, and so the
 * end of a release too. By default etcd is full at 2 GiB.
 */

import { EtcdError, foreignFault } from "./faults.ts";
import type { EtcdGateway } from "./gateway.ts";

/** A larger database gets no evidence. */
const DB_BYTES_MAX = 1024 ** 3;

/** For so long an answer of etcd counts. */
const STATUS_MS = 5_000;

export interface EvidenceRoomOptions {
  readonly gateway: Pick<EtcdGateway, "call">;
  readonly address: string;
  readonly clock: () => number;
}

export class EvidenceRoom {
  readonly #options: EvidenceRoomOptions;
  #last: { readonly atMs: number; readonly bytes: number } | undefined;

  constructor(options: EvidenceRoomOptions) {
    this.#options = options;
  }

  /** Rejects with the code `refused` if there is no room. */
  async check(signal: AbortSignal): Promise<void> {
    const { gateway, address, clock } = this.#options;
    const atMs = clock();
    if (this.#last === undefined || atMs - this.#last.atMs >= STATUS_MS) {
      const { json } = await gateway.call("/v3/maintenance/status", {}, signal);
      const bytes = Number(json["dbSize"]);
      if (!Number.isSafeInteger(bytes)) {
        throw foreignFault(address);
      }
      this.#last = { atMs, bytes };
    }
    if (this.#last.bytes <= DB_BYTES_MAX) return;
    const remedy = "compact and defragment it with etcdctl";
    throw new EtcdError("refused", `${address} has more than 1 GiB, so it takes no evidence; ${remedy}`);
  }
}
