/**
 * The files of the page, which `npm run build:page` has made. They are parts of the executable. If they are
 * missing, the daemon runs as ever, and the page says how to build it.
 */

import { createHash } from "node:crypto";

/** One file of the page. */
export interface BuiltFile {
  readonly plain: Buffer;
  readonly gzip: Buffer;
  /** Another one for each content. */
  readonly tag: string;
}

export interface Built {
  readonly html: BuiltFile;
  /** The code, in the order in which the browser needs it: the stream, the page, and its charts. */
  readonly entry: BuiltFile;
  readonly main: BuiltFile;
  readonly charts: BuiltFile;
  readonly style: BuiltFile;
  readonly icon: BuiltFile;
}

/** @returns undefined if they were not built */
export async function builtPage(): Promise<Built | undefined> {
  try {
    const [html, entry, main, charts, style, icon] = await Promise.all([
      import("../../dist/page/page.html.txt", { with: { type: "text" } }),
      import("../../dist/page/page.js.txt", { with: { type: "text" } }),
      import("../../dist/page/main.js.txt", { with: { type: "text" } }),
      import("../../dist/page/uplot.js.txt", { with: { type: "text" } }),
      import("../../dist/page/page.css.txt", { with: { type: "text" } }),
      import("../../dist/page/icon.svg.txt", { with: { type: "text" } }),
    ]);
    const [htmlGzip, entryGzip, mainGzip, chartsGzip, styleGzip, iconGzip] = await Promise.all([
      import("../../dist/page/page.html.gz.txt", { with: { type: "text" } }),
      import("../../dist/page/page.js.gz.txt", { with: { type: "text" } }),
      import("../../dist/page/main.js.gz.txt", { with: { type: "text" } }),
      import("../../dist/page/uplot.js.gz.txt", { with: { type: "text" } }),
      import("../../dist/page/page.css.gz.txt", { with: { type: "text" } }),
      import("../../dist/page/icon.svg.gz.txt", { with: { type: "text" } }),
    ]);
    return {
      html: builtFile(html.default, htmlGzip.default),
      entry: builtFile(entry.default, entryGzip.default),
      main: builtFile(main.default, mainGzip.default),
      charts: builtFile(charts.default, chartsGzip.default),
      style: builtFile(style.default, styleGzip.default),
      icon: builtFile(icon.default, iconGzip.default),
    };
  } catch {
    return undefined;
  }
}

/** @param gzip in base64, because a text can be a part of the executable */
function builtFile(text: string, gzip: string): BuiltFile {
  const tag = createHash("sha256").update(text).digest("base64url").slice(0, 22);
  return { plain: Buffer.from(text), gzip: Buffer.from(gzip, "base64"), tag };
}
