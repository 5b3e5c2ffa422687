/** Builds the files of the page into dist/page, from which the daemon and the executable take them. */

import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { buildPage } from "./page/build.ts";

const ROOT = resolve(import.meta.dir, "..");

/** All of the page, compressed. It must come quickly over a slow line too. */
const GZIP_BYTES_MAX = 60_000;

if (existsSync(join(ROOT, "node_modules/preact"))) {
  const bytes = await buildPage(ROOT);
  console.log(`dist/page: ${(bytes / 1_000).toFixed(1)} kB compressed`);
  if (bytes > GZIP_BYTES_MAX) {
    console.error(`the page may have ${GZIP_BYTES_MAX} bytes, compressed`);
    process.exitCode = 1;
  }
} else {
  // An installation without the packages for development. The daemon runs, and says that it has no page.
  console.log("dist/page: not built, because the packages for development are not installed");
}
