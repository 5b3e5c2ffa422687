/**
 * The pages of `docs/protocol` number their requirements, and titles of tests cite the numbers that they
 * prove.
 */

import { expect, test } from "bun:test";

const ROOT = `${import.meta.dir}/..`;

async function textsOf(pattern: string): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for await (const path of new Bun.Glob(pattern).scan(ROOT)) {
    if (!path.endsWith("protocol-pages.test.ts")) texts.set(path, await Bun.file(`${ROOT}/${path}`).text());
  }
  return texts;
}

/** The numbers in the titles of tests: in the arguments of `test(` and `describe(`. */
function cited(text: string): Set<string> {
  const names = [...text.matchAll(/"[^"\n]*"|`[^`]*`/g)].map(([name]) => name);
  return new Set(names.flatMap((name) => name.match(/\b[A-Z]{2,8}-\d+\b/g) ?? []));
}

test("every requirement of a protocol is defined once and cited by the title of a test", async () => {
  const tests = [...(await textsOf("test/**/*.ts")).values()].flatMap((text) => [...cited(text)]);
  const pages = await textsOf("docs/protocol/*.md");
  expect(pages.size).toBeGreaterThanOrEqual(2);
  for (const [page, text] of pages) {
    const defined = [...text.matchAll(/^\*\*([A-Z]+-\d+)\*\*/gm)].map(([, number]) => number as string);
    expect(defined.length, page).toBeGreaterThan(0);
    expect(new Set(defined).size, page).toBe(defined.length);
    expect(
      defined.filter((number) => !tests.includes(number)),
      page,
    ).toEqual([]);
    const kinds = new Set(defined.map((number) => number.split("-")[0]));
    const known = [...pages.values()].flatMap((other) =>
      [...other.matchAll(/^\*\*([A-Z]+-\d+)\*\*/gm)].map(([, number]) => number),
    );
    const unknown = tests.filter(
      (number) => kinds.has(number.split("-")[0] as string) && !known.includes(number),
    );
    expect(unknown, page).toEqual([]);
  }
});
