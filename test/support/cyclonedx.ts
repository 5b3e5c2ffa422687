/** CycloneDX's own schema for bills of materials, which a package of PyPI brings. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { PYPI } from "../../scripts/test/needs.ts";

const SCHEMAS = join(PYPI, "cyclonedx/schema/_res");

/** The part of Ajv that is used here. */
interface Ajv {
  addSchema(schema: object): Ajv;
  compile(schema: object): ((value: unknown) => boolean) & { errors?: unknown };
  errorsText(errors: unknown): string;
}

const { default: Ajv07 } = createRequire(import.meta.url)("ajv") as { default: new (options: object) => Ajv };

/** The faults of a bill; empty if there is none. */
export function faultsInBill(bill: { readonly specVersion: string }): string {
  const read = (name: string) => JSON.parse(readFileSync(join(SCHEMAS, name), "utf8"));
  // Formats need another package. Words that only editors use are unknown to Ajv.
  const ajv = new Ajv07({ strict: false, validateFormats: false });
  for (const name of ["spdx.SNAPSHOT.schema.json", "jsf-0.82.SNAPSHOT.schema.json"]) {
    // The bill's schema names the other ones by their files beside it.
    ajv.addSchema({ ...read(name), $id: `http://cyclonedx.org/schema/${name}` });
  }
  const validate = ajv.compile(read(`bom-${bill.specVersion}.SNAPSHOT.schema.json`));
  return validate(bill) ? "" : ajv.errorsText(validate.errors);
}
