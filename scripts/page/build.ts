/** The files of the page: its code and style, bundled for browsers. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { BunPlugin } from "bun";

/** The modules that are files of their own, and the packages in them. */
const CODE: Readonly<Record<string, readonly string[]>> = {
  "page.ts": [],
  "main.tsx": ["preact", "@preact/signals", "@preact/signals-core"],
  "uplot.ts": ["uplot"],
};

const STYLE = "page.css";
const COPIED = ["page.html", "icon.svg"];

/** Resolves with the number of their bytes, compressed. */
export async function buildPage(root: string): Promise<number> {
  const browser = join(root, "src/page/browser");
  const out = join(root, "dist/page");
  const code = Object.entries(CODE).map(async ([name, packages]) => {
    const text = await bundled(join(browser, name));
    return [scriptOf(name), `${await licencesOf(root, packages)}${text}`] as const;
  });
  const copied = COPIED.map(async (name) => [name, await Bun.file(join(browser, name)).text()] as const);
  const style = [STYLE, await bundled(join(browser, STYLE))] as const;
  mkdirSync(out, { recursive: true });
  let bytes = 0;
  for (const [name, text] of [...(await Promise.all([...code, ...copied])), style]) {
    const compressed = gzipSync(text, { level: 9 });
    bytes += compressed.length;
    // Bun imports files with these names as text, and puts them into the executable.
    await Bun.write(join(out, `${name}.txt`), text);
    await Bun.write(join(out, `${name}.gz.txt`), compressed.toString("base64"));
  }
  return bytes;
}

async function bundled(path: string): Promise<string> {
  const { outputs } = await Bun.build({
    ...{ entrypoints: [path], target: "browser", minify: true, plugins: [APART] },
    define: { "process.env.NODE_ENV": '"production"' },
  });
  const [output] = outputs;
  if (output === undefined) throw new Error(`nothing is built of ${path}`);
  return output.text();
}

/** The browser loads these modules when the code asks for them. Bun's own splitting makes one more file. */
const APART: BunPlugin = {
  name: "apart",
  setup: ({ onResolve }) => {
    onResolve({ filter: /^\.\/(main\.tsx|uplot\.ts)$/ }, ({ path }) => ({
      ...{ path: scriptOf(path), external: true },
    }));
  },
};

function scriptOf(name: string): string {
  return name.replace(/\.tsx?$/, ".js");
}

/** A comment with the licences of these packages. They ask that they stand in each copy. */
async function licencesOf(root: string, packages: readonly string[]): Promise<string> {
  if (packages.length === 0) return "";
  const texts = packages.map(async (name) => {
    const text = await Bun.file(join(root, "node_modules", name, "LICENSE")).text();
    return `${name}\n\n${text.trim().replaceAll("*/", "* /")}\n`;
  });
  return `/*!\n${(await Promise.all(texts)).join("\n")}*/\n`;
}
