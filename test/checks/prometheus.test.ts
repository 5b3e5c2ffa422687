/** Queries of a real Prometheus, which scrapes a real server of the test. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Answer } from "../../src/checks/check-kind.ts";
import { evaluate } from "../support/checks.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/port.ts";
import { type Prometheus, prometheusMissing, startPrometheus } from "../support/prometheus.ts";

const METRICS = `error_share{version="canary"} 0.02
error_share{version="master"} 0.001
odd_share NaN
endless_share +Inf
latency_seconds_bucket{le="1"} 5
`;

const missing = prometheusMissing();

describe.skipIf(missing !== undefined)("a query of a real Prometheus", () => {
  const target = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response(METRICS) });
  let prometheus: Prometheus;

  const ask = (query: string, more = ""): Promise<Answer> =>
    evaluate(
      `kind = "prometheus"\nurl = "${prometheus.url}"\nquery = '''${query}'''\ngo = "< 0.01"\nharm = "> 0.05"\n${more}`,
    );

  beforeAll(async () => {
    prometheus = await startPrometheus(`
global: { scrape_interval: 200ms, scrape_timeout: 200ms }
scrape_configs:
  - { job_name: website, static_configs: [{ targets: ["127.0.0.1:${target.port}"] }] }
`);
    await eventually(async () => (await ask("count(error_share) - 2")).kind === "passed", "a scrape", 30_000);
  });

  afterAll(async () => {
    await prometheus?.stop();
    await target.stop(true);
  });

  test("one row is a figure, and the conditions decide", async () => {
    expect(await ask('error_share{version="{{version}}"}')).toEqual({
      kind: "waiting",
      why: "the query gives 0.02, and go is < 0.01",
    });
    expect(await ask('error_share{version="master"}')).toEqual({
      kind: "passed",
      why: "the query gives 0.001, and go is < 0.01",
    });
    expect(await ask('4.05 * error_share{version="canary"}')).toEqual({
      kind: "harm",
      why: "the query gives 0.081, and harm is > 0.05",
    });
  });

  test("a scalar is a figure, also a negative one", async () => {
    expect(await ask('scalar(error_share{version="canary"})')).toMatchObject({ kind: "waiting" });
    expect(await ask("-1e-7")).toMatchObject({ kind: "passed", why: expect.stringContaining("-1e-7") });
  });

  test.each([
    ["no_such_metric", "the query gives no row; look whether Prometheus has this metric"],
    ["error_share", "the query gives 2 rows; make them one, such as by sum(…) or max(…)"],
    ["odd_share", "the query gives NaN: a division by zero, or no traffic"],
    ["endless_share", "the query gives +Inf: a division by zero, or no traffic"],
    ["vector(0) / vector(0)", "the query gives NaN"],
    ["-vector(1) / vector(0)", "the query gives -Inf"],
    ["error_share[1m]", "neither an instant vector nor a scalar"],
    ['"0.001"', "neither an instant vector nor a scalar"],
    ["sum(", "Prometheus refuses the query: "],
    ["error_share * on() error_share", "Prometheus refuses the query: "],
    ['label_replace(up, "a", "b", "c", "*")', "Prometheus refuses the query: "],
  ])("%s is unknown", async (query, why) => {
    const answer = await ask(query);
    expect(answer).toEqual({ kind: "unknown", why: expect.stringContaining(why) });
    expect(answer.why).toMatch(/^[^\p{Cc}]{10,400}$/u);
  });

  test("the words of Prometheus about a bad query reach the operator", async () => {
    expect((await ask("sum(")).why).toBe(
      `${prometheus.url}: Prometheus refuses the query: "bad_data: invalid parameter \\"query\\": 1:5: parse error: unclosed left parenthesis"`,
    );
  });

  test("a wrong path and a wrong server are unknown", async () => {
    const keys = (url: string) => `kind = "prometheus"\nurl = "${url}"\nquery = "vector(0)"\ngo = "< 1"`;
    expect(await evaluate(keys(`${prometheus.url}/other`))).toEqual({
      kind: "unknown",
      why: `${prometheus.url} answers with status 404; check url`,
    });
    // The page of metrics has status 200, and is not JSON.
    expect(await evaluate(keys(`http://127.0.0.1:${target.port}`))).toMatchObject({
      kind: "unknown",
      why: expect.stringContaining("not that of Prometheus's query API"),
    });
  });

  test("a Prometheus behind a path is asked there", async () => {
    const behind = await startPrometheus("global: {}", "/tenant");
    const keys = `kind = "prometheus"\nurl = "${behind.url}/"\nquery = "vector(0)"\ngo = "< 1"`;
    expect(await evaluate(keys)).toMatchObject({ kind: "passed" });
    await behind.stop();
  });

  test("a result with a warning is unknown, because data is missing", async () => {
    const dead = await freePort();
    const partial = await startPrometheus(
      `remote_read: [{ url: "http://127.0.0.1:${dead}/read", read_recent: true }]`,
    );
    const keys = `kind = "prometheus"\nurl = "${partial.url}"\nquery = "sum(error_share) or vector(0)"\ngo = "< 1"`;
    expect(await evaluate(keys)).toEqual({
      kind: "unknown",
      why: expect.stringContaining("Prometheus warns that the result may be incomplete: "),
    });
    await partial.stop();
  });
});

test("a secret in a pipe into which nothing writes is refused at once", async () => {
  const directory = mkdtempSync(join(tmpdir(), "check-pipe-"));
  const pipe = join(directory, "pipe");
  expect(Bun.spawnSync(["mkfifo", pipe]).exitCode).toBe(0);
  const keys = `kind = "webhook"\nurl = "http://127.0.0.1:9"\ntoken = "file:${pipe}"`;
  expect(await evaluate(keys)).toEqual({
    kind: "unknown",
    why: `${pipe} is not a file; write the path of one`,
  });
  rmSync(directory, { recursive: true });
});

test("a certificate of an unknown authority is not trusted", async () => {
  const directory = mkdtempSync(join(tmpdir(), "check-tls-"));
  const [key, certificate] = [join(directory, "key.pem"), join(directory, "certificate.pem")];
  await Bun.$`openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 -keyout ${key} -out ${certificate}`.quiet();
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    tls: { key: Bun.file(key), cert: Bun.file(certificate) },
    fetch: () => new Response('{"status":"success","data":{"resultType":"scalar","result":[1,"0"]}}'),
  });
  const url = `https://127.0.0.1:${server.port}`;
  const answers = [
    await evaluate(`kind = "prometheus"\nurl = "${url}"\nquery = "vector(0)"\ngo = "< 1"`),
    await evaluate(`kind = "webhook"\nurl = "${url}"`),
  ];
  for (const answer of answers) {
    expect(answer).toEqual({
      kind: "unknown",
      why: `${url} does not answer (DEPTH_ZERO_SELF_SIGNED_CERT); check the address, the network and its certificate`,
    });
  }
  await server.stop(true);
  rmSync(directory, { recursive: true });
});
