/** Prints the JSON schema of a file that people write: for editors, and for tests of a deployment. */

import { optionSchema } from "../../config/option-schema.ts";
import { DOCUMENT_SCHEMA } from "../../records/document-schema.ts";
import { DRAFT, type JsonSchema } from "../../text/json-schema.ts";
import { type Command, knownOptions, knownTables, PROGRAM, type Program, wordsOf } from "../command.ts";
import { EXITS } from "../exit.ts";

export const schema: Command = {
  name: "schema",
  summary: "print the JSON schema of the configuration file, or of a file of rollouts",
  description:
    "The form is JSON Schema, draft 2020-12. Editors check TOML files by such a schema, too. The daemon has more rules\n" +
    "than a schema can say: check shows the mistakes in a configuration file, and get those in a file of rollouts.",
  positionals: [{ name: "config|rollouts", summary: "the file", required: true }],
  options: [],
  examples: [
    {
      line: "schema config > config.schema.json",
      meaning: "for a file that begins with #:schema ./config.schema.json",
    },
    {
      line: "schema rollouts",
      meaning: "for the store file:PATH, and for a web store; the file may name it in $schema",
    },
  ],

  async run({ positionals: [file], io, program }) {
    const found = file === "config" ? configSchema(program) : DOCUMENT_SCHEMA;
    io.stdout.write(`${JSON.stringify(found, null, 2)}\n`);
    return EXITS.ok.status;
  },
};

/** All settings of the daemon and of all commands, because the machine has one file for them. */
export function configSchema(program: Program): JsonSchema {
  const options = knownOptions(program).filter(({ flagOnly, name }) => !flagOnly && name !== "config");
  const values = options.map((option) => [option.name, optionSchema(option, wordsOf(option.placeholder))]);
  const tables = knownTables(program).map(({ name, summary, schema: own }) => [
    name,
    { description: summary, ...own },
  ]);
  return {
    $schema: DRAFT,
    title: `The configuration file of ${PROGRAM}`,
    type: "object",
    properties: Object.fromEntries([...values, ...tables]),
    additionalProperties: false,
  };
}
