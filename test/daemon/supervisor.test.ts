/** The daemon's messages to systemd, received at a real datagram socket. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { connectSupervisor } from "../../src/daemon/supervisor.ts";
import { DaemonHome, type DaemonProcess } from "../support/daemon-process.ts";
import { eventually } from "../support/eventually.ts";
import { KeptLog } from "../support/logged.ts";
import { hasPython, NotifySocket } from "../support/notify-socket.ts";

/** The time limit of a watchdog in these tests, in microseconds, as in the environment. */
const WATCHDOG_USEC = "600000";

test("without NOTIFY_SOCKET no message is sent, and libc is not called", async () => {
  const log = new KeptLog();
  const supervisor = await connectSupervisor({}, log);
  supervisor.ready("x");
  supervisor.reloading();
  supervisor.stopping();
  expect(log.entries).toEqual([]);
});

test.each(["relative", `/${"x".repeat(200)}`, "/nowhere/notify.sock", "@nobody"])(
  "a socket that does not work costs a line in the log, and no more: %s",
  async (address) => {
    const log = new KeptLog();
    const supervisor = await connectSupervisor({ NOTIFY_SOCKET: address }, log);
    supervisor.ready("x");
    expect(log.entries.map(({ level }) => level)).toEqual(["warn"]);
    expect(log.entries[0]?.fields["socket"]).toBe(address);
  },
);

describe.skipIf(!hasPython)("a supervisor", () => {
  let notify: NotifySocket;
  let home: DaemonHome;
  let daemon: DaemonProcess | undefined;

  beforeEach(async () => {
    notify = await NotifySocket.open();
  });

  afterEach(async () => {
    await daemon?.end("SIGKILL");
    daemon = undefined;
    home?.remove();
    await notify.close();
  });

  async function start(env: Readonly<Record<string, string>> = {}): Promise<DaemonProcess> {
    home = new DaemonHome({ env: { NOTIFY_SOCKET: notify.address, ...env } });
    daemon = await home.start();
    return daemon;
  }

  test("hears when visitors get answers, and when the daemon ends", async () => {
    const started = await start();
    await eventually(() => notify.messages.length > 0, "it hears");
    expect(notify.messages).toEqual(["READY=1\nSTATUS=answers for website"]);
    expect(await home.ask("0.1")).toBe("canary");
    expect(await started.end()).toBe(0);
    await eventually(() => notify.messages.length > 1, "it hears the end");
    expect(notify.messages.slice(1)).toEqual(["STOPPING=1"]);
  });

  test("hears the same at an abstract address", async () => {
    const abstract = await NotifySocket.open({ isAbstract: true });
    try {
      await start({ NOTIFY_SOCKET: abstract.address });
      await eventually(() => abstract.messages.length > 0, "it hears");
      expect(abstract.messages[0]).toStartWith("READY=1\n");
    } finally {
      await abstract.close();
    }
  });

  test("does not hear that a daemon is ready if it cannot start", async () => {
    home = new DaemonHome({ flags: ["-logfile", "/nowhere/log"] });
    const child = Bun.spawn(home.command, {
      env: { ...process.env, NOTIFY_SOCKET: notify.address },
      stderr: "ignore",
    });
    expect(await child.exited).toBe(1);
    expect(notify.messages).toEqual([]);
  });

  test("hears of a reload, with the kernel's time, and of its end", async () => {
    (await start()).signal("SIGHUP");
    await eventually(() => notify.messages.length >= 3, "it hears");
    expect(notify.messages[1]).toMatch(/^RELOADING=1\nMONOTONIC_USEC=\d+$/);
    const lateUsec = (notify.heardUsec[1] ?? 0) - Number(/\d+$/.exec(notify.messages[1] ?? ""));
    expect(lateUsec).toBeGreaterThanOrEqual(0);
    expect(lateUsec).toBeLessThan(1_000_000);
    expect(notify.messages[2]).toStartWith("READY=1\n");
  });

  test("hears twice in the time limit that the process is alive, and nothing while the process hangs", async () => {
    const started = await start({ WATCHDOG_USEC });
    const beats = () => notify.messages.filter((message) => message === "WATCHDOG=1").length;
    await eventually(() => beats() >= 3, "three beats");
    started.signal("SIGSTOP");
    const before = beats();
    await Bun.sleep(1_500);
    expect(beats()).toBeLessThanOrEqual(before + 1);
    started.signal("SIGCONT");
    await eventually(() => beats() > before + 1, "it is alive again");
  });

  test("that watches another process hears no beats of this one", async () => {
    await start({ WATCHDOG_USEC: "20000", WATCHDOG_PID: "1" });
    await Bun.sleep(300);
    expect(notify.messages).toHaveLength(1);
  });
});
