import { expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { Saves } from "../../scripts/test/saves.ts";
import { Project } from "./project.ts";

test("files that were saved, made or removed are told, also those of the time between two waits", async () => {
  using project = new Project({ "src/a.ts": "1", "src/b.ts": "1" });
  const saves = new Saves(project.root);
  project.write("src/a.ts", "2");
  project.write("test/new/c.test.ts", "1");
  rmSync(join(project.root, "src/b.ts"));
  expect(await saves.next()).toEqual(["src/a.ts", "src/b.ts", "test/new/c.test.ts"]);
  const next = saves.next();
  project.write("src/a.ts", "3");
  expect(await next).toEqual(["src/a.ts"]);
});
