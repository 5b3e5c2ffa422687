/**
 * The revision of an item, as a text with everything that a conditional write must check: a short hash for
 * people, then the hashed values.
 *
 * Writes of this program increase a number attribute `revision`. Operators and daemons of 2016 change only
 * `rollout`, so the number is not enough. The text has every attribute that this program acts upon, and a
 * write requires that each is unchanged. DynamoDB compares `release`, which is a map, as a whole. So an
 * operator who edits or removes it makes a write lose. If an attribute has a value that JSON cannot hold,
 * only its type is checked, because the daemon cannot act upon it.
 */

import { createHash } from "node:crypto";
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import type { Item } from "./values.ts";

/** The attribute that writes of this program increase. */
export const REVISION = "revision";

/** The fields that this program acts upon, in the order of a revision. */
const COVERED = ["rollout", "offset", "failsafe", "release", REVISION] as const;

const HASH_LENGTH = 12;

/** DynamoDB's own limit for lists and maps in each other. */
const DEPTH_MAX = 32;

/** [attribute, its type, its value if that is compared] */
type Part = readonly [name: string, type: string, value?: unknown];

/** The parts of a conditional write that come from a revision. */
export interface Condition {
  readonly expression: string;
  readonly names: Record<string, string>;
  readonly values: Record<string, AttributeValue>;
  /** Whether `revision` is a number that can be increased. */
  readonly isCounted: boolean;
}

export function revisionOf(item: Item): string {
  const parts: Part[] = [];
  for (const name of COVERED) {
    const attribute = Object.hasOwn(item, name) ? item[name] : undefined;
    if (attribute === undefined || attribute === null) continue;
    const [type = "?", value] = Object.entries(attribute).find(([, content]) => content !== undefined) ?? [];
    parts.push(isJson(attribute) ? [name, type, value] : [name, type]);
  }
  const text = JSON.stringify(parts);
  // People see the first dozen characters, so these must differ.
  const hash = createHash("sha256").update(text).digest("base64url").slice(0, HASH_LENGTH);
  return `${hash} ${text}`;
}

/** @throws {TypeError} for a text that `revisionOf` did not make */
export function conditionOf(revision: string): Condition {
  const parts = parseRevision(revision);
  const clauses: string[] = ["attribute_exists(#application)"];
  const names: Record<string, string> = { "#application": "application" };
  const values: Record<string, AttributeValue> = {};
  COVERED.forEach((name, index) => {
    names[`#c${index}`] = name;
    const part = parts.find(([covered]) => covered === name);
    if (part === undefined) {
      clauses.push(`attribute_not_exists(#c${index})`);
      return;
    }
    const [, type, value] = part;
    const isCompared = value !== undefined;
    // The SDK's type has one member for each attribute type, and TypeScript cannot check a computed key.
    values[`:c${index}`] = isCompared ? ({ [type]: value } as unknown as AttributeValue) : { S: type };
    clauses.push(isCompared ? `#c${index} = :c${index}` : `attribute_type(#c${index}, :c${index})`);
  });
  const isCounted = parts.some(([name, type]) => name === REVISION && type === "N");
  return { expression: clauses.join(" AND "), names, values, isCounted };
}

function parseRevision(text: string): readonly Part[] {
  try {
    const parts: unknown = JSON.parse(text.slice(HASH_LENGTH));
    // The text is one that `revisionOf` made; if it is not, the server refuses the condition.
    if (Array.isArray(parts) && parts.every((part) => Array.isArray(part))) return parts as unknown as Part[];
  } catch {
    // Thrown below, as for every text that is not a revision.
  }
  throw new TypeError(
    `${JSON.stringify(text)} is not a revision of this store; pass back the one that read or write gave`,
  );
}

/** Whether the attribute, with all that is in it, is the same after a way through JSON. */
function isJson(attribute: AttributeValue, depth = 0): boolean {
  if (typeof attribute !== "object" || attribute === null || depth > DEPTH_MAX) return false;
  const { N, S, BOOL, NULL, L, M } = attribute;
  if ([N, S].some((value) => typeof value === "string")) return true;
  if ([BOOL, NULL].some((value) => typeof value === "boolean")) return true;
  const parts = Array.isArray(L) ? L : typeof M === "object" && M !== null ? Object.values(M) : undefined;
  return parts?.every((part) => isJson(part, depth + 1)) ?? false;
}
