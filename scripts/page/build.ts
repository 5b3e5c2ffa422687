/** The files of the page: its code and style, bundled for browsers. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

/** The packages whose code is in the bundle. Their licences ask that they stand in each copy. */
const BUNDLED = ["preact", "@preact/signals", "@preact/signals-core", "uplot"];

/** Resolves with the number of their bytes, compressed. */
export async function buildPage(root: string): Promise<number> {
  const browser = join(root, "src/page/browser");
  const out = join(root, "dist/page");
  const { outputs } = await Bun.build({
    entrypoints: [join(browser, "main.tsx"), join(browser, "style.css")],
    target: "browser",
    minify: true,
    define: { "process.env.NODE_ENV": '"production"' },
  });
  const licences = await licencesOf(root);
  const files = [
    ...outputs.map((output) => [output.path.endsWith(".css") ? "page.css" : "page.js", output] as const),
    ["page.html", Bun.file(join(browser, "page.html"))] as const,
    ["icon.svg", Bun.file(join(browser, "icon.svg"))] as const,
  ];
  mkdirSync(out, { recursive: true });
  let bytes = 0;
  for (const [name, file] of files) {
    const code = await file.text();
    const text = name === "page.js" ? `${licences}${code}` : code;
    const compressed = gzipSync(text, { level: 9 });
    bytes += compressed.length;
    // Bun imports files with these names as text, and puts them into the executable.
    await Bun.write(join(out, `${name}.txt`), text);
    await Bun.write(join(out, `${name}.gz.txt`), compressed.toString("base64"));
  }
  return bytes;
}

/** A comment with the licences of the bundled packages. */
async function licencesOf(root: string): Promise<string> {
  const texts = BUNDLED.map(async (name) => {
    const text = await Bun.file(join(root, "node_modules", name, "LICENSE")).text();
    return `${name}\n\n${text.trim().replaceAll("*/", "* /")}\n`;
  });
  return `/*!\n${(await Promise.all(texts)).join("\n")}*/\n`;
}
