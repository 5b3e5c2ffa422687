/** A small repository in a temporary directory, for tests of what is chosen from a repository. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Modules } from "../../scripts/test/modules.ts";

export class Project {
  readonly root = mkdtempSync(join(tmpdir(), "project-"));

  /** @param files texts by path */
  constructor(files: Readonly<Record<string, string>>) {
    for (const [path, text] of Object.entries(files)) this.write(path, text);
  }

  /** The modules that the files hold now. */
  get modules(): Modules {
    return new Modules(this.root);
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), text);
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true });
  }
}
