/** Parts of JSON schemas, for editors and other programs: JSON Schema, draft 2020-12. */

/** A JSON schema, or a part of one. */
export type JsonSchema = Readonly<Record<string, unknown>>;

export const DRAFT = "https://json-schema.org/draft/2020-12/schema";

/** Editors take the schema of a document from a text of this name in it. */
export const SCHEMA_NAME = "$schema";

/** A duration as `parseDuration` reads it. */
export const DURATION: JsonSchema = {
  type: "string",
  pattern: String.raw`^(0|((\d+(\.\d*)?|\.\d+)(ns|us|\u00b5s|ms|s|m|h))+)$`,
};

/** Any text. An empty one is never a setting. */
export const TEXT: JsonSchema = { type: "string", minLength: 1 };

/** A whole number, with or without quotes. */
export function wholeNumber(minimum: number, maximum: number): JsonSchema {
  return {
    anyOf: [
      { type: "integer", minimum, maximum },
      { type: "string", pattern: String.raw`^\d+$` },
    ],
  };
}

/** A text, or a list of texts. */
export function textsOf(text: JsonSchema, more: JsonSchema = {}): JsonSchema {
  return { anyOf: [text, { type: "array", items: text, ...more }] };
}
