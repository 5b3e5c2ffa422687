/**
 * `npm test -- store redis`: the tests that concern these words. A word concerns a test if it is a part of
 * the test's path, of a path of test code that it imports, or of a path in `src` that it imports itself.
 * Several words narrow the choice.
 */

import type { Modules } from "./modules.ts";

/** A test file to run. */
export interface Chosen {
  readonly file: string;
  /** Selects cases by name, if not all of them are wanted. */
  readonly pattern?: string;
  /** With `pattern`: the names of the proxies whose cases are not wanted. */
  readonly without?: readonly string[];
}

/**
 * A file that imports this one has a block of cases for each proxy, and its title begins with the proxy's
 * name.
 */
const ALL_PROXIES = /\/conformance\/list\.ts$/;

/** A module of a proxy, as the table of all proxies imports it. */
const PROXY = /\/proxies\/([a-z]+)\.ts$/;

/** A proxy's name in the titles of tests. */
const TITLE = /(?:\bname: |\bintegrationOf\()"([^"]+)"/g;

/** Parts of paths that are not useful as words. */
const DULL = new Set(["test", "ts", "js", "src", "support", "index"]);

/** The words in a path. */
export function wordsOfPath(path: string): string[] {
  return path
    .toLowerCase()
    .split(/[/.-]/)
    .filter((word) => word !== "" && !DULL.has(word));
}

/** Whether this word is there, in the singular or the plural. */
function has(words: readonly string[], word: string): boolean {
  const other = word.endsWith("s") ? word.slice(0, -1) : `${word}s`;
  return words.includes(word) || words.includes(other);
}

/** All words that may be given, sorted. */
export function knownWords(modules: Modules, tests: readonly string[]): string[] {
  return [...new Set(tests.flatMap((test) => wordsOf(modules, test)))].sort();
}

/** The tests that concern all of these words. */
export function chosenBy(modules: Modules, tests: readonly string[], words: readonly string[]): Chosen[] {
  return tests
    .filter((test) => words.every((word) => has(wordsOf(modules, test), word)))
    .map((file) => ({ file, ...casesOf(modules, file, words) }));
}

/**
 * A file with a block of cases for each proxy, as one part for each block, and one for all other cases. So
 * the parts of a long file run at the same time. Any other file is one part.
 */
export function partsOf(modules: Modules, chosen: Chosen): Chosen[] {
  const { file } = chosen;
  const reached = modules.testCode(file);
  if (chosen.pattern !== undefined || !reached.some((path) => ALL_PROXIES.test(path))) return [chosen];
  const parts = reached.filter((path) => PROXY.test(path)).flatMap((path) => titlesOf(modules, path));
  return [...parts, `^(?!.*(?:${parts.join("|")}))`].map((pattern) => ({ file, pattern }));
}

/** The line that names the chosen files, and the cases of those that are not run whole. */
export function chosenLine(words: readonly string[], chosen: readonly Chosen[]): string {
  const whole = chosen.filter(({ pattern }) => pattern === undefined).map(({ file }) => file);
  const patterns = [...new Set(chosen.flatMap(({ pattern }) => pattern ?? []))];
  const parts = patterns.map((pattern) => {
    const files = chosen.filter((each) => each.pattern === pattern).map(({ file }) => file);
    return `${files.join(", ")} (only the cases ${pattern.replaceAll("\\", "")})`;
  });
  return `── ${words.join(" ")}, files (${chosen.length}): ${[...whole, ...parts].join(", ")}`;
}

/** Whether this is one of the words that may be given. */
export function isKnown(word: string, known: readonly string[]): boolean {
  return has(known, word);
}

function wordsOf(modules: Modules, test: string): string[] {
  const direct = modules.imports(test).filter((path) => path.startsWith("src/"));
  return [...modules.testCode(test), ...direct].flatMap(wordsOfPath);
}

/** Empty if all cases of the file are wanted. */
function casesOf(
  modules: Modules,
  test: string,
  words: readonly string[],
): Pick<Chosen, "pattern" | "without"> {
  const reached = modules.testCode(test);
  const own = wordsOfPath(test);
  if (!reached.some((path) => ALL_PROXIES.test(path))) return {};
  const proxies = reached.flatMap((path) => {
    const [, name] = PROXY.exec(path) ?? [];
    return name === undefined ? [] : [{ path, name, isWanted: has(words, name) && !own.includes(name) }];
  });
  const titles = proxies.filter(({ isWanted }) => isWanted).flatMap(({ path }) => titlesOf(modules, path));
  if (titles.length === 0) return {};
  return {
    pattern: titles.join("|"),
    without: proxies.filter(({ isWanted }) => !isWanted).map(({ name }) => name),
  };
}

/** Patterns of the titles in a module of proxies. */
function titlesOf(modules: Modules, path: string): string[] {
  return [...modules.text(path).matchAll(TITLE)].map(([, title = ""]) => escaped(title));
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
