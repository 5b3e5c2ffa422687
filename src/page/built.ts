/**
 * The files of the page, which `npm run build:page` has made. They are parts of the executable. If they are
 * missing, the daemon runs as ever, and the page says how to build it.
 */

export interface Built {
  readonly html: string;
  readonly script: string;
  readonly style: string;
  readonly icon: string;
}

/** @returns undefined if they were not built */
export async function builtPage(): Promise<Built | undefined> {
  try {
    const [html, script, style, icon] = await Promise.all([
      import("../../dist/page/page.html.txt", { with: { type: "text" } }),
      import("../../dist/page/page.js.txt", { with: { type: "text" } }),
      import("../../dist/page/page.css.txt", { with: { type: "text" } }),
      import("../../dist/page/icon.svg.txt", { with: { type: "text" } }),
    ]);
    return { html: html.default, script: script.default, style: style.default, icon: icon.default };
  } catch {
    return undefined;
  }
}
