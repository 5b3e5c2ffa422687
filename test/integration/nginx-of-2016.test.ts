/**
 * The faults of nginx's example of 2016, and their remedies, as `docs/from-2016.md` has them. A site here
 * has only the lines that the fault needs.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DaemonHome, type DaemonProcess } from "../support/daemon-process.ts";
import { HttpClient, type HttpReply } from "../support/http.ts";
import { nginxMissing, startNginx } from "../support/nginx.ts";
import { freePort } from "../support/port.ts";
import { type Seen, startUpstream, type Upstream } from "../support/upstream.ts";

const PAGE = await Bun.file(join(import.meta.dir, "../../docs/from-2016.md")).text();

/** As in 2016: a connection for each request, and 8 ms. A busy machine gets more. */
const PATIENCE_MS = 2_000;

let directory: string;
let home: DaemonHome;
let daemon: DaemonProcess;
let upstreams: readonly Upstream[];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "nginx-of-2016-"));
  home = new DaemonHome({ records: { canary: 0.25 } });
  daemon = await home.start();
  upstreams = ["master", "canary"].map((name) => startUpstream(name, join(directory, `${name}.sock`)));
});

afterAll(async () => {
  await daemon.end("SIGKILL");
  for (const each of upstreams) each.stop();
  home.remove();
  rmSync(directory, { recursive: true });
});

interface Shape {
  /** The directive and its end. */
  readonly block: readonly [begin: string, end: string];
  /** The expression for the visitor's number. */
  readonly header: string;
  /** Whether the hosts are upstreams of this configuration. */
  readonly isKnown: boolean;
}

const OF_2016 = {
  block: ["access_by_lua '", "';"],
  header: 'ngx.req.get_headers()["maxwellsdaemon"]',
  isKnown: false,
} as const;
const MENDED = {
  block: ["access_by_lua_block {", "}"],
  header: "ngx.var.http_maxwellsdaemon",
  isKnown: true,
} as const;

function site(port: number, { block, header, isKnown }: Shape): string {
  const groups = ["master", "canary"].map(
    (name) => `upstream ${name}-cluster.internal { server unix:${join(directory, `${name}.sock`)}; }`,
  );
  return `${isKnown ? groups.join("\n") : ""}
    server {
      listen 127.0.0.1:${port};
      location / {
        set $maxwell "master";
        ${block[0]}
          local sock = ngx.socket.tcp()
          sock:settimeout(${PATIENCE_MS})
          if not sock:connect("unix:${home.socket}") then return end
          sock:send((${header} or "") .. "\\n")
          local number, location = sock:receive("*l"), sock:receive("*l")
          if not location then return end
          ngx.req.set_header("maxwellsdaemon", number)
          ngx.var.maxwell = location
        ${block[1]}
        proxy_pass http://$maxwell-cluster.internal;
      }
    }`;
}

/** The replies of a site of this shape, for visitors with these headers, and its error log. */
async function visit(shape: Shape, visitors: readonly Readonly<Record<string, string>>[]) {
  const port = await freePort();
  const nginx = await startNginx(mkdtempSync(join(directory, "site-")), port, site(port, shape));
  try {
    const replies: HttpReply[] = [];
    for (const headers of visitors) {
      const client = await HttpClient.connect({ host: "127.0.0.1", port });
      replies.push(await client.ask("GET", "/", headers));
      client.close();
    }
    return { replies, log: nginx.errorLog() };
  } finally {
    await nginx.stop();
  }
}

test.skipIf(nginxMissing() !== undefined)(
  "the page's faults are those of nginx, and each remedy mends its own",
  async () => {
    const one = { maxwellsdaemon: "0.1" };
    const twice = { maxwellsdaemon: "0.1", Maxwellsdaemon: "0.1" };
    const quoted = await visit({ ...MENDED, block: OF_2016.block }, [one]);
    expect(quoted.replies.map(({ status }) => status)).toEqual([500]);
    expect(quoted.log).toContain(logOf("always 500"));

    const table = await visit({ ...MENDED, header: OF_2016.header }, [one, twice]);
    expect(table.replies.map(({ status }) => status)).toEqual([200, 500]);

    const unknown = await visit({ ...MENDED, isKnown: false }, [one]);
    expect(unknown.replies.map(({ status }) => status)).toEqual([502]);
    expect(unknown.log).toContain(logOf("502"));

    const mended = await visit(MENDED, [one, { maxwellsdaemon: "0.9" }, {}, twice]);
    expect(mended.replies.map(({ status, body }) => [status, (JSON.parse(body) as Seen).name])).toEqual([
      [200, "canary"],
      [200, "master"],
      [200, expect.stringMatching(/master|canary/)],
      [200, expect.stringMatching(/master|canary/)],
    ]);
    // The fault that stays: the visitor does not get its number.
    for (const { headers } of mended.replies) {
      expect([headers.has("set-cookie"), headers.has("maxwellsdaemon")]).toEqual([false, false]);
    }
    expect(PAGE).toContain(`begin with \`${MENDED.block[0]}\``);
    expect(PAGE).toContain(`read \`${MENDED.header}\``);
  },
  60_000,
);

/** The words of the log in the page's row that has these words. */
function logOf(words: string): string {
  return new RegExp(`${words}; the log says \`([^\`]+)\``).exec(PAGE)?.[1] ?? "the page has no such row";
}
