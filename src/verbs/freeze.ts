/**
 * The freeze: a word of a person that holds back all releases of a store. It holds back advances, and nothing
 * else.
 *
 * It lies in a record of an application that no daemon serves, so no daemon takes it for an arc. Its rollout
 * is always 0, so it could not have visitors even if a daemon did.
 */

import { ABOUT_ALL } from "../records/applications.ts";
import { fieldsOf } from "../records/fields.ts";
import type { RecordFields, Snapshot } from "../stores/store.ts";
import type { Target } from "./look.ts";

export const FREEZE: Target = { application: ABOUT_ALL, version: "freeze" };

const FROZEN = "frozen";

export interface Freeze {
  readonly isFrozen: boolean;
  readonly by: string | undefined;
  readonly at: string | undefined;
  readonly why: string | undefined;
}

/** @param snapshot all records of `FREEZE.application` */
export function freezeIn(snapshot: Snapshot): Freeze {
  const fields = fieldsOf(snapshot.get(FREEZE.version)?.value);
  return {
    isFrozen: fields[FROZEN] === true,
    by: textOf(fields["updatedBy"]),
    at: textOf(fields["updatedAt"]),
    why: textOf(fields["why"]),
  };
}

export function freezeFields(isFrozen: boolean, by: string, at: Date, why: string | undefined): RecordFields {
  return { rollout: 0, [FROZEN]: isFrozen, updatedBy: by, updatedAt: at.toISOString(), why };
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
