import { expect, test } from "bun:test";
import { formatDocument } from "../../../src/stores/shared/document.ts";
import { onlyApplication, withApplication } from "../../../src/stores/shared/document-edit.ts";
import type { Steps } from "../../../src/stores/shared/document-parts.ts";
import { holds } from "../../support/random.ts";

function done<T>(steps: Steps<T>): T {
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  return step.value;
}

function changed(text: string, application: string, records: unknown): string {
  const own = records === undefined ? {} : { [application]: records };
  return done(withApplication(Buffer.from(text), application, own)).toString();
}

const CANARY = { canary: { rollout: 0.5 } };
const INDENTED = '{\n    "canary": {\n      "rollout": 0.5\n    }\n  }';

test.each([
  ["in the middle", '{"a":1, "b" : {"x":0},"c":[]}', `{"a":1, "b" : ${INDENTED},"c":[]}`],
  ["at the end", '{"a":1,"b":{}\n}\n', `{"a":1,"b":${INDENTED}\n}\n`],
  ["alone", '\ufeff {"b":0} ', `\ufeff {"b":${INDENTED}} `],
  ["under an escaped name", '{"\\u0062":0}', `{"\\u0062":${INDENTED}}`],
  ["twice", '{"b":1,"b":2}', `{"b":1,"b":${INDENTED}}`],
  ["not at all", '{ "a": 1 }', `{ "a": 1,\n  "b": ${INDENTED} }`],
  ["in an empty document", " { } ", `{\n  "b": ${INDENTED}\n}\n`],
])("an application that is there %s is replaced, and all other bytes stay", (_, before, after) => {
  expect(changed(before, "b", CANARY)).toBe(after);
  expect(JSON.parse(after.replace("\ufeff", "")).b).toEqual(CANARY);
});

test.each([
  ["in the middle", '{"a":1, "b":{}, "c":2}', '{"a":1, "c":2}'],
  ["at the end", '{"a":1, "b":{}\n}', '{"a":1\n}'],
  ["alone", '{ "b":{} }', "{  }"],
  ["three times", '{"b":1,"a":0,"b":2,"b":3}', '{"a":0}'],
  ["not at all", '{"a":1}', '{"a":1}'],
])("an application that is there %s is removed, and all other bytes stay", (_, before, after) => {
  expect(changed(before, "b", undefined)).toBe(after);
});

test.each(["__proto__", "constructor", "a\nb", '"', "\\", "é", "𝄞", ""])(
  "%j is a name like any other",
  (name) => {
    const before = JSON.stringify({ other: 1 });
    const added = changed(before, name, CANARY);
    expect(Object.entries(JSON.parse(added))).toEqual([
      ["other", 1],
      [name, CANARY],
    ]);
    expect(Object.entries(done(onlyApplication(Buffer.from(added), name)))).toEqual([[name, CANARY]]);
    expect(changed(added, name, undefined)).toBe(before);
  },
);

test("whatever is changed, the document is the one that a parser would have changed", () => {
  holds(300, (random) => {
    const names = ["a", "b", "c", "d e", "7"];
    let document: Record<string, unknown> = {};
    let text = random.pick(["{}", " {\n}\n"]);
    for (let change = 0; change < 12; change++) {
      const name = random.pick(names);
      const records = random.pick([
        undefined,
        {},
        { canary: random.whole(0, 9) },
        { x: [[1, "}"], { y: '"' }] },
      ]);
      text = changed(text, name, records);
      if (records === undefined) delete document[name];
      else document = { ...document, [name]: records };
      expect(JSON.parse(text)).toEqual(document);
      const only = Object.hasOwn(document, name) ? { [name]: document[name] } : {};
      expect(done(onlyApplication(Buffer.from(text), name))).toEqual(only);
    }
  });
});

test("a list of texts and numbers is on one line", () => {
  const document = {
    website: {
      tags: ["a\n", "]", null],
      none: [],
      empty: {},
      arcs: [[1, 0.5, 0], []],
      mixed: [1, { a: [true] }],
    },
  };
  expect(formatDocument(document)).toBe(`{
  "website": {
    "tags": ["a\\n", "]", null],
    "none": [],
    "empty": {},
    "arcs": [
      [1, 0.5, 0],
      []
    ],
    "mixed": [
      1,
      {
        "a": [true]
      }
    ]
  }
}
`);
});

test("values that nest without end are written, and read back equal", () => {
  const deep = JSON.parse(`{"a":${"[".repeat(5_000)}1${"]".repeat(5_000)},"b":{"c":{}}}`) as Record<
    string,
    unknown
  >;
  expect(JSON.stringify(JSON.parse(formatDocument(deep)))).toBe(JSON.stringify(deep));
});

test("a list with undefined in it is the JSON that it always was", () => {
  const document = {
    website: { canary: { rollout: 0.5, odd: [1, undefined, "x"], deep: [[undefined], {}] } },
  };
  expect(JSON.parse(formatDocument(document))).toEqual(JSON.parse(JSON.stringify(document)));
});
