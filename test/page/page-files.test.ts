/** The files of the page, as a daemon serves them. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Served, START_MS } from "./served.ts";

let served: Served;

beforeAll(async () => {
  served = await Served.start();
}, START_MS);

afterAll(() => served.stop());

describe("the files", () => {
  test.each([
    ["/", "text/html; charset=utf-8", '<div id="page">'],
    ["/page.js", "text/javascript; charset=utf-8", "EventSource"],
    ["/main.js", "text/javascript; charset=utf-8", "Asking the daemon"],
    ["/uplot.js", "text/javascript; charset=utf-8", "canvas"],
    ["/page.css", "text/css; charset=utf-8", "prefers-color-scheme"],
    ["/icon.svg", "image/svg+xml", "<svg"],
    ["/favicon.ico", "image/svg+xml", "<svg"],
  ])("%s comes with a policy under which no other code runs", async (path, type, part) => {
    const reply = await fetch(served.at(path));
    expect([reply.status, reply.headers.get("content-type")]).toEqual([200, type]);
    expect(await reply.text()).toContain(part);
    const policy = reply.headers.get("content-security-policy") ?? "";
    expect(policy).toStartWith("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(policy).not.toMatch(/unsafe|\*|data:/);
    expect(reply.headers.get("x-content-type-options")).toBe("nosniff");
  });

  test("come compressed to a client that takes that, with the length of what is sent, and not at all to one that has them", async () => {
    for (const path of ["/", "/page.js", "/main.js", "/uplot.js", "/page.css", "/icon.svg"]) {
      const ask = (encoding: string, more: Readonly<Record<string, string>> = {}, method = "GET") =>
        fetch(served.at(path), {
          ...{ method, decompress: false },
          headers: { "accept-encoding": encoding, ...more },
        });
      const plain = await ask("identity");
      const small = await ask("deflate, gzip;q=0.5");
      const tags = [plain, small].map(({ headers }) => headers.get("etag") ?? "");
      expect(new Set(tags).size).toBe(2);
      for (const reply of [plain, small]) {
        expect(reply.headers.get("vary")).toBe("Accept-Encoding");
        expect(reply.headers.get("cache-control")).toBe("no-cache");
        expect(reply.headers.get("content-security-policy")).toStartWith("default-src 'none'");
      }
      expect([plain, small].map(({ headers }) => headers.get("content-encoding"))).toEqual([null, "gzip"]);
      const bytes = Buffer.from(await small.arrayBuffer());
      expect(Number(small.headers.get("content-length"))).toBe(bytes.length);
      const text = await plain.text();
      expect(Bun.gunzipSync(bytes)).toEqual(Buffer.from(text) as never);
      if (path === "/main.js") expect(bytes.length).toBeLessThan(0.6 * text.length);

      const head = await ask("gzip", {}, "HEAD");
      expect([head.headers.get("content-length"), head.headers.get("content-encoding")]).toEqual([
        ...[String(bytes.length), "gzip"],
      ]);
      expect((await head.arrayBuffer()).byteLength).toBe(0);
      for (const [encoding, tag] of [
        ["identity", tags[0] ?? ""],
        ["gzip", `"other", W/${tags[1]}`],
      ] as const) {
        const same = await ask(encoding, { "if-none-match": tag });
        expect([same.status, same.headers.get("content-length"), await same.text()]).toEqual([304, null, ""]);
      }
      expect((await ask("identity", { "if-none-match": tags[1] ?? "" })).status).toBe(200);
    }
  });

  test("the code names the licences of the packages that it has", async () => {
    const files = await Promise.all(
      ["/main.js", "/uplot.js"].map(async (path) => (await fetch(served.at(path))).text()),
    );
    const code = files.join("");
    for (const name of ["preact", "@preact/signals", "@preact/signals-core", "uplot"]) {
      expect(code).toContain(`\n${name}\n\n`);
    }
    expect(code.match(/Permission is hereby granted/g)).toHaveLength(4);
  });

  test("the pages of before are as they were", async () => {
    expect(await (await fetch(served.at("/healthz"))).text()).toBe("ok\n");
    expect((await fetch(served.at("/state"))).headers.get("content-security-policy")).toBeNull();
    expect((await fetch(served.at("/state"), { method: "POST" })).status).toBe(405);
  });
});
