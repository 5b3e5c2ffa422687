/** The packages that `npm run package` makes. A run of all tests makes them once. */

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { PACKAGES, packageAll } from "../../scripts/package.ts";

/** The directory of the packages, and of what they are made of. */
export async function packagesDirectory(): Promise<string> {
  if (process.env["MAXWELLS_TEST_PACKAGES"] === undefined) await packageAll([]);
  return PACKAGES;
}

/** The path of the package with this ending. */
export function packageNamed(directory: string, ending: string): string {
  const name = readdirSync(directory).find((each) => each.endsWith(ending));
  if (name === undefined) throw new Error(`there is no package *${ending}`);
  return join(directory, name);
}
