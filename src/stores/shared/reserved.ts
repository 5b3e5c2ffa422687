/** Names of fields that an engine needs for itself, such as the one under which it counts writes. */

import { type RecordFields, StoreError } from "../store.ts";

/**
 * Throws where a field would be lost under such a name; there is none to remove.
 *
 * @param where the store, for the message
 */
export function refuseReserved(
  where: string,
  version: string,
  fields: RecordFields,
  reserved: ReadonlySet<string>,
): void {
  const name = Object.keys(fields).find((field) => reserved.has(field) && fields[field] !== undefined);
  if (name === undefined) return;
  const remedy = "rename it where it comes from; nothing was written";
  throw new StoreError(
    "refused",
    `${where} cannot keep the field ${name} of ${version}, a name of its own; ${remedy}`,
  );
}
