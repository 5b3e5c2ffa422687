/** The rules for removing a record. Pure: it gets a snapshot, and returns a plan, as `change.ts` does. */

import type { RecordFields, Snapshot } from "../stores/store.ts";
import { releaseUnderWay } from "./beside-release.ts";
import { type Refusal, type Signature, signedBy } from "./change.ts";
import { type ShownRecord, shownRecord } from "./shown.ts";

/** A wanted removal of one record. */
export interface Removal {
  readonly application: string;
  readonly version: string;
  readonly expect: number | undefined;
  /** Whether the version may be removed although it still has visitors, who then go to master. */
  readonly isForced: boolean;
  readonly signature: Signature;
}

export type RemovalPlan =
  | {
      readonly kind: "remove";
      readonly expected: string;
      readonly before: ShownRecord;
      /**
       * A last write before the removal, if the engine keeps a history: it has the removal's author and
       * reason.
       */
      readonly farewell: RecordFields | undefined;
    }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** The same as `planChange`, for a removal. */
export function planRemoval(removal: Removal, snapshot: Snapshot, keepsHistory: boolean): RemovalPlan {
  const { application, version, expect } = removal;
  const record = snapshot.get(version);
  const refused = (refusal: Refusal): RemovalPlan => ({ kind: "refused", refusal });
  if (snapshot.size === 0) return refused({ code: "no-application" });
  if (record === undefined) return refused({ code: "no-version", versions: [...snapshot.keys()] });
  const before = shownRecord(application, version, record);
  if (expect !== undefined && expect !== before.rollout) {
    return refused({ code: "unexpected", before, expected: expect });
  }
  const release = releaseUnderWay(version, record.value);
  if (release !== undefined) return refused({ code: "under-way", before, release, asked: "remove" });
  if (before.rollout > 0 && !removal.isForced) return refused({ code: "in-use", before });
  const farewell = keepsHistory ? { rollout: 0, ...signedBy(removal.signature) } : undefined;
  return { kind: "remove", expected: record.revision, before, farewell };
}
