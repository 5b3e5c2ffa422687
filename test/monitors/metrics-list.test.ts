import { expect, test } from "bun:test";
import { metricsPage } from "../../scripts/metrics-page.ts";
import { DELAY_BOUNDS_US } from "../../src/metrics.ts";
import { METRICS, middleOfBucketMs } from "../../src/monitors/metrics-list.ts";

/** The names that the daemon of 2016 sends. */
const NAMES_OF_2016 = [
  "maxwellsdaemon.handler.failure",
  "maxwellsdaemon.handler.success",
  "maxwellsdaemon.rollout.update.failure",
  "maxwellsdaemon.rollout.update.success",
  "maxwellsdaemon.server.delay",
  "maxwellsdaemon.server.failure",
  "maxwellsdaemon.server.success",
];

test("the table has all names of 2016, and marks no others as such", () => {
  const names = METRICS.flatMap(({ statsd = [] }) =>
    statsd.filter(({ of2016 }) => of2016).map(({ name }) => name),
  );
  expect(names.sort()).toEqual(NAMES_OF_2016);
});

test("names are unique, prefixed, and counters of Prometheus end in _total", () => {
  const names = METRICS.flatMap(({ name, statsd = [] }) => [name, ...statsd.map((each) => each.name)]);
  expect(new Set(names).size).toBe(names.length);
  for (const { name, type, statsd = [], labels } of METRICS) {
    expect(name).toMatch(/^(maxwells_daemon|process)_[a-z_]+$/);
    expect(name.endsWith("_total")).toBe(type === "counter");
    for (const { name: statsdName, tags } of statsd) {
      expect(statsdName).toStartWith("maxwellsdaemon.");
      expect(labels).toEqual(expect.arrayContaining([...tags]));
    }
  }
});

test("the duration that represents a bucket is within the bucket", () => {
  let lower = 0;
  DELAY_BOUNDS_US.forEach((upper, bucket) => {
    expect(middleOfBucketMs(bucket) * 1000).toBeGreaterThan(lower);
    expect(middleOfBucketMs(bucket) * 1000).toBeLessThan(upper);
    lower = upper;
  });
  expect(middleOfBucketMs(DELAY_BOUNDS_US.length) * 1000).toBe(lower);
});

test("the page names every metric, and no metric that does not exist", () => {
  const page = metricsPage();
  const names = METRICS.flatMap(({ name, statsd = [] }) => [name, ...statsd.map((each) => each.name)]);
  for (const name of names) expect(page).toContain(`| \`${name}\` |`);
  for (const [mentioned] of page.matchAll(/\bmaxwells_daemon_[a-z_]+|\bmaxwellsdaemon\.[a-z.]+/g)) {
    expect(names).toContain(mentioned.replace(/_bucket$/, ""));
  }
});
