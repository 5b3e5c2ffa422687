/** The records of an application, each with its real share of the visitors and with remarks. Pure. */

import { MAINTENANCE } from "../circle.ts";
import type { Snapshot } from "../stores/store.ts";
import { arcsOf } from "./check.ts";
import { type Remark, remarksOnArc } from "./remarks.ts";
import { sharesOf } from "./share.ts";
import { type ShownRecord, shownRecord } from "./shown.ts";

/** A record among the others of its application. */
export interface ListedRecord {
  readonly record: ShownRecord;
  /**
   * The fraction of all visitors that the version really gets; null for maintenance, which serves no
   * visitors.
   */
  readonly share: number | null;
  readonly remarks: readonly Remark[];
}

/** All records of an application, in the order of the snapshot. */
export function listRecords(application: string, snapshot: Snapshot): ListedRecord[] {
  const arcs = arcsOf(snapshot);
  const shares = sharesOf(arcs);
  return [...snapshot].map(([version, record]) => {
    const shown = shownRecord(application, version, record);
    return {
      record: shown,
      share: version === MAINTENANCE ? null : (shares.byVersion.get(version) ?? 0),
      remarks: remarksOnArc(shown, arcs, shares),
    };
  });
}
