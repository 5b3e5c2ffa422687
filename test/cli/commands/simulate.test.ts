import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { Random } from "../../support/random.ts";
import { run, temporaryDirectory } from "../run.ts";

interface Document {
  readonly aborted: number;
  readonly runs: number;
  readonly reached: number;
  readonly medianS: number;
  readonly harms: readonly { readonly factor: number; readonly found: number; readonly medianS: number }[];
}

/** Two hours of a log in the format combined, with 200 requests a minute. */
function logText(): string {
  const random = new Random();
  return Array.from({ length: 24_000 }, (_, index) => {
    const time = new Date(Date.UTC(2026, 10, 28) + index * 300).toISOString();
    const at = `28/Nov/2026:${time.slice(11, 19)} +0000`;
    const status = random.fraction() < 0.02 ? 500 : 200;
    return `192.0.2.${random.whole(1, 254)} - - [${at}] "GET / HTTP/1.1" ${status} 5 "-" "b${index >> 9}"\n`;
  }).join("");
}

describe("simulate", () => {
  test("by a rate keeps its promise, and finds the larger harm sooner", async () => {
    const { status, stdout, stderr } = await run([
      ...["simulate", "5%:30m+ok,25%:30m+ok,100%:1d", "-rate", "3000", "-errors", "0.5%", "-o", "json"],
    ]);
    expect([status, stderr]).toEqual([0, ""]);
    const { aborted, runs, reached, medianS, harms }: Document = JSON.parse(stdout);
    // 5 percent, and three standard errors.
    expect(aborted / runs).toBeLessThan(0.05 + 3 * Math.sqrt((0.05 * 0.95) / runs));
    expect(reached).toBeGreaterThan(0.8 * runs);
    expect(medianS).toBeGreaterThanOrEqual(3_600);
    expect(harms.map(({ factor, found }) => [factor, found])).toEqual([
      [2, 100],
      [5, 100],
      [10, 100],
    ]);
    const [double = Number.NaN, , tenfold = Number.NaN] = harms.map((harm) => harm.medianS);
    expect(tenfold).toBeLessThan(double / 3);
  }, 60_000);

  test("tells people the same, and gives the same answer again", async () => {
    const argv = ["simulate", "1%:10m+ok,50%:10m,100%:1d", "-rate", "300", "-errors", "1%"];
    const { stdout } = await run(argv);
    expect(stdout).toMatch(/^plan {7}1%:10m\+ok,50%:10m,100%:1d\n/);
    expect(stdout).toContain("traffic    300 requests a minute, 10 a visitor, 1% of them errors\n");
    expect(stdout).toMatch(
      /\nA sound canary is aborted in [\d.]+% of all releases\. The promise is at most 5%\.\n/,
    );
    expect(stdout).toMatch(
      /\nThe first step waits for [\d ]+ visitors\. With 25\.5% it would wait for [\d ]+\.\n/,
    );
    expect(stdout).toMatch(/\n10 times {2}100% {6}/);
    expect((await run(argv)).stdout).toBe(stdout);
  }, 60_000);

  test("reads an access log, also a packed one, and passes over other lines", async () => {
    using directory = temporaryDirectory();
    const text = `${logText()}not a request\n`;
    writeFileSync(directory.path("access.log"), text);
    writeFileSync(directory.path("access.log.gz"), gzipSync(text));
    const simulated = async (name: string) =>
      (await run(["simulate", "20%:30m,100%:1d", "-log", directory.path(name)])).stdout;
    const plain = await simulated("access.log");
    expect(plain).toMatch(
      /\ntraffic {4}24 000 requests of [\d ]+ visitors in 1h59m59s, [12](\.\d)?% of them errors; 1 lines were passed over\n/,
    );
    expect(plain).toMatch(/\n10 times {2}100% {6}/);
    expect(await simulated("access.log.gz")).toBe(plain);
  }, 60_000);

  test.each([
    [["default"], "the traffic is not known"],
    [["default", "-rate", "10"], "the traffic is not known"],
    [["default", "-rate", "10", "-errors", "1%", "-log", "x"], "the log says the rate and the errors"],
    [["default", "-rate", "0", "-errors", "1%"], "write the requests a minute"],
    [["default", "-rate", "10", "-errors", "0%"], "write a share above 0% and below 100%"],
    [["nope", "-rate", "10", "-errors", "1%"], "no plan has this name"],
    [["5%:x", "-rate", "10", "-errors", "1%"], "has mistakes"],
  ])("refuses %j", async (argv, message) => {
    const { status, stderr } = await run(["simulate", ...argv]);
    expect(status).toBe(2);
    expect(stderr).toContain(message);
  });

  test("says if a log cannot be read, or has no requests", async () => {
    using directory = temporaryDirectory();
    writeFileSync(directory.path("error.log"), "2026/11/28 [error] no\n2026/11/28 [error] no\n");
    const missing = await run(["simulate", "default", "-log", directory.path("none.log")]);
    expect([missing.status, missing.stderr]).toEqual([1, expect.stringContaining("cannot be read")]);
    const other = await run(["simulate", "default", "-log", directory.path("error.log")]);
    expect([other.status, other.stderr]).toEqual([1, expect.stringContaining("2 lines were passed over")]);
  });
});
