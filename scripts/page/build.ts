/** The files of the page: its code and style, bundled for browsers. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";

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
  const files = [
    ...outputs.map((output) => [output.path.endsWith(".css") ? "page.css" : "page.js", output] as const),
    ["page.html", Bun.file(join(browser, "page.html"))] as const,
    ["icon.svg", Bun.file(join(browser, "icon.svg"))] as const,
  ];
  mkdirSync(out, { recursive: true });
  let bytes = 0;
  for (const [name, file] of files) {
    const text = await file.text();
    bytes += Bun.gzipSync(text).length;
    // Bun imports a file with this name as text, and puts it into the executable.
    await Bun.write(join(out, `${name}.txt`), text);
  }
  return bytes;
}
