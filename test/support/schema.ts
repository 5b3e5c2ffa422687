/** The program's JSON schemas, as a validator of another project reads them. */

import { createRequire } from "node:module";
import { parse as parseToml } from "smol-toml";
import { configSchema } from "../../src/cli/commands/schema.ts";
import { COMMANDS } from "../../src/cli/list.ts";
import { DOCUMENT_SCHEMA } from "../../src/records/document-schema.ts";

/** The part of Ajv that is used here. */
interface Ajv {
  compile(schema: object): (value: unknown) => boolean;
  errorsText(errors: unknown): string;
}

const { default: Ajv2020 } = createRequire(import.meta.url)("ajv/dist/2020.js") as {
  default: new (options: object) => Ajv;
};

type Validate = ((value: unknown) => boolean) & { errors?: unknown };

/** Strict: a keyword that the draft does not have is an error. A list of types is not. */
function compiled(schema: object): (value: unknown) => string {
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, strictRequired: false });
  const validate: Validate = ajv.compile(schema);
  return (value) => (validate(value) ? "" : ajv.errorsText(validate.errors));
}

let config: ((value: unknown) => string) | undefined;
let rollouts: ((value: unknown) => string) | undefined;

/** The faults of a configuration file by its schema; empty if there is none. Throws if it is not TOML. */
export function faultsInConfig(toml: string): string {
  config ??= compiled(configSchema(COMMANDS));
  return config(parseToml(toml));
}

/** The same of a file of rollouts. */
export function faultsInRollouts(json: string): string {
  rollouts ??= compiled(DOCUMENT_SCHEMA);
  return rollouts(JSON.parse(json));
}
