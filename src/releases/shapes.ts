/**
 * The shapes of the fields of a release: each one checks a value, and is a JSON schema for other programs.
 *
 * The schema allows each value that the check allows. It may allow more, because a schema counts characters
 * and this program counts UTF-16 units.
 */

import type { JsonSchema } from "../text/json-schema.ts";
import { COUNT_MAX, isKey, STATES, type State, TEXT_LENGTH_MAX } from "./release.ts";

export interface Shape {
  readonly isValid: (value: unknown) => boolean;
  readonly schema: JsonSchema;
}

export const COUNT: Shape = {
  isValid: isCount,
  schema: { type: "integer", minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
};

/** The next number is a safe integer too. */
export const COUNTABLE: Shape = {
  isValid: (value) => isCount(value) && value <= COUNT_MAX,
  schema: { type: "integer", minimum: 1, maximum: COUNT_MAX },
};

export const SHORT_TEXT = textUpTo(TEXT_LENGTH_MAX);

export const TEXT: Shape = {
  isValid: isText,
  schema: { ...SHORT_TEXT.schema, minLength: 1 },
};

/** 24 hexadecimal digits. */
export const KEY: Shape = { isValid: isKey, schema: { type: "string", pattern: "^[0-9a-f]{24}$" } };

export const STATE: Shape = { isValid: isState, schema: { enum: STATES } };

/** Milliseconds since 1970 of any calendar day are below this number. */
const TIME_MS_MAX = 8.64e15;

export const TIME_MS: Shape = {
  isValid: (value) => typeof value === "number" && Math.abs(value) <= TIME_MS_MAX,
  schema: { type: "number", minimum: -TIME_MS_MAX, maximum: TIME_MS_MAX },
};

const TIME_TEXT = String.raw`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$`;

export const TIME: Shape = {
  isValid: (value) =>
    typeof value === "string" && new RegExp(TIME_TEXT).test(value) && !Number.isNaN(Date.parse(value)),
  schema: { type: "string", pattern: TIME_TEXT },
};

export const ROLLOUT: Shape = { isValid: isRollout, schema: { type: "number", minimum: 0, maximum: 1 } };

export const OFFSET: Shape = {
  isValid: (value) => isRollout(value) && value < 1,
  schema: { type: "number", minimum: 0, exclusiveMaximum: 1 },
};

/** One of these values. */
export function oneOf(...values: readonly (string | number)[]): Shape {
  return { isValid: (value) => values.some((each) => each === value), schema: { enum: values } };
}

/** A text of at most this many UTF-16 units, perhaps none. */
export function textUpTo(lengthMax: number): Shape {
  return {
    isValid: (value) => typeof value === "string" && value.length <= lengthMax,
    schema: { type: "string", maxLength: lengthMax },
  };
}

export function tuple(...parts: readonly Shape[]): Shape {
  return {
    isValid: (value) =>
      Array.isArray(value) &&
      value.length === parts.length &&
      parts.every(({ isValid }, index) => isValid(value[index])),
    schema: {
      type: "array",
      prefixItems: parts.map(({ schema }) => schema),
      minItems: parts.length,
      maxItems: parts.length,
    },
  };
}

export function list({ isValid, schema }: Shape, lengthMax: number): Shape {
  return {
    isValid: (value) => Array.isArray(value) && value.length <= lengthMax && value.every(isValid),
    schema: { type: "array", items: schema, maxItems: lengthMax },
  };
}

/** Values by names. */
export function named({ isValid, schema }: Shape, entriesMax: number): Shape {
  return {
    isValid: (value) =>
      isObject(value) &&
      Object.keys(value).length <= entriesMax &&
      Object.entries(value).every(([name, each]) => isText(name) && isValid(each)),
    schema: {
      type: "object",
      propertyNames: TEXT.schema,
      additionalProperties: schema,
      maxProperties: entriesMax,
    },
  };
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isState(value: unknown): value is State {
  return STATES.some((state) => state === value);
}

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

export function isText(value: unknown): value is string {
  return typeof value === "string" && value.length <= TEXT_LENGTH_MAX && value !== "";
}

function isRollout(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value <= 1;
}
