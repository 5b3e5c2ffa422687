import { expect, test } from "bun:test";
import { Fleet } from "./fleet.ts";

test("a release with steps of seconds goes from its first step to the last one by itself", async () => {
  const fleet = new Fleet();
  const daemon = await fleet.daemon("web-1");
  await fleet.pass(10_000);
  fleet.start("1%:10s,10%:20s,100%:1m");
  await fleet.pass(9_900);
  expect(fleet.short()).toBe("running 1 1%");
  await fleet.pass(2_200);
  expect(fleet.short()).toBe("running 2 10%");
  await fleet.pass(22_100);
  expect(fleet.short()).toBe("promoted 3 100%");
  await daemon.stop();
  expect(daemon.log.entries.map(({ message }) => message)).toEqual([
    "release 8 of website is running, step 1/3",
    "release 8 of website is running, step 2/3",
    "release 8 of website is promoted, step 3/3",
  ]);
  expect(fleet.time.pending).toBe(0);
});
