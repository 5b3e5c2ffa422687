/**
 * The leases by which etcd deletes a log of evidence a week after its last entry. All writers of a log share
 * its leases: the head has them. A lease has a limited number of entries, because etcd deletes them all in
 * one step. A writer renews all leases of its log if that was not done for some hours.
 */

import { EVIDENCE_KEPT_MS } from "../evidence.ts";
import { type Head, isLease } from "./evidence-head.ts";
import { foreignFault } from "./faults.ts";
import type { EtcdGateway } from "./gateway.ts";

const LEASE_ENTRIES = 4_096;

/** Older leases are not renewed any more, so that a log cannot grow without end. */
const LEASES_MAX = 128;

const HOUR_MS = 3_600_000;
const RENEW_MS = 6 * HOUR_MS;

/** With a day for the hours since the last renewal, and for clocks that are wrong. */
const LEASE_MS = EVIDENCE_KEPT_MS + 24 * HOUR_MS;

export interface EvidenceLeasesOptions {
  readonly gateway: Pick<EtcdGateway, "call">;
  readonly address: string;
  readonly now: () => number;
}

export class EvidenceLeases {
  readonly #options: EvidenceLeasesOptions;

  constructor(options: EvidenceLeasesOptions) {
    this.#options = options;
  }

  /** The leases of a log with one entry more. There is at least one. */
  async forNext(
    head: Head | undefined,
    signal: AbortSignal,
  ): Promise<Pick<Head, "leases" | "count" | "renewedAtMs">> {
    const nowMs = this.#options.now();
    const { leases = [], count = 0, renewedAtMs = nowMs } = head ?? {};
    const isOld = Math.abs(nowMs - renewedAtMs) > RENEW_MS;
    if (isOld) for (const id of leases) await this.#renew(id, signal);
    const renewed = isOld ? nowMs : renewedAtMs;
    if (leases.length > 0 && count < LEASE_ENTRIES) return { leases, count: count + 1, renewedAtMs: renewed };
    const granted = await this.#grant(signal);
    return { leases: [...leases.slice(1 - LEASES_MAX), granted], count: 1, renewedAtMs: renewed };
  }

  async #grant(signal: AbortSignal): Promise<string> {
    const { gateway, address } = this.#options;
    const { json } = await gateway.call("/v3/lease/grant", { TTL: String(LEASE_MS / 1_000) }, signal);
    const { ID: id } = json;
    if (isLease(id)) return id;
    throw foreignFault(address);
  }

  /** If the lease is gone, etcd says so when it is used. */
  async #renew(id: string, signal: AbortSignal): Promise<void> {
    await this.#options.gateway.call("/v3/lease/keepalive", { ID: id }, signal);
  }
}
