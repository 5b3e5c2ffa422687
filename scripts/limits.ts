/**
 * Makes `docs/limits.md`, the page of the limits that an operator can meet. It reads the values from the
 * constants; the words are in `limits/rows.ts`. Limits that only a reader of the code needs are in the code
 * alone.
 */

import { join } from "node:path";
import { type LimitRow, SECTIONS, type Unit } from "./limits/rows.ts";

const INTRODUCTION = `# Limits

<!-- Values are read from the constants in src, words from scripts/limits/rows.ts, by \`npm run docs\`; edit those. -->

No client, store or setting can stop the daemon, stall it or make its memory grow: each buffer, queue,
connection and retry has a limit. This page has the limits that an operator can meet. They are constants of
the code, so no setting of the daemon raises them. Settings are in [configuration](configuration.md), and the
terms in [words](words.md).
`;

const HEAD = `| what | limit | beyond it | what to do |
|---|---|---|---|
`;

/** The page, as Markdown. Throws if a row names a constant that does not exist. */
export async function limitsPage(root: string): Promise<string> {
  const sections = SECTIONS.map(async ({ title, note, rows }) => {
    const lines = await Promise.all(rows.map((row) => line(root, row)));
    const before = note === undefined ? "" : `${note}\n\n`;
    return `\n## ${title}\n\n${before}${HEAD}${lines.join("")}`;
  });
  return INTRODUCTION + (await Promise.all(sections)).join("");
}

async function line(root: string, { path, name, unit, what, beyond, remedy }: LimitRow): Promise<string> {
  const value = await constantIn(root, path, name);
  return `| ${what} | ${shown(value, unit)} | ${beyond} | ${remedy} |\n`;
}

/** The value of a constant of the code. Throws if there is none of this name. */
export async function constantIn(root: string, path: string, name: string): Promise<number> {
  const source = await Bun.file(join(root, path)).text();
  const value = new RegExp(`^ *(?:export const|const|static readonly) ${name} = ([\\d_.* ]+);$`, "m").exec(
    source,
  )?.[1];
  if (value === undefined)
    throw new Error(`scripts/limits names ${name} in ${path}, but that constant does not exist`);
  return product(value);
}

/** The product of `4 * 1024 ** 2`. */
function product(text: string): number {
  const factors = text.replaceAll("_", "").split(/(?<!\*)\*(?!\*)/);
  return factors.reduce((all, factor) => {
    const [base = 1, exponent = 1] = factor.split("**").map(Number);
    return all * base ** exponent;
  }, 1);
}

function shown(value: number, unit: Unit): string {
  if (unit === "part") return `${value * 100} %`;
  if (unit === "") return spaced(value);
  const steps = { bytes: BYTES, ms: TIMES }[unit];
  const [size, name] = steps.find(([step]) => value % step === 0) ?? [1, unit];
  return `${spaced(value / size)} ${name}`;
}

const BYTES = [
  [1024 * 1024, "MiB"],
  [1024, "KiB"],
] as const;

const TIMES = [
  [3_600_000, "h"],
  [60_000, "min"],
  [1_000, "s"],
] as const;

/** The number 32768 as `32 768`. */
function spaced(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, " ");
}
