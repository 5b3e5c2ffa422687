/**
 * The imports between the files of `src`: the order of the house. Imports of types count, because a reader
 * follows them.
 */

import { expect, test } from "bun:test";
import { dirname, join, relative } from "node:path";

const SRC = join(import.meta.dir, "../src");

/** `import … from "./x.ts"`, `export … from`, `import "./x.ts"`, and `import("./x.ts")`, also of types. */
const STATEMENT =
  /^(?:import|export)\s(?:[^;"]*?\sfrom\s)?"(\.{1,2}\/[^"]+)"|\bimport\("(\.{1,2}\/[^"]+)"\)/gm;

/** They put rooms together. The other files directly in `src` are the core. */
const ENTRIES = ["bin.ts", "library.ts"];

type Graph = ReadonlyMap<string, readonly string[]>;

/** Each file of `src` with the files that it imports; paths are relative to `src`. */
async function importsOf(directory: string): Promise<Graph> {
  const graph = new Map<string, string[]>();
  for (const file of (await Array.fromAsync(new Bun.Glob("**/*.ts").scan(directory))).sort()) {
    const text = await Bun.file(join(directory, file)).text();
    const imported = Array.from(text.matchAll(STATEMENT), ([, named, called]) =>
      relative(directory, join(directory, dirname(file), named ?? called ?? "")),
    );
    graph.set(
      file,
      imported.filter((path) => path.endsWith(".ts") && !path.startsWith("..")),
    );
  }
  return graph;
}

/** For each file that closes a cycle, one way from it back to itself: `a.ts → b.ts → a.ts`. */
function cyclesIn(graph: Graph): string[] {
  const done = new Set<string>();
  const way: string[] = [];
  const cycles: string[] = [];
  const visit = (file: string) => {
    const at = way.indexOf(file);
    if (at >= 0) cycles.push([...way.slice(at), file].join(" → "));
    if (at >= 0 || done.has(file)) return;
    way.push(file);
    for (const next of graph.get(file) ?? []) visit(next);
    way.pop();
    done.add(file);
  };
  for (const file of graph.keys()) visit(file);
  return cycles;
}

/** Pairs of rooms that import each other. A file directly in `src` is in no room. */
function roomsBothWaysIn(graph: Graph): string[] {
  const roomOf = (file: string) => (file.includes("/") ? (file.split("/")[0] as string) : undefined);
  const arrows = new Set<string>();
  for (const [file, imported] of graph) {
    for (const other of imported) {
      const [from, to] = [roomOf(file), roomOf(other)];
      if (from !== undefined && to !== undefined && from !== to) arrows.add(`${from} ${to}`);
    }
  }
  return Array.from(arrows, (arrow) => arrow.split(" ") as [string, string])
    .filter(([from, to]) => from < to && arrows.has(`${to} ${from}`))
    .map((pair) => pair.join(" ↔ "))
    .sort();
}

test("no file of src imports itself through other files", async () => {
  const graph = await importsOf(SRC);
  expect(graph.get("daemon/daemon.ts")).toContain("feed/feed.ts");
  expect(cyclesIn(graph)).toEqual([]);
});

test("no two rooms of src import each other", async () => {
  expect(roomsBothWaysIn(await importsOf(SRC))).toEqual([]);
});

test.each(["client", "files", "text"])(
  "the room %s imports no other room, and nothing of the core",
  async (room) => {
    const graph = await importsOf(SRC);
    const files = [...graph.keys()].filter((file) => file.startsWith(`${room}/`));
    expect(files.length).toBeGreaterThan(0);
    const others = files
      .flatMap((file) => graph.get(file) ?? [])
      .filter((file) => !file.startsWith(`${room}/`));
    expect(others).toEqual([]);
  },
);

test("a file of the core imports no room", async () => {
  const graph = await importsOf(SRC);
  const core = [...graph.keys()].filter((file) => !file.includes("/") && !ENTRIES.includes(file));
  expect(core).toContain("handler.ts");
  expect(core.flatMap((file) => graph.get(file) ?? []).filter((file) => file.includes("/"))).toEqual([]);
});

test("a cycle of any length is found, even one of types", () => {
  const graph = new Map([
    ["a.ts", ["b.ts"]],
    ["b.ts", ["room/c.ts"]],
    ["room/c.ts", ["b.ts"]],
    ["d.ts", ["d.ts"]],
  ]);
  expect(cyclesIn(graph)).toEqual(["b.ts → room/c.ts → b.ts", "d.ts → d.ts"]);
});

test("two rooms that import each other are found", () => {
  const graph = new Map([
    ["one/a.ts", ["two/b.ts"]],
    ["two/c.ts", ["one/d.ts", "three/e.ts"]],
    ["three/e.ts", ["f.ts"]],
    ["f.ts", ["three/e.ts"]],
  ]);
  expect(roomsBothWaysIn(graph)).toEqual(["one ↔ two"]);
});

test("every spelling of an import counts", () => {
  const text = [
    'import { a } from "./a.ts";',
    'import type { B } from "./b.ts";',
    'import {\n  type D,\n  d,\n} from "../d.ts";',
    'export { e } from "./e.ts";',
    'import "./f.ts";',
    '  const g = await import("./g.ts");',
    'type H = import("./h.ts").H;',
    ' * import { no } from "./no.ts";',
  ].join("\n");
  const found = Array.from(text.matchAll(STATEMENT), ([, named, called]) => named ?? called);
  expect(found).toEqual(["./a.ts", "./b.ts", "../d.ts", "./e.ts", "./f.ts", "./g.ts", "./h.ts"]);
});
