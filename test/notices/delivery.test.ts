/** Deliveries to real receivers that are slow, gone, lying or hostile. */

import { afterEach, describe, expect, test } from "bun:test";
import { Webhook } from "standardwebhooks";
import { Problem } from "../../src/config/option.ts";
import { Metrics } from "../../src/metrics.ts";
import { CALL_MS, RETRY_AFTER_MS_MAX, type Transport } from "../../src/notices/attempt.ts";
import {
  CLOSE_MS,
  Delivery,
  type DeliveryOptions,
  GIVE_UP_MS,
  QUEUE_MAX,
  RETRY_MS,
  RETRY_MS_MAX,
} from "../../src/notices/delivery.ts";
import type { NoticeMessage } from "../../src/notices/notice.ts";
import { notify } from "../../src/notices/options.ts";
import { readSecret } from "../../src/notices/signature.ts";
import { Placements } from "../../src/placement.ts";
import { eventually } from "../support/eventually.ts";
import { KeptLog } from "../support/logged.ts";
import { freePort } from "../support/port.ts";
import { HandTimers } from "./hand-timers.ts";
import { answer, type Behaviour, endlessBody, garbage, halfHead, hang, Receiver, reset } from "./receiver.ts";
import { ABORTED, noticesOf, SECRET } from "./world.ts";

const open: (Receiver | Delivery)[] = [];

afterEach(async () => {
  for (const each of open.splice(0)) await (each instanceof Delivery ? each.close() : each.stop());
});

interface Setup {
  readonly delivery: Delivery;
  readonly timers: HandTimers;
  readonly log: KeptLog;
  readonly counts: Metrics["notices"][number];
  readonly sent: string[];
}

function deliveryTo(address: string, changes: Partial<DeliveryOptions> = {}): Setup {
  const destinations = notify.parse([address]);
  const key = readSecret(SECRET);
  if (destinations instanceof Problem || key instanceof Problem) throw new Error("a wrong setting");
  const [destination] = destinations;
  if (destination === undefined) throw new Error("no destination");
  const [timers, log, sent] = [new HandTimers(), new KeptLog(), [] as string[]];
  const counts = new Metrics(new Placements([])).noticesTo(destination.name);
  const delivery = new Delivery({
    ...{ destination, keys: [key], transport: fetch, timers, log, counts },
    ...{ clock: () => timers.nowMs, now: () => Date.now(), random: () => 0.5 },
    isTold: async () => false,
    sent: ({ id }) => sent.push(id),
    ...changes,
  });
  open.push(delivery);
  return { delivery, timers, log, counts, sent };
}

async function receiverThat(...behaviours: Behaviour[]): Promise<Receiver> {
  const receiver = await new Receiver(...behaviours).start();
  open.push(receiver);
  return receiver;
}

const isPause = (ms: number) => ms <= RETRY_MS_MAX && ms !== CALL_MS;

/** Lets the pause after a failure end. */
const again = (timers: HandTimers) => timers.fire(isPause, "a pause before the next attempt");

const isCall = (ms: number) => ms === CALL_MS;

describe("a receiver that works", () => {
  test("gets each notice once, in its order, with a signature that the library verifies", async () => {
    const receiver = await receiverThat(answer(204, {}, ""));
    const { delivery, counts, sent, log } = deliveryTo(`${receiver.url}/releases?team=a`);
    for (const notice of [...noticesOf(), ...noticesOf()]) delivery.offer(notice);
    await eventually(() => counts.waiting === 0, "all are sent");
    expect(receiver.received.map(({ path }) => path)).toEqual(Array(4).fill("/releases?team=a"));
    const payloads = receiver.received.map(({ body, headers }) => new Webhook(SECRET).verify(body, headers));
    expect(payloads).toMatchObject(noticesOf().map(({ id, type }) => ({ type, data: { id } })));
    expect(receiver.received.map(({ headers }) => headers["webhook-id"])).toEqual(sent);
    expect([counts.sent, counts.failed, log.entries]).toEqual([4, 0, []]);
  });

  test("gets Slack's form without a signature", async () => {
    const receiver = await receiverThat(answer(200));
    const { delivery, sent } = deliveryTo(`slack+${receiver.url}/services/a`);
    delivery.offer(ABORTED);
    await eventually(() => sent.length === 1, "it is sent");
    const [received] = receiver.received;
    expect(JSON.parse(received?.body ?? "")).toMatchObject({
      blocks: [{ type: "section" }, { type: "context" }],
    });
    expect(received?.headers).toMatchObject({ "content-type": "application/json" });
    expect(received?.headers["webhook-signature"]).toBeUndefined();
  });

  test("is called by one attempt at a time", async () => {
    const receiver = await receiverThat(hang);
    const { delivery, counts } = deliveryTo(receiver.url);
    for (const notice of noticesOf()) delivery.offer(notice);
    await eventually(() => receiver.received.length === 1, "the first attempt");
    await Bun.sleep(0);
    expect([receiver.received.length, receiver.open, counts.waiting]).toEqual([1, 1, 4]);
  });

  test("has a body without an end, which is not read", async () => {
    const receiver = await receiverThat(endlessBody);
    const { delivery, sent } = deliveryTo(receiver.url);
    delivery.offer(ABORTED);
    await eventually(() => sent.length === 1, "it is sent");
    await eventually(() => receiver.open === 0, "the connection is closed");
  });
});

describe("a receiver that fails for a while is tried again if it", () => {
  test.each<[string, Behaviour]>([
    ["answers 500", answer(500)],
    ["answers 503", answer(503)],
    ["answers 408", answer(408)],
    ["answers 429", answer(429)],
    ["resets the connection", reset],
    ["answers rubbish", garbage],
  ])("%s", async (_, behaviour) => {
    const receiver = await receiverThat(behaviour, behaviour, answer(200));
    const { delivery, timers, counts, sent, log } = deliveryTo(receiver.url);
    delivery.offer(ABORTED);
    await again(timers);
    await again(timers);
    await eventually(() => sent.length === 1, "it is sent");
    expect([receiver.received.length, counts.sent, counts.failed, counts.waiting]).toEqual([3, 1, 0, 0]);
    const [warning, , news] = log.entries.map(({ level, message }) => `${level} ${message}`);
    expect(warning).toMatch(/^warn webhook 127\.0\.0\.1:\d+ [0-9a-f]{8} takes no notices now/);
    expect(news).toContain("takes notices again");
  });

  test.each<[string, Behaviour]>([
    ["never answers", hang],
    ["answers half a head", halfHead],
  ])("%s", async (_, behaviour) => {
    const receiver = await receiverThat(behaviour, answer(200));
    const { delivery, timers, sent, log } = deliveryTo(receiver.url);
    delivery.offer(ABORTED);
    await eventually(() => receiver.received.length === 1, "an attempt");
    expect(timers.running).toEqual([CALL_MS]);
    await timers.fire(isCall, "the time limit");
    await again(timers);
    await eventually(() => sent.length === 1, "it is sent");
    expect(log.at("warn")[0]?.fields).toMatchObject({ error: "no whole answer within 10 s" });
  });

  test("is gone", async () => {
    const port = await freePort();
    const { delivery, timers, counts, log } = deliveryTo(`http://127.0.0.1:${port}/x`);
    delivery.offer(ABORTED);
    await eventually(() => log.entries.length === 1, "a failure");
    expect(log.at("warn")[0]?.fields).toMatchObject({ error: "ECONNREFUSED", waiting: 1 });
    await again(timers);
    await eventually(() => log.entries.length === 2, "another one");
    expect([counts.waiting, counts.failed]).toEqual([1, 0]);
  });

  test("ignores the end of an attempt, as a broken transport may", async () => {
    const transport: Transport = () => new Promise(() => {});
    const { delivery, timers, log } = deliveryTo("https://h/x", { transport });
    delivery.offer(ABORTED);
    await timers.fire(isCall, "the time limit");
    await again(timers);
    await timers.fire(isCall, "the time limit of the next attempt");
    await eventually(() => log.entries.length === 2, "two failures");
  });
});

describe("the pause after a failure", () => {
  /** The pauses after each of these behaviours. */
  async function pausesAfter(count: number, behaviour: Behaviour, random = 0.5): Promise<number[]> {
    const receiver = await receiverThat(behaviour);
    const { delivery, timers } = deliveryTo(receiver.url, { random: () => random });
    delivery.offer(ABORTED);
    const pauses: number[] = [];
    for (let i = 0; i < count; i++) {
      await timers.fire((ms) => {
        if (ms === CALL_MS) return false;
        pauses.push(ms);
        return true;
      }, "a pause");
      pauses.splice(i + 1);
    }
    return pauses;
  }

  test("grows up to a minute, and is random", async () => {
    const pauses = await pausesAfter(9, answer(500), 0.999_999);
    expect(pauses.map(Math.round)).toEqual([
      ...[1, 2, 4, 8, 16, 32].map((factor) => factor * RETRY_MS),
      ...[RETRY_MS_MAX, RETRY_MS_MAX, RETRY_MS_MAX],
    ]);
    expect(await pausesAfter(2, answer(500), 0)).toEqual([RETRY_MS / 2, RETRY_MS]);
  });

  test.each([
    ["in seconds", "7", 7_000],
    ["that is absurd", "999999999", RETRY_AFTER_MS_MAX],
    ["that is shorter than the own pause", "0", 750],
    ["in words", "soon", 750],
    ["in the past", "Wed, 21 Oct 2015 07:28:00 GMT", 750],
  ])("heeds a Retry-After %s", async (_, after, expected) => {
    expect(await pausesAfter(1, answer(429, { "retry-after": after }))).toEqual([expected]);
  });

  test("heeds a Retry-After with a date", async () => {
    const date = new Date(Date.now() + 120_000).toUTCString();
    const [pause] = await pausesAfter(1, answer(503, { "retry-after": date }));
    expect(pause).toBeWithin(100_000, 120_001);
  });
});

describe("a receiver that refuses for good", () => {
  test.each([
    [301, "name in -notify the address that it leads to"],
    [307, "name in -notify the address that it leads to"],
    [400, "compare the secret"],
    [401, "compare the secret"],
    [404, "correct the address in -notify"],
    [410, "correct the address in -notify"],
    [413, "look at the receiver's log"],
  ])("with %i is not tried again, and the log says what to do", async (status, remedy) => {
    const other = await receiverThat(answer(200));
    const receiver = await receiverThat(answer(status, { location: other.url }));
    const { delivery, timers, counts, sent, log } = deliveryTo(receiver.url);
    delivery.offer(ABORTED);
    await eventually(() => counts.failed === 1, "it is given up");
    expect([counts.waiting, timers.running, sent, other.received]).toEqual([0, [], [], []]);
    expect(log.entries).toMatchObject([
      {
        level: "error",
        message: expect.stringMatching(/^a notice for webhook .* is lost$/),
        fields: {
          ...{ application: "website", version: "canary", error: `status ${status}`, notice: ABORTED.id },
          ...{ sentence: ABORTED.sentence, remedy: expect.stringContaining(remedy) },
        },
      },
    ]);
    delivery.offer(ABORTED);
    expect(counts.waiting).toBe(0);
  });

  test("does not hold up the next notices", async () => {
    const receiver = await receiverThat(answer(400), answer(200));
    const { delivery, counts } = deliveryTo(receiver.url);
    for (const notice of noticesOf()) delivery.offer(notice);
    await eventually(() => counts.sent === 3, "the others are sent");
    expect(counts.failed).toBe(1);
  });

  test("in Slack's form has Slack's remedy", async () => {
    const receiver = await receiverThat(answer(404, {}, "no_service"));
    const { delivery, counts, log } = deliveryTo(`slack+${receiver.url}/services/x`);
    delivery.offer(ABORTED);
    await eventually(() => counts.failed === 1, "it is given up");
    expect(log.at("error")[0]?.fields["remedy"]).toContain("make a new incoming webhook for the channel");
  });
});

describe("while notices wait", () => {
  test("one that the receiver chokes on does not hold up the others", async () => {
    const [poison] = noticesOf();
    const choke: Behaviour = (socket, received) =>
      answer(received.headers["webhook-id"] === poison?.id ? 500 : 200)(socket, received);
    const receiver = await receiverThat(choke);
    const { delivery, timers, counts, sent } = deliveryTo(receiver.url);
    for (const notice of noticesOf()) delivery.offer(notice);
    while (counts.sent < 3) await again(timers);
    expect(sent).toEqual(
      noticesOf()
        .slice(1)
        .map(({ id }) => id),
    );
    expect([counts.waiting, counts.failed]).toEqual([1, 0]);
  });

  test("they are sent in their order after the receiver was away", async () => {
    const receiver = await receiverThat(...Array(6).fill(answer(503)), answer(200));
    const { delivery, timers, counts, sent } = deliveryTo(receiver.url);
    for (const notice of noticesOf()) delivery.offer(notice);
    for (let failures = 0; failures < 6; failures++) await again(timers);
    await eventually(() => counts.waiting === 0, "all are sent");
    // The one that was tried when the receiver came back is the first; the others follow by age.
    const ids = noticesOf().map(({ id }) => id);
    expect(sent.slice(1)).toEqual(ids.filter((id) => id !== sent[0]));
  });

  test("one that another daemon has sent meanwhile is not sent", async () => {
    const told = new Set<string>();
    const receiver = await receiverThat(answer(503), answer(200));
    const isTold = async ({ id }: NoticeMessage) => told.has(id);
    const { delivery, timers, counts, sent } = deliveryTo(receiver.url, { isTold });
    delivery.offer(ABORTED);
    await eventually(() => timers.running.some(isPause), "a failure");
    told.add(ABORTED.id);
    timers.nowMs += 60_000;
    await again(timers);
    await eventually(() => counts.waiting === 0, "it is dropped");
    expect([receiver.received.length, sent, counts.sent, counts.failed]).toEqual([1, [], 0, 0]);
  });

  test("one is given up after a day", async () => {
    const receiver = await receiverThat(answer(503));
    const { delivery, timers, counts, log } = deliveryTo(receiver.url);
    delivery.offer(ABORTED);
    await eventually(() => timers.running.some(isPause), "a failure");
    timers.nowMs += GIVE_UP_MS + 1;
    await again(timers);
    await eventually(() => counts.failed === 1, "it is given up");
    expect([receiver.received.length, counts.waiting]).toEqual([1, 0]);
    expect(log.at("error")[0]?.fields["error"]).toBe("it has taken no notices for a day");
  });

  test("their number is bounded, and the oldest gives way", async () => {
    const receiver = await receiverThat(hang);
    const { delivery, counts, log } = deliveryTo(receiver.url);
    for (let at = 0; at < QUEUE_MAX + 5; at++) delivery.offer({ ...ABORTED, id: `id-${at}` });
    expect([counts.waiting, counts.failed]).toEqual([QUEUE_MAX, 5]);
    // The first one is under way.
    expect(log.at("error").map(({ fields }) => fields["notice"])).toEqual([
      ...["id-1", "id-2", "id-3", "id-4", "id-5"],
    ]);
  });
});

test.each(Array.from({ length: 16 }, (_, depth) => depth))(
  "a notice that is offered %i promises after another one was sent is sent too",
  async (depth) => {
    const [first, second] = noticesOf() as [NoticeMessage, NoticeMessage];
    const ids: string[] = [];
    const transport: Transport = async () => new Response("ok");
    const setup: Setup = deliveryTo("https://h/x", {
      transport,
      async sent({ id }) {
        ids.push(id);
        for (let at = 0; at < depth; at++) await Promise.resolve();
        setup.delivery.offer(second);
      },
    });
    setup.delivery.offer(first);
    await eventually(() => ids.length === 2, "both are sent");
  },
);

describe("closing", () => {
  test("waits for an attempt that ends soon", async () => {
    const receiver = await receiverThat(hang);
    let reply = () => {};
    receiver.behaviours = [
      (socket, received) => {
        reply = () => answer(200)(socket, received);
      },
    ];
    const { delivery, sent, timers } = deliveryTo(receiver.url);
    for (const notice of noticesOf()) delivery.offer(notice);
    await eventually(() => receiver.received.length === 1, "an attempt");
    const closed = delivery.close();
    reply();
    await closed;
    expect([sent.length, receiver.received.length, timers.running]).toEqual([1, 1, []]);
  });

  test("ends an attempt that takes longer, and sends no more", async () => {
    const receiver = await receiverThat(hang);
    const { delivery, timers, sent, counts } = deliveryTo(receiver.url);
    for (const notice of noticesOf()) delivery.offer(notice);
    await eventually(() => receiver.received.length === 1, "an attempt");
    const closed = delivery.close();
    await timers.fire((ms) => ms === CLOSE_MS, "the time limit of closing");
    await closed;
    await eventually(() => receiver.open === 0, "the connection is closed");
    delivery.offer({ ...ABORTED, id: "late" });
    await eventually(() => timers.running.length === 0, "no timer is left");
    expect([receiver.received.length, sent, counts.sent]).toEqual([1, [], 0]);
  });

  test("during a pause ends at once", async () => {
    const receiver = await receiverThat(answer(503));
    const { delivery, timers } = deliveryTo(receiver.url);
    delivery.offer(ABORTED);
    await eventually(() => timers.running.some(isPause), "a failure");
    await delivery.close();
    expect([timers.running, receiver.received.length]).toEqual([[], 1]);
  });
});
