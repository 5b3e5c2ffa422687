/**
 * Slack's form, against Slack's own types and the limits of its reference
 * (docs.slack.dev/reference/block-kit). A message has at most 50 blocks, a context 10 elements, and a text
 * 3000 characters.
 */

import { describe, expect, test } from "bun:test";
import type { KnownBlock, MrkdwnElement } from "@slack/types";
import { Problem } from "../../src/config/option.ts";
import type { NoticeMessage } from "../../src/notices/notice.ts";
import { slack, slackMessage } from "../../src/notices/slack.ts";
import { BEGAN_MS } from "../releases/world.ts";
import { ABORTED, noticesOf, WHY } from "./world.ts";

interface Incoming {
  readonly text: string;
  readonly blocks: readonly KnownBlock[];
}

/** The message as it travels. Its type is checked against Slack's before. */
function sent(message: NoticeMessage): Incoming {
  const { text, blocks } = slackMessage(message);
  const [section, context] = blocks;
  const typed: Incoming = { text, blocks: [section, { ...context, elements: [...context.elements] }] };
  const received: Incoming = JSON.parse(slack.request(message, BEGAN_MS, []).body);
  expect(received).toEqual(typed);
  return received;
}

/** All texts that Slack reads as markup; throws if one breaks Slack's schema. */
function textsOf({ text, blocks }: Incoming): string[] {
  expect(blocks.length).toBeLessThanOrEqual(50);
  const elements = blocks.flatMap((block) => {
    if (block.type === "section" && block.text !== undefined) return [block.text];
    if (block.type !== "context") throw new Error(`a block of type ${block.type}`);
    expect(block.elements.length).toBeWithin(1, 11);
    return block.elements;
  });
  const texts = elements.map((element) => {
    expect(element).toMatchObject({ type: "mrkdwn", verbatim: true });
    return (element as MrkdwnElement).text;
  });
  for (const each of [text, ...texts]) expect(each.length).toBeWithin(1, 3_001);
  return [text, ...texts];
}

describe("a notice in Slack's form", () => {
  test("has the whole sentence, the author and the reason, then the software and the time", () => {
    const line = `🔴 release 7 of website aborted at step 3/4: canary 25% → 0% (by web-2: ${WHY})`;
    const date = "<!date^1795956300^{date_short_pretty}, {time_secs}|2026-11-29T12:45:00.000Z>";
    expect(textsOf(sent(ABORTED))).toEqual([line, line, "v42 as canary", date]);
  });

  test.each(noticesOf())("keeps Slack's schema: $type", (notice) => {
    textsOf(sent(notice));
  });

  test("has no brackets without an author and a reason", () => {
    const [text] = textsOf(sent({ ...ABORTED, by: null, why: null, severity: "info" }));
    expect(text).toBe("🔵 release 7 of website aborted at step 3/4: canary 25% → 0%");
    expect(textsOf(sent({ ...ABORTED, by: null, severity: "warning" }))[0]).toStartWith("🟡");
  });

  test.each([
    ["a call to the channel", "<!channel> look"],
    ["a link", "<https://evil.example|v42>"],
    ["entities", "&lt;!here&gt;"],
    ["line feeds", "one\n\ntwo\r\nthree"],
    ["a text without an end", "<&>".repeat(10_000)],
    ["half a character", "\ud83d".repeat(700)],
  ])("takes no orders from a text of a person: %s", (_, why) => {
    const texts = textsOf(sent({ ...ABORTED, why, by: why, of: why, version: why, sentence: why }));
    for (const text of texts.slice(0, 3)) {
      expect(text).not.toMatch(/[<>\r\n]|&(?!(amp|lt|gt);)/);
    }
  });
});

describe("the address of", () => {
  test.each([
    ["an incoming webhook", "https://hooks.slack.com/services/T0/B0/xyz"],
    ["the US government's cloud", "https://hooks.slack-gov.com/services/T0/B0/xyz"],
  ])("%s is known by its host", (_, text) => {
    expect(slack.read(text)).toEqual(new URL(text));
  });

  test("another server with Slack's form is known by slack+", () => {
    expect(slack.read("slack+https://chat.example.com/hooks/abc")).toEqual(
      new URL("https://chat.example.com/hooks/abc"),
    );
    expect(slack.read("slack+http://127.0.0.1:8065/hooks/abc")).toBeInstanceOf(URL);
    expect(slack.read("slack+https://hooks.slack.com/services/T0/B0/x")).toBeInstanceOf(URL);
  });

  test("another receiver is none of Slack's", () => {
    expect(slack.read("https://hooks.example.com/services/x")).toBeUndefined();
    expect(slack.read("https://hooks.slack.com.evil.example/services/x")).toBeUndefined();
  });

  test.each([
    ["a workflow, which takes other messages", "https://hooks.slack.com/triggers/T0/1/x", "/services/"],
    ["plain http, because the address is a secret", "http://hooks.slack.com/services/T0/B0/x", "https"],
    ["no host", "slack+https://", "whole web address"],
    ["no web address", "slack+mailto:a@b", "slack+https://HOST/PATH"],
  ])("%s is a problem", (_, text, remedy) => {
    const problem = slack.read(text);
    expect(problem).toBeInstanceOf(Problem);
    expect((problem as Problem).message).toContain(remedy);
  });
});
