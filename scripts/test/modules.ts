/**
 * The imports of all modules, read from the sources. Every choice of tests uses them, so no list of files has
 * to be kept by hand.
 */

import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";

const TESTS = new Bun.Glob("test/**/*.test.ts");

/** The modules of a repository as they are now. Paths are relative to its root, with `/`. */
export class Modules {
  readonly #root: string;
  readonly #transpiler = new Bun.Transpiler({ loader: "ts" });
  readonly #imports = new Map<string, readonly string[]>();
  readonly #texts = new Map<string, string>();
  readonly #reached = new Map<string, ReadonlySet<string>>();

  constructor(root: string) {
    this.#root = root;
  }

  /** All test files, sorted. */
  tests(): string[] {
    return [...TESTS.scanSync(this.#root)].sort();
  }

  text(path: string): string {
    const known = this.#texts.get(path);
    if (known !== undefined) return known;
    const text = readFileSync(join(this.#root, path), "utf8");
    this.#texts.set(path, text);
    return text;
  }

  /** The repository's own files that this one imports for more than their types. */
  imports(path: string): readonly string[] {
    const known = this.#imports.get(path);
    if (known !== undefined) return known;
    const found = /\.[cm]?[jt]s$/.test(path) ? this.#scan(path) : [];
    this.#imports.set(path, found);
    return found;
  }

  /** The file itself, and everything that it imports, directly or through others. */
  reached(path: string): ReadonlySet<string> {
    const known = this.#reached.get(path);
    if (known !== undefined) return known;
    const reached = new Set<string>();
    const left = [path];
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      if (reached.has(next)) continue;
      reached.add(next);
      left.push(...this.imports(next));
    }
    this.#reached.set(path, reached);
    return reached;
  }

  /** The test code that a test runs: its own file, and the files of `test` that it imports. */
  testCode(path: string): string[] {
    return [...this.reached(path)].filter((each) => each.startsWith("test/"));
  }

  #scan(path: string): string[] {
    let imports: { path: string }[];
    try {
      imports = this.#transpiler.scanImports(this.text(path));
    } catch {
      // The file is half written. Its own test will fail.
      return [];
    }
    return imports
      .map((each) => each.path)
      .filter((to) => to.startsWith("."))
      .map((to) => relative(this.#root, join(this.#root, dirname(path), to)))
      .filter((to) => isFile(join(this.#root, to)));
  }
}

function isFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile();
}
