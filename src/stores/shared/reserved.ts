/** Names of fields that a store needs for itself, such as the counter of writes. */

import { type RecordFields, StoreError } from "../store.ts";

/**
 * Throws if a field to be written has such a name. A removal has nothing to remove, so it is allowed.
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
  const remedy = "rename it at its source; nothing was written";
  throw new StoreError(
    "refused",
    `${where} cannot keep the field ${name} of ${version}, because it uses that name itself; ${remedy}`,
  );
}
