/** The origin of each change on the page: a release, a person, or unknown. */

import { describe, expect, test } from "bun:test";
import { originText } from "../../src/page/browser/origin.ts";
import type { ChangeNews } from "../../src/page/news.ts";

const SENTENCE = "release 2 of website: step 1/2, canary 0% → 5% for 10m";

function change(version: string, kind: "released" | "bare"): ChangeNews {
  const bare = { application: "website", version, rollout: 0.05, author: "ada@web-1" };
  if (kind === "bare") return bare;
  const release = { ...{ id: 2, key: "0123456789abcdef01234567", seq: 1, of: "v2" }, sentence: SENTENCE };
  return { ...bare, release: { ...release, state: "running", step: 1 } };
}

/** The origins of these changes, newest first. */
function origins(changes: readonly ChangeNews[]): string[] {
  return changes.map((each, index) => originText(each, changes.slice(index + 1), changes));
}

describe("the origin of a change", () => {
  test("is the release that made it, or a person during or after it, or unknown before it", () => {
    const changes = [
      change("canary", "bare"),
      change("canary", "released"),
      change("canary", "bare"),
      change("canary", "released"),
      change("canary", "bare"),
    ];
    const byHand = "by hand, outside a release";
    expect(origins(changes)).toEqual([
      ...[byHand, SENTENCE, byHand, SENTENCE],
      "by hand or by an earlier release",
    ]);
  });

  test("is a person without any release of this version", () => {
    expect(origins([change("canary", "released"), change("beta", "bare")])[1]).toBe(
      "by hand, outside a release",
    );
  });
});
