/** `release` beside real daemons with `-releases on`, on a real Redis: it sees them, and they do the rest. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { DaemonHome, type DaemonProcess } from "../support/daemon-process.ts";
import { eventually } from "../support/eventually.ts";
import { type RedisServer, redisMissing, startRedis } from "../support/redis-server.ts";
import { run } from "./run.ts";

/** The rights of a daemon that only follows, from the page of Redis. */
const FOLLOWER =
  "resetchannels ~maxwells-daemon:* &maxwells-daemon:* &__keyspace@*__:maxwells-daemon:* +eval +hlen +hgetall +subscribe +ping";

const missing = redisMissing("redis-server");

describe.skipIf(missing !== undefined)(
  `release beside daemons${missing === undefined ? "" : `: ${missing}`}`,
  () => {
    let server: RedisServer;
    let store = "";
    const homes: DaemonHome[] = [];
    const daemons: DaemonProcess[] = [];

    beforeAll(async () => {
      server = await startRedis("redis-server");
      store = `redis://127.0.0.1:${server.port}`;
    });

    afterAll(() => server?.stop());

    afterEach(async () => {
      for (const daemon of daemons.splice(0)) await daemon.end("SIGKILL");
      for (const home of homes.splice(0)) home.remove();
    });

    const command = (...argv: string[]) => run([...argv, "-config", "none", "-store", store]);

    async function daemon(application: string, name: string, from = store): Promise<DaemonProcess> {
      const home = new DaemonHome({ application, store: from, flags: ["-releases", "on", "-name", name] });
      homes.push(home);
      const started = await home.start();
      daemons.push(started);
      return started;
    }

    test("names the daemons that lead it, and ends with 0 when they have promoted it", async () => {
      await command("set", "canary", "0%", "-new", "-application", "led");
      await Promise.all([daemon("led", "web-1"), daemon("led", "web-2")]);
      const at = ["-application", "led"];
      const started = await command("release", "canary", "1%:2s,50%:1s,100%:1h", "-of", "v42", ...at);
      expect(started).toMatchObject({ status: 0, stderr: "" });
      expect(started.stdout).toMatch(/\n {2}led by web-1(, web-2)?\n$|\n {2}led by web-2\n$/);
      const [watched, waited] = await Promise.all([
        run(["release", "-watch", "-config", "none", "-store", store, ...at], {}, undefined, {
          onPrint(text, interrupt) {
            if (text.includes("promoted")) interrupt();
          },
        }),
        command("release", "-wait", "-timeout", "30s", ...at),
      ]);
      expect(waited).toEqual({
        status: 0,
        stdout: "release 1 of led promoted: step 3/3, canary 50% → 100% for 1h\n",
        stderr: "",
      });
      expect(watched.status).toBe(130);
      expect(watched.stdout).toMatch(
        /Z release 1 of led promoted: step 3\/3, canary 50% → 100% for 1h, by web-[12]\n/,
      );
      const looked = await command("release", ...at);
      expect(looked.stdout).toMatch(
        /^release 1 \(v42\) promoted, step 3\/3, at 100%; it waits for (?:.*\n){1,3}steps {5}✔ 1% {2}✔ 50% {2}● 100%\n/,
      );
      await eventually(
        async () => (await command("release", ...at)).stdout.includes("led by    web-1, web-2\n"),
        "both",
      );
    }, 60_000);

    test("ends with 8 beside a daemon whose writes the store refuses, and names that daemon", async () => {
      const rights = `${FOLLOWER} ~maxwells-daemon-evidence:* +time +xadd +xrange +xlen +pexpire +memory|usage +info`;
      await server.cli(...`ACL SETUSER follower on >f ${rights}`.split(" "));
      await command("set", "canary", "0%", "-new", "-application", "refused");
      await daemon("refused", "web-4", store.replace("//", "//follower:f@"));
      const at = ["-application", "refused"];
      const { status, stdout, stderr } = await command(
        "release",
        "canary",
        "1%:1h,100%:1d",
        "-of",
        "v42",
        ...at,
      );
      expect(status).toBe(8);
      expect(stdout).toEndWith("  led by no daemon\n");
      expect(stderr).toContain("web-4 has -releases on, but the store refuses its writes\n");
      expect(stderr).toContain("  give the login of web-4 the rights of a controller");
      expect((await command("release", ...at)).stdout).toContain("web-4 has -releases on, but the store");
    }, 60_000);

    test("ends with 8 if no daemon leads it, and says what follows and what to do", async () => {
      await command("set", "canary", "0%", "-new", "-application", "unled");
      const at = ["-application", "unled"];
      const { status, stdout, stderr } = await command("release", "canary", "-of", "v42", ...at);
      expect(status).toBe(8);
      expect(stdout).toEndWith("  led by no daemon\n");
      expect(stderr).toBe(
        [
          "maxwells-daemon: release 1 of unled was written, but no daemon said within 10 s that it leads it: it stays at " +
            "step 1, with canary at 1%, and nothing but a person takes it forward or back",
          "  start a daemon with -releases on: it goes on with the release by itself",
          `  or go on by hand: maxwells-daemon promote -expect-step 1 -application unled -config none -store ${store}`,
          `  or take everyone back: maxwells-daemon abort -application unled -config none -store ${store}`,
          "  to start a release that no daemon leads, add -unattended",
          "",
        ].join("\n"),
      );
      // It was written all the same, and a daemon that comes later leads it.
      await daemon("unled", "web-3");
      await eventually(
        async () => (await command("release", ...at)).stdout.includes("led by    web-3\n"),
        "web-3",
      );
    }, 60_000);
  },
);
