/**
 * A real PgBouncer that pools transactions, on a free port of loopback, for tests. As root it runs as the
 * user `postgres`.
 */

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { chown, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./port.ts";
import { owner, type Postgres } from "./postgres.ts";

const PROGRAM = "/usr/sbin/pgbouncer";
const START_TIMEOUT_MS = 10_000;

export const hasPgbouncer = existsSync(PROGRAM);

export async function startPgbouncer(
  engine: Postgres,
  users: readonly { readonly user: string; readonly password: string }[],
): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const directory = mkdtempSync(join(tmpdir(), "maxwells-daemon-pgbouncer-"));
  const port = await freePort();
  const { uid, gid } = owner();
  const list = users.map(({ user, password }) => `"${user}" "${password}"`).join("\n");
  await writeFile(join(directory, "users"), `${list}\n`);
  await writeFile(
    join(directory, "ini"),
    `[databases]
* = host=127.0.0.1 port=${engine.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${join(directory, "users")}
pool_mode = transaction
default_pool_size = 2
`,
  );
  if (uid !== undefined) {
    for (const name of ["", "users", "ini"]) await chown(join(directory, name), uid, gid ?? 0);
  }
  const child = Bun.spawn([PROGRAM, "-q", join(directory, "ini")], {
    ...owner(),
    cwd: directory,
    env: { PATH: "/usr/bin:/bin" },
    stdin: "ignore",
    stdout: "ignore",
    stderr: Bun.file(join(directory, "log")),
  });
  const stop = async () => {
    child.kill("SIGKILL");
    await child.exited;
    rmSync(directory, { recursive: true });
  };
  const until = performance.now() + START_TIMEOUT_MS;
  while (!(await isListening(port))) {
    if (child.exitCode !== null || performance.now() > until) {
      const log = await Bun.file(join(directory, "log")).text();
      await stop();
      throw new Error(`PgBouncer did not start: ${log}`);
    }
    await Bun.sleep(20);
  }
  return { port, stop };
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
