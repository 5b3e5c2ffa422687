/** The promises of the documents: generated pages agree with the code, and links lead to their targets. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { outdatedPages } from "../scripts/docs.ts";
import { onPage, PAGE_NUMBERS } from "../scripts/limits/store-pages.ts";
import { constantIn } from "../scripts/limits.ts";

const ROOT = resolve(import.meta.dir, "..");

/** Paths of a writer's machine. A reader has no repository there. */
const MACHINE_PATHS = [
  `${ROOT}/`,
  /\/(?:work|workspace|root|Users)\/\w/,
  /\/home\/(?!you\b)\w/,
  /\bfile:\/\//,
];

let pages: ReadonlyMap<string, string>;

beforeAll(async () => {
  const found = new Map<string, string>();
  for await (const path of new Bun.Glob("**/*.md").scan(ROOT)) {
    if (!/(^|\/)(node_modules|dist)\//.test(path)) found.set(path, await Bun.file(join(ROOT, path)).text());
  }
  pages = found;
});

test("every generated page agrees with the code; otherwise run npm run docs", async () => {
  expect([...(await outdatedPages(ROOT)).keys()]).toEqual([]);
});

test("every relative link leads to a file, and to a heading in it", () => {
  const broken: string[] = [];
  for (const [page, text] of pages) {
    for (const link of linksOf(text)) {
      const [path = "", anchor] = link.split("#");
      const target = resolve(ROOT, dirname(page), decodeURIComponent(path));
      const file = path === "" ? page : target.slice(ROOT.length + 1);
      if (path !== "" && !existsSync(target)) broken.push(`${page}: ${link}`);
      else if (anchor !== undefined && !anchorsOf(pages.get(file) ?? "").has(anchor)) {
        broken.push(`${page}: ${link} (no such heading)`);
      }
    }
  }
  expect(pages.size).toBeGreaterThan(20);
  expect(broken).toEqual([]);
});

test("no page mentions a path of the machine on which it was written", () => {
  const found: string[] = [];
  for (const [page, text] of pages) {
    for (const line of text.split("\n")) {
      if (MACHINE_PATHS.some((path) => (typeof path === "string" ? line.includes(path) : path.test(line)))) {
        found.push(`${page}: ${line}`);
      }
    }
  }
  expect(found).toEqual([]);
});

test.each(PAGE_NUMBERS)(
  "the page of the store $page has the numbers of the code: $text",
  async ({ page, text, numbers }) => {
    const values = await Promise.all(
      numbers.map(async ([path, name, unit]) => onPage(await constantIn(ROOT, path, name), unit)),
    );
    const parts = text.split("{}");
    expect(parts.length).toBe(values.length + 1);
    const sentence = parts.map((part, at) => `${part}${values[at] ?? ""}`).join("");
    expect((pages.get(`docs/stores/${page}.md`) ?? "").replaceAll(/\s+/g, " ")).toContain(sentence);
  },
);

test("the ways out of maintenance are told where an operator looks: what ends it, and what does not", () => {
  const words = (page: string) => (pages.get(page) ?? "").replaceAll(/\s+/g, " ");
  const operating = words("docs/operating.md");
  // Messages of `set` name this heading.
  expect(anchorsOf(pages.get("docs/operating.md") ?? "")).toContain("maintenance");
  expect(operating).toContain(
    "But an emptied store ends it: a store without the record, such as a file with `{}`, says off.",
  );
  expect(words("README.md")).toContain(
    "Behind HAProxy with a map, or Traefik, that is [not enough](docs/operating.md#maintenance)",
  );
});

test("decisions are numbered without a gap, and the index lists all of them", () => {
  const decisions = [...pages.keys()].filter((path) => path.startsWith("docs/decisions/")).sort();
  const index = linksOf(pages.get("docs/README.md") ?? "");
  expect(decisions.length).toBeGreaterThan(0);
  decisions.forEach((path, position) => {
    expect(path).toStartWith(`docs/decisions/${String(position + 1).padStart(4, "0")}-`);
    expect(index).toContain(path.replace("docs/", ""));
  });
});

describe("in the architecture, the decisions and the guide", () => {
  const isAboutCode = (page: string) => /^(ARCHITECTURE|CONTRIBUTING)\.md$|^docs\/decisions\//.test(page);
  const spans = () =>
    [...pages].flatMap(([page, text]) =>
      isAboutCode(page) ? codeIn(text).map((code) => ({ page, code })) : [],
    );

  test("every file that a page names exists", () => {
    const files = spans().filter(
      ({ code }) => /^[\w./-]+\.(ts|md|json)$/.test(code) && !/NAME|^\.\//.test(code),
    );
    const placesOf = (path: string) =>
      [path, `src/${path}`, `src/servers/${path}`].map((each) => join(ROOT, each));
    expect(files.length).toBeGreaterThan(40);
    expect(files.filter(({ code }) => !placesOf(code).some((place) => existsSync(place)))).toEqual([]);
  });

  test("every name from the code occurs in the code", async () => {
    const sources: string[] = [];
    for await (const path of new Bun.Glob("{src,test}/**/*.ts").scan(ROOT)) {
      if (path !== "test/docs.test.ts") sources.push(await Bun.file(join(ROOT, path)).text());
    }
    const words = new Set(sources.join("\n").match(/#?[A-Za-z_]\w*/g));
    const names = spans().filter(
      ({ code }) =>
        /^#?[A-Za-z_]\w*(\.#?[A-Za-z_]\w*)?$/.test(code) &&
        /[A-Z_#]/.test(code) &&
        !/_REUSEPORT|Limit/.test(code),
    );
    expect(names.length).toBeGreaterThan(40);
    const parts = names.flatMap(({ page, code }) =>
      (code.match(/#?\w+/g) ?? []).map((name) => ({ page, name })),
    );
    expect(parts.filter(({ name }) => !words.has(name))).toEqual([]);
  });
});

describe("npm run docs", () => {
  const copy = mkdtempSync(join(tmpdir(), "docs-"));
  const readme = join(copy, "README.md");
  const metrics = join(copy, "docs/metrics.md");
  const example = "const one = `1`;\n";
  const shown = `before\n\n<!-- examples/one.ts -->\n\`\`\`ts\n${example}\`\`\`\n\nafter\n`;
  const run = (...flags: string[]) =>
    Bun.spawnSync([process.execPath, join(ROOT, "scripts/docs.ts"), ...flags, copy]);

  beforeAll(async () => {
    await Bun.write(join(copy, "examples/one.ts"), example);
    await Bun.write(readme, "before\n\n<!-- examples/one.ts -->\n\nafter\n");
    run();
  });

  afterAll(() => rmSync(copy, { recursive: true }));

  test("--check names the outdated page and the remedy, and changes no file", async () => {
    expect(run("--check").exitCode).toBe(0);
    await Bun.write(metrics, "old\n");
    const check = run("--check");
    expect(check.exitCode).toBe(1);
    expect(check.stderr.toString()).toBe(
      "docs/metrics.md is not what the code says; write it with npm run docs, and commit it\n",
    );
    expect(await Bun.file(metrics).text()).toBe("old\n");
    expect(run().stdout.toString()).toBe("wrote docs/metrics.md\n");
    expect(run("--check").exitCode).toBe(0);
  }, 30_000);

  test("an example goes below its mark, and replaces an older one", async () => {
    expect(await Bun.file(readme).text()).toBe(shown);
    await Bun.write(readme, shown.replace("one = `1`", "one = 2;\n\nconst two"));
    run();
    expect(await Bun.file(readme).text()).toBe(shown);
  });
});

/** The texts that are marked as code within a line. */
function codeIn(text: string): string[] {
  return [...prose(text, false).matchAll(/`([^`\n]+)`/g)].map(([, code]) => code ?? "");
}

/** The targets of links to other pages and files of the repository. */
function linksOf(text: string): string[] {
  const links = [...prose(text).matchAll(/\]\(<?([^)>\s]+)>?[^)]*\)|^\[[^\]]+\]: (\S+)/gm)];
  return links
    .map(([, inline, reference]) => inline ?? reference ?? "")
    .filter((link) => !/^[a-z]+:/.test(link));
}

/** The anchors of headings, as GitHub makes them. */
function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ""] of prose(text, false).matchAll(/^#{1,6} (.+)$/gm)) {
    const words = heading.toLowerCase().replace(/\[([^\]]*)\]\([^)]*\)/g, "$1");
    const anchor = words
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .trim()
      .replaceAll(" ", "-");
    let name = anchor;
    for (let repeat = 1; anchors.has(name); repeat++) name = `${anchor}-${repeat}`;
    anchors.add(name);
  }
  return anchors;
}

/** The text without blocks of code, and without code in lines, because a link in code is not a link. */
function prose(text: string, withoutCode = true): string {
  const outside = text.replace(/^```[^\n]*\n(?:.*\n)*?```$/gm, "");
  return withoutCode ? outside.replace(/`[^`\n]*`/g, "") : outside;
}
