/** A file of the page is compressed for a client that takes that. */

import { expect, test } from "bun:test";
import { takesGzip } from "../../src/page/file.ts";

test.each([
  ["gzip, deflate, br", true],
  ["br;q=1.0, GZIP;q=0.001", true],
  ["x-gzip", true],
  ["*", true],
  ["identity;q=0.5, *;q=0.1", true],
  ["gzip;q=0", false],
  ["gzip; q=0.0, *", false],
  ["*;q=0", false],
  ["gzip;q=none", false],
  ["br, deflate", false],
  ["", false],
  [undefined, false],
])("Accept-Encoding: %p takes gzip: %p", (header, takes) => {
  expect(takesGzip(header)).toBe(takes);
});
