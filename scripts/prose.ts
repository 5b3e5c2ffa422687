/**
 * Checks the prose of the repository: pages, comments, messages and the titles of tests.
 *
 *     bun scripts/prose.ts [PATH …]     all files, or those below the paths; prints FILE:LINE: RULE: SENTENCE
 *
 * A machine cannot judge a sentence. It finds the habits that make one hard to read: a sentence that is too
 * long, a subject without a name, a line that is wider than the formatter allows. CONTRIBUTING.md has the
 * rules for writers.
 */

import { join, relative, resolve } from "node:path";
import { type Piece, piecesOf, sentencesOf } from "./prose/pieces.ts";
import { RULES } from "./prose/rules.ts";

const ROOT = resolve(import.meta.dir, "..");

/** Files with prose. Recorded vectors and decisions of the past are left as they are written. */
const FILES = "**/*.{md,ts,js,lua,conf,cfg,toml,service,socket,yml,yaml,sh,Caddyfile}";
/** The sentences in the test of this script break the rules on purpose. */
const LEFT_OUT = /(^|\/)(node_modules|dist|\.git|vectors)\/|^test\/prose\.test\.ts$/;

export interface Finding {
  readonly file: string;
  readonly line: number;
  readonly rule: string;
  readonly text: string;
}

/** All findings in one file. */
export function findingsIn(file: string, text: string): Finding[] {
  return piecesOf(file, text).flatMap((piece) => findingsOf(file, piece));
}

function findingsOf(file: string, piece: Piece): Finding[] {
  const found: Finding[] = [];
  for (const sentence of sentencesOf(piece)) {
    for (const { name, isBroken } of RULES) {
      if (isBroken(sentence.text, piece))
        found.push({ file, line: sentence.line, rule: name, text: sentence.text });
    }
  }
  for (const line of piece.wideLines) found.push({ file, line, rule: "width", text: "wrap this line" });
  return found;
}

/** The findings in all files below the paths. */
export async function findings(root: string, paths: readonly string[] = []): Promise<Finding[]> {
  const chosen = paths.map((path) => relative(root, resolve(path)));
  const isChosen = (file: string) =>
    chosen.length === 0 || chosen.some((path) => path === "" || file === path || file.startsWith(`${path}/`));
  const files = [...new Bun.Glob(FILES).scanSync({ cwd: root, dot: true })].sort();
  const found: Finding[] = [];
  for (const file of files) {
    if (LEFT_OUT.test(file) || !isChosen(file)) continue;
    found.push(...findingsIn(file, await Bun.file(join(root, file)).text()));
  }
  return found;
}

if (import.meta.main) {
  const found = await findings(ROOT, process.argv.slice(2));
  for (const { file, line, rule, text } of found) console.log(`${file}:${line}: ${rule}: ${text}`);
  console.log(`${found.length} findings`);
  process.exit(found.length === 0 ? 0 : 1);
}
