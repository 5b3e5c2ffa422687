/**
 * The bill of materials in CycloneDX's form. npm writes it, and here it is cut to what the executable holds.
 */

import { writeFileSync } from "node:fs";
import packageJson from "../../package.json" with { type: "json" };
import { PROGRAM } from "../../src/cli/command.ts";
import { runTool } from "./tools.ts";

/** The build puts these into the page for browsers. For npm they are tools of developers. */
const OF_THE_PAGE = ["preact", "@preact/signals", "uplot"];

interface Component {
  readonly "bom-ref": string;
  readonly type: string;
  readonly name: string;
  readonly version: string;
}

interface Bill {
  readonly serialNumber: string;
  readonly metadata: { readonly timestamp: string; readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

/**
 * Writes the bill, and returns its path. The same sources give the same bytes. Throws if the lock file has
 * another Bun than the executable.
 */
export function writeBill(root: string, date: Date, path: string): string {
  const command = ["npm", "sbom", "--sbom-format", "cyclonedx", "--sbom-type", "application"];
  const whole: Bill = JSON.parse(runTool([...command, "--package-lock-only"], { cwd: root }));
  const refs = heldRefs(whole, [...Object.keys(packageJson.dependencies), ...OF_THE_PAGE]);
  const components = whole.components
    .filter((each) => refs.has(each["bom-ref"]))
    .map((each) => (each.name === "bun" ? { ...each, type: "platform" } : each));
  const bun = components.find(({ name }) => name === "bun");
  if (bun?.version !== Bun.version) {
    throw new Error(`the lock file has Bun ${bun?.version}, and this is ${Bun.version}; run npm ci`);
  }
  refs.add(whole.metadata.component["bom-ref"]);
  const dependencies = whole.dependencies
    .filter(({ ref }) => refs.has(ref))
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((each) => refs.has(each)) }));
  // npm takes the name of the directory, the present, and a random number.
  const metadata = {
    ...whole.metadata,
    timestamp: date.toISOString(),
    component: { ...whole.metadata.component, name: PROGRAM },
  };
  const content = { ...whole, metadata, components, dependencies, serialNumber: "" };
  const bill = { ...content, serialNumber: serialNumberOf(JSON.stringify(content)) };
  writeFileSync(path, `${JSON.stringify(bill, null, 2)}\n`);
  return path;
}

/** A UUID made from the bill itself (RFC 9562, version 8). */
function serialNumberOf(text: string): string {
  const digits = new Bun.CryptoHasher("sha256").update(text).digest("hex");
  const [, a, b, c, d, e] = /^(.{8})(.{4}).(.{3}).(.{3})(.{12})/.exec(digits) ?? [];
  return `urn:uuid:${a}-${b}-8${c}-8${d}-${e}`;
}

/** The packages of these names that the program itself needs, and all that they need. */
function heldRefs({ metadata, dependencies }: Bill, names: readonly string[]): Set<string> {
  const needsOf = new Map(dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]));
  const own = needsOf.get(metadata.component["bom-ref"]) ?? [];
  const waiting = names.map((name) => {
    const ref = own.find((each) => each.slice(0, each.lastIndexOf("@")) === name);
    if (ref === undefined) throw new Error(`the lock file lacks ${name}; run npm ci`);
    return ref;
  });
  const held = new Set<string>();
  for (let ref = waiting.pop(); ref !== undefined; ref = waiting.pop()) {
    // Bun's binaries for all platforms. The executable has one, which is the component `bun`.
    if (held.has(ref) || ref.startsWith("@oven/")) continue;
    held.add(ref);
    waiting.push(...(needsOf.get(ref) ?? []));
  }
  return held;
}
