/** The picture of the page that the README shows. `npm run picture` makes it. */

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PICTURE, PICTURE_BYTES_MAX, SIZE } from "../../scripts/picture.ts";

const ROOT = join(import.meta.dir, "../..");
const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

test("the README shows the picture of the page, and the picture is small", () => {
  expect(readFileSync(join(ROOT, "README.md"), "utf8")).toContain(`<img src="${PICTURE}"`);
  const picture = readFileSync(join(ROOT, PICTURE));
  expect(picture.subarray(0, SIGNATURE.length).equals(SIGNATURE)).toBeTrue();
  expect([picture.readUInt32BE(16), picture.readUInt32BE(20)]).toEqual([SIZE.width, SIZE.height]);
  expect(picture.length).toBeLessThanOrEqual(PICTURE_BYTES_MAX);
});
