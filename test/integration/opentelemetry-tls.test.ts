/**
 * Metrics over TLS: the files of OpenTelemetry's variables, and bodies compressed by gzip. The daemon is a
 * process of its own, because the SDK reads these variables from its process.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DaemonHome } from "../support/daemon-process.ts";
import { eventually } from "../support/eventually.ts";

const CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

interface Request {
  readonly encoding: string | null;
  readonly body: ArrayBuffer;
}

describe.skipIf(Bun.which("openssl") === null)("OpenTelemetry over TLS", () => {
  const directory = mkdtempSync(join(tmpdir(), "maxwells-daemon-otlp-tls-"));
  const at = (name: string) => join(directory, name);
  const requests: Request[] = [];
  let url: string;
  let stop: () => Promise<void>;

  beforeAll(async () => {
    await Bun.$`openssl req -x509 ${CURVE} -subj /CN=ca -days 2 -keyout ${at("ca.key")} -out ${at("ca.pem")}`.quiet();
    await Bun.write(at("names"), "subjectAltName=IP:127.0.0.1\n");
    for (const name of ["server", "client"]) {
      await Bun.$`openssl req ${CURVE} -subj /CN=${name} -keyout ${at(`${name}.key`)} -out ${at(`${name}.csr`)}`.quiet();
      await Bun.$`openssl x509 -req -days 2 -in ${at(`${name}.csr`)} -CA ${at("ca.pem")} -CAkey ${at("ca.key")} -CAcreateserial -extfile ${at("names")} -out ${at(`${name}.pem`)}`.quiet();
    }
    const server = Bun.serve({
      ...{ port: 0, hostname: "127.0.0.1" },
      tls: {
        ...{ key: Bun.file(at("server.key")), cert: Bun.file(at("server.pem")), ca: Bun.file(at("ca.pem")) },
        ...{ requestCert: true, rejectUnauthorized: true },
      },
      async fetch(request) {
        requests.push({
          encoding: request.headers.get("content-encoding"),
          body: await request.arrayBuffer(),
        });
        return new Response();
      },
    });
    url = `https://127.0.0.1:${server.port}`;
    stop = () => server.stop(true);
  }, 30_000);

  afterAll(async () => {
    await stop();
    rmSync(directory, { recursive: true, force: true });
  });

  /** Runs a daemon until `isDone`, and resolves with its log. */
  async function run(
    env: Readonly<Record<string, string>>,
    isDone: (log: string) => boolean,
  ): Promise<string> {
    const interval = { OTEL_METRIC_EXPORT_INTERVAL: "500" };
    const home = new DaemonHome({
      records: { canary: 0.25 },
      flags: ["-otlp", url],
      env: { ...interval, ...env },
    });
    const daemon = await home.start();
    try {
      await eventually(() => isDone(daemon.log), "the end of the wait");
      return daemon.log;
    } finally {
      await daemon.end("SIGKILL");
      home.remove();
    }
  }

  test("a collector that wants a certificate gets metrics, compressed if a variable says so", async () => {
    const env = {
      OTEL_EXPORTER_OTLP_COMPRESSION: "gzip",
      OTEL_EXPORTER_OTLP_CERTIFICATE: at("ca.pem"),
      OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: at("client.pem"),
      OTEL_EXPORTER_OTLP_CLIENT_KEY: at("client.key"),
    };
    expect(await run(env, () => requests.length > 0)).not.toContain(" warn ");
    const [{ encoding, body } = { encoding: null, body: new ArrayBuffer() }] = requests;
    expect(encoding).toBe("gzip");
    expect(Buffer.from(Bun.gunzipSync(body)).toString("latin1")).toContain("maxwells_daemon.rollout");
  }, 30_000);

  test("a collector of an unknown authority gets nothing, and the log says why", async () => {
    const before = requests.length;
    const log = await run({}, (soFar) => soFar.includes("metrics do not reach OpenTelemetry"));
    expect(log).toMatch(
      /error=(UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_GET_ISSUER_CERT_LOCALLY)/,
    );
    expect(requests).toHaveLength(before);
  }, 30_000);

  test("without its own certificate the daemon sends nothing to such a collector, and the log says so", async () => {
    const before = requests.length;
    const env = {
      OTEL_EXPORTER_OTLP_CERTIFICATE: at("ca.pem"),
      OTEL_EXPORTER_OTLP_CLIENT_KEY: at("gone.key"),
    };
    const log = await run(env, (soFar) => soFar.includes("metrics do not reach OpenTelemetry"));
    expect(log).toContain("the file of OTEL_EXPORTER_OTLP_CLIENT_KEY cannot be read (ENOENT)");
    expect(requests).toHaveLength(before);
  }, 30_000);
});
