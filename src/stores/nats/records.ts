/** Messages of a bucket ⇄ records. Pure. */

import { createHash } from "node:crypto";
import { RELEASE } from "../../releases/release.ts";
import { jsonOrText, shallowJsonOrText } from "../shared/json-text.ts";
import { asObject, restOfRelease } from "../shared/release-rest.ts";
import { RECORDS_MAX, StoreError, type StoreRecord } from "../store.ts";
import type { StoredMessage } from "./jetstream.ts";

/** A longer text is not a record, and parsing it would make visitors wait. */
export const RECORD_LENGTH_MAX = 64 * 1024;

/**
 * An application's records may have this many bytes together: 64 versions with 2 KiB each. More would make
 * visitors wait.
 */
export const APPLICATION_BYTES_MAX = 128 * 1024;

const DIGEST_LENGTH = 12;

/**
 * A record's value: the JSON, or else the text, which the feed reports as malformed. It is parsed only when
 * it is asked for, because ten thousand at once would make visitors wait.
 *
 * @param isWhole whether `log` and `arcs` of a release that is over stay: a daemon does not need them
 */
export function recordOf(message: StoredMessage, isWhole: boolean): StoreRecord {
  let text: string | undefined = message.text;
  let value: unknown;
  return {
    get value() {
      if (text !== undefined) {
        const parsed = text.length > RECORD_LENGTH_MAX ? text : shallowJsonOrText(text);
        value = isWhole ? parsed : withoutRest(parsed);
        text = undefined;
      }
      return value;
    },
    get revision() {
      return revisionOf(message);
    },
    position: message.seq,
  };
}

/**
 * The revision of a record: the number of its message, and a digest of its text. After a restore of a backup,
 * or in a bucket that was made again, the number comes again with another text. A writer that read before
 * must lose then.
 */
export function revisionOf({ seq, text = "" }: Pick<StoredMessage, "seq" | "text">): string {
  const digest = createHash("sha256").update(text).digest("base64url").slice(0, DIGEST_LENGTH);
  return `${seq}-${digest}`;
}

/** The value of a text of any length, for a command that writes it back. */
export function wholeValueOf({ text = "" }: StoredMessage): unknown {
  return jsonOrText(text);
}

function withoutRest(value: unknown): unknown {
  const fields = asObject(value);
  if (fields === undefined || !Object.hasOwn(fields, RELEASE)) return value;
  return { ...fields, [RELEASE]: restOfRelease(fields[RELEASE]).release };
}

/** The reason why an application with these values is not used. */
export function refusalOf(application: string, messages: readonly StoredMessage[]): StoreError | undefined {
  if (messages.length > RECORDS_MAX) {
    const remedy = "delete the keys of versions that no longer exist";
    return new StoreError("malformed", `${application} has more than ${RECORDS_MAX} keys; ${remedy}`);
  }
  const bytes = messages.reduce((sum, message) => sum + message.bytes, 0);
  if (bytes <= APPLICATION_BYTES_MAX) return undefined;
  const remedy = "delete versions and fields that nothing needs";
  return new StoreError(
    "malformed",
    `${application} has more than ${APPLICATION_BYTES_MAX} bytes of records; ${remedy}`,
  );
}
