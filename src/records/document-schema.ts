/**
 * The JSON schema of a document of all records, as a file of rollouts and a web store have it, for editors
 * and other programs. `records/check.ts` and `releases/read-release.ts` check the same.
 */

import { VERSION } from "../circle.ts";
import { NEEDED, POSSIBLE } from "../releases/read-release.ts";
import { RELEASE } from "../releases/release.ts";
import { OFFSET, ROLLOUT, type Shape } from "../releases/shapes.ts";
import { DRAFT, type JsonSchema, SCHEMA_NAME } from "../text/json-schema.ts";
import { HISTORY } from "./history.ts";

/** A release that can be read. Fields that this program does not know stay as they are. */
const RELEASE_SCHEMA: JsonSchema = {
  description: "The release of the version; the commands of releases write it.",
  type: ["object", "null"],
  properties: schemasOf({ ...NEEDED, ...POSSIBLE }),
  required: Object.keys(NEEDED),
};

const RECORD: JsonSchema = {
  type: "object",
  properties: {
    rollout: { description: "The fraction of all visitors.", ...ROLLOUT.schema },
    offset: {
      description: "The first assignment that belongs to the version.",
      ...OFFSET.schema,
      default: 0,
    },
    failsafe: {
      description: "The place of the visitors when the store is lost.",
      enum: ["master", "hold"],
      default: "master",
    },
    [RELEASE]: RELEASE_SCHEMA,
    updatedBy: { description: "The author of the last write." },
    updatedAt: { description: "The time of the last write." },
    why: { description: "The reason of the last write." },
    [HISTORY]: { description: "Earlier states, newest first; the command set keeps them." },
  },
  required: ["rollout"],
};

/** Applications with their versions. */
export const DOCUMENT_SCHEMA: JsonSchema = {
  $schema: DRAFT,
  title: "Rollouts of maxwells-daemon",
  description: "The applications, and the rollout of each version.",
  type: "object",
  properties: { [SCHEMA_NAME]: { description: "The place of this schema, for editors.", type: "string" } },
  additionalProperties: {
    type: "object",
    propertyNames: { pattern: VERSION.source, not: { const: "master" } },
    additionalProperties: { anyOf: [ROLLOUT.schema, RECORD] },
  },
};

function schemasOf(shapes: Readonly<Record<string, Shape>>): JsonSchema {
  return Object.fromEntries(Object.entries(shapes).map(([name, { schema }]) => [name, schema]));
}
