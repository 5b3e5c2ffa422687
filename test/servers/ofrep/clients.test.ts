/**
 * The clients that the OpenFeature project maintains, against a real daemon: each gets, for many visitors,
 * the answer of the line protocol and of `/decide`.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { OFREPProvider } from "@openfeature/ofrep-provider";
import { OFREPWebProvider } from "@openfeature/ofrep-web-provider";
import { OpenFeature } from "@openfeature/server-sdk";
import { type Provider, ProviderEvents, OpenFeature as WebOpenFeature } from "@openfeature/web-sdk";
import { EventSource } from "eventsource";
import { DaemonHome, type DaemonProcess } from "../../support/daemon-process.ts";
import { eventually } from "../../support/eventually.ts";
import { HttpClient } from "../../support/http.ts";
import { LineClient } from "../../support/line.ts";
import { freePort } from "../../support/port.ts";

const VISITORS = 300;

const RECORDS = { canary: 0.3, blue: { rollout: 0.2, offset: 0.5 } };

/** Keys that a client must not spoil on their way. */
const KEYS = ["user@example.com", "é", "日本語", "a b=c%41", 'a"b\\c', "0.42", "\u{1f600}", "a\nb"];
for (let i = KEYS.length; i < VISITORS; i++) KEYS.push(`user-${i}`);

let home: DaemonHome;
let daemon: DaemonProcess;
let port: number;
/** The locations of the visitors over the line protocol, by key. */
const expected = new Map<string, string>();

beforeAll(async () => {
  port = await freePort();
  home = new DaemonHome({ records: RECORDS, flags: ["-http", `127.0.0.1:${port}`] });
  daemon = await home.start();
  const line = await LineClient.connect({ path: home.socket });
  for (const key of KEYS) expected.set(key, (await line.ask(` key=${encodeURIComponent(key)}`)).location);
  line.socket.destroy();
  expect(new Set(expected.values())).toEqual(new Set(["master", "canary", "blue"]));
});

afterAll(async () => {
  await daemon.end();
  home.remove();
});

test("OFR-5: the line protocol and /decide agree about the keys", async () => {
  const http = await HttpClient.connect({ host: "127.0.0.1", port });
  for (const key of KEYS.filter((each) => !each.includes("\n"))) {
    const { headers } = await http.ask("GET", "/decide", { "maxwellsdaemon-key": key });
    expect([key, headers.get("maxwellsdaemon-location")]).toEqual([key, expected.get(key)]);
  }
  http.close();
});

describe("the SDK for servers in JavaScript", () => {
  const client = OpenFeature.getClient();

  beforeAll(async () => {
    await OpenFeature.setProviderAndWait(new OFREPProvider({ baseUrl: `http://127.0.0.1:${port}` }));
  });

  afterAll(() => OpenFeature.close());

  test("OFR-1, OFR-5: every visitor has the same location, and is in that version", async () => {
    for (const targetingKey of KEYS) {
      const location = await client.getStringValue("website", "none", { targetingKey });
      expect([targetingKey, location]).toEqual([targetingKey, expected.get(targetingKey) ?? "unasked"]);
      const isCanary = await client.getBooleanValue("website.canary", location !== "canary", {
        targetingKey,
      });
      expect([targetingKey, isCanary]).toEqual([targetingKey, location === "canary"]);
    }
  });

  test("OFR-6: the visitor's cookie in the context counts before the key", async () => {
    const at = (maxwellsdaemon: string) =>
      client.getStringValue("website", "none", { targetingKey: "user-1", maxwellsdaemon });
    expect([await at("0.1"), await at("0.4"), await at("0.6")]).toEqual(["canary", "master", "blue"]);
  });

  test("OFR-3: the details have variant, reason and metadata", async () => {
    const details = await client.getStringDetails("website", "none", { maxwellsdaemon: "0.1" });
    expect(details).toMatchObject({
      ...{ value: "canary", variant: "canary", reason: "SPLIT" },
      flagMetadata: { application: "website", assignment: 0.1, reason: "rollout" },
    });
    expect(details.errorCode).toBeUndefined();
  });

  test("OFR-8: an error gives the default value, and its code", async () => {
    expect(await client.getStringDetails("nope", "master", { targetingKey: "a" })).toMatchObject({
      ...{ value: "master", errorCode: "FLAG_NOT_FOUND" },
    });
    expect(await client.getStringDetails("website", "master", {})).toMatchObject({
      ...{ value: "master", errorCode: "TARGETING_KEY_MISSING" },
    });
    expect(await client.getStringDetails("website", "master", { maxwellsdaemon: true })).toMatchObject({
      ...{ value: "master", errorCode: "INVALID_CONTEXT" },
    });
    expect(await client.getBooleanDetails("website", false, { targetingKey: "a" })).toMatchObject({
      ...{ value: false, errorCode: "TYPE_MISMATCH" },
    });
  });
});

describe("the SDK for browsers in JavaScript", () => {
  const client = WebOpenFeature.getClient();

  beforeAll(async () => {
    Object.assign(globalThis, { EventSource });
    await WebOpenFeature.setContext({ targetingKey: "user-1" });
    const options = { baseUrl: `http://127.0.0.1:${port}`, cacheMode: "disabled" } as const;
    // Its type is made for projects with less strict settings.
    const provider: unknown = new OFREPWebProvider(options);
    await WebOpenFeature.setProviderAndWait(provider as Provider);
  });

  afterAll(async () => {
    await WebOpenFeature.close();
    Reflect.deleteProperty(globalThis, "EventSource");
  });

  test("OFR-10, OFR-5: every visitor has the same location, and is in that version", async () => {
    for (const targetingKey of KEYS) {
      await WebOpenFeature.setContext({ targetingKey });
      const location = client.getStringValue("website", "none");
      expect([targetingKey, location]).toEqual([targetingKey, expected.get(targetingKey) ?? "unasked"]);
      for (const version of ["canary", "blue"]) {
        const isThere = client.getBooleanValue(`website.${version}`, location !== version);
        expect([targetingKey, isThere]).toEqual([targetingKey, location === version]);
      }
    }
  });

  test("OFR-13, OFR-14: the client hears of a change, asks again, and has the new location", async () => {
    await WebOpenFeature.setContext({ maxwellsdaemon: 0.45 });
    expect(client.getStringValue("website", "none")).toBe("master");
    const changed: string[] = [];
    client.addHandler(ProviderEvents.ConfigurationChanged, (details) => {
      changed.push(...((details?.["flagsChanged"] as string[] | undefined) ?? []));
    });
    home.write({ canary: 0.5, blue: { rollout: 0.2, offset: 0.5 } });
    await eventually(() => client.getStringValue("website", "none") === "canary", "the change arrives");
    expect(changed).toEqual(["website", "website.canary", "website.blue"]);
    home.write({ canary: 0 });
    await eventually(() => client.getStringValue("website", "none") === "master", "the abort arrives");
    home.write(RECORDS);
    await daemon.follows("canary", 0.3);
  });

  test("OFR-14: a client whose daemon restarts hears of changes again", async () => {
    await WebOpenFeature.setContext({ maxwellsdaemon: 0.45 });
    await daemon.end("SIGKILL");
    home.write({ canary: 0.5 });
    expect(client.getStringValue("website", "none")).toBe("master");
    daemon = await home.start();
    await eventually(
      () => client.getStringValue("website", "none") === "canary",
      "the change arrives",
      20_000,
    );
    home.write(RECORDS);
    await eventually(() => client.getStringValue("website", "none") === "master", "the next change arrives");
  }, 40_000);

  test("OFR-8: without a visitor the client reports an error", async () => {
    const errors: string[] = [];
    client.addHandler(ProviderEvents.Error, (details) => errors.push(details?.message ?? ""));
    await WebOpenFeature.setContext({});
    await eventually(() => errors.length > 0, "the client reports the error");
    expect(errors.join()).toContain("status: 400");
  });
});
