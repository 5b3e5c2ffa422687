import { describe, expect, test } from "bun:test";
import { emptyRequest } from "../../../src/handler.ts";
import { Cursor } from "../../../src/servers/spop/cursor.ts";
import { emptyFrameHead, LENGTH_BYTES, readFrameHead } from "../../../src/servers/spop/frame.ts";
import { emptyQuestion, readMessages, writeActions } from "../../../src/servers/spop/notify.ts";
import { createCore } from "../../support/core.ts";
import { data, message, type Pairs } from "../../support/spop.ts";

function read(payload: Uint8Array, allowsForce = true) {
  const cursor = new Cursor();
  cursor.move(payload, 0, payload.length);
  const request = emptyRequest();
  const question = emptyQuestion();
  readMessages(cursor, request, question, allowsForce);
  return { cursor, request, question };
}

/** NOTIFYs that HAProxy 2.6.12 sent with the shipped configuration, and the values in them. */
const RECORDED = [
  {
    what: "a cookie",
    notify:
      "0000002d0300000001000106646563696465030a61737369676e6d656e740803302e3105666f7263650005666f72636500",
    assignment: 0.1,
    force: undefined,
  },
  {
    what: "a new visitor",
    notify: "000000290300000001020106646563696465030a61737369676e6d656e740005666f7263650005666f72636500",
    assignment: Number.NaN,
    force: undefined,
  },
  {
    what: "a forcing header and cookie",
    notify:
      "0000003a0300000001030106646563696465030a61737369676e6d656e740803302e3705666f72636508056e6576657205666f7263650806616c" +
      "77617973",
    assignment: 0.7,
    force: "never",
  },
] as const;

describe("decide", () => {
  test.each(RECORDED)("is read as HAProxy sends it for $what", ({ notify, assignment, force }) => {
    const bytes = Buffer.from(notify, "hex");
    const cursor = new Cursor();
    cursor.move(bytes, LENGTH_BYTES, bytes.length);
    const head = emptyFrameHead();
    readFrameHead(cursor, head);
    const { request, question } = read(bytes.subarray(head.idsEnd));
    expect(head.isWhole).toBe(true);
    expect(question.isAsked).toBe(true);
    expect(request).toEqual({ ...emptyRequest(), assignment, force });
  });

  const CASES: readonly (readonly [what: string, values: Pairs, expected: object])[] = [
    [
      "all arguments",
      [
        ["key", "k"],
        ["application", "é"],
        ["force", "canary"],
        ["assignment", "0.5"],
      ],
      { assignment: 0.5, application: "é", key: "k", force: "canary" },
    ],
    ["nothing", [], {}],
    [
      "NULLs",
      [
        ["assignment", null],
        ["application", null],
        ["key", null],
        ["force", null],
      ],
      {},
    ],
    [
      "empty strings",
      [
        ["assignment", ""],
        ["application", ""],
        ["key", ""],
        ["force", ""],
      ],
      {},
    ],
    ["a binary", [["assignment", Buffer.from("0903302e35", "hex")]], { assignment: 0.5 }],
    [
      "two of a name",
      [
        ["assignment", null],
        ["assignment", "0.25"],
        ["assignment", "0.75"],
        ["key", "a"],
        ["key", "b"],
      ],
      { assignment: 0.25, key: "a" },
    ],
    [
      "others of every type",
      [
        ["Assignment", "0.1"],
        ["assignments", "0.1"],
        ["", true],
        ["x", Buffer.from("067f000001", "hex")],
        ["assignment", "0.5"],
      ],
      { assignment: 0.5 },
    ],
    ["no number", [["assignment", "x"]], { valid: false }],
    ["a number beyond", [["assignment", "1"]], { valid: false }],
    ["an integer", [["assignment", 0]], { valid: false }],
    [
      "an address as key",
      [
        ["assignment", "0.5"],
        ["key", Buffer.from("067f000001", "hex")],
      ],
      { assignment: 0.5, valid: false },
    ],
    ["a boolean as application", [["application", true]], { valid: false }],
  ];
  test.each(CASES)("SPOP-2, SPOP-4, SPOP-5: with %s", (_, values, expected) => {
    const { cursor, request } = read(message("decide", values));
    expect(cursor.isBroken).toBe(false);
    expect(request).toEqual({ ...emptyRequest(), ...expected });
  });

  test("has no force if the operator does not allow it", () => {
    expect(read(message("decide", [["force", "canary"]]), false).request.force).toBeUndefined();
  });

  test("SPOP-5: decide is found between other messages, and the first one counts", () => {
    const payload = Buffer.concat([
      message("decided", [["assignment", "0.1"]]),
      message("decide", [["assignment", "0.2"]]),
      message("decide", [
        ["assignment", "0.3"],
        ["key", "k"],
      ]),
      message("", [["assignment", "0.4"]]),
    ]);
    const { request, question } = read(payload);
    expect([question.isAsked, request.assignment, request.key]).toEqual([true, 0.2, undefined]);
  });

  test("SPOP-5: decide may be missing", () => {
    for (const payload of [Buffer.alloc(0), message("other", [["assignment", "0.1"]])]) {
      const { cursor, question } = read(payload);
      expect([cursor.isBroken, question.isAsked]).toEqual([false, false]);
    }
  });

  test("that is cut anywhere is malformed", () => {
    const payload = message("decide", [
      ["assignment", "0.25"],
      ["application", null],
      ["key", "user"],
    ]);
    for (let length = 1; length < payload.length; length++) {
      expect(read(payload.subarray(0, length)).cursor.isBroken).toBe(true);
    }
  });

  test("with fewer arguments than it announces is malformed, however many it announces", () => {
    const payload = message("decide", [["assignment", "0.25"]]);
    payload[7] = 255;
    expect(read(payload).cursor.isBroken).toBe(true);
  });

  test("with a length beyond all bytes is malformed", () => {
    for (const length of ["ffffffff7f", "ffffffffffffffffff7f", "f0ffffffffffffff7f"]) {
      expect(read(Buffer.from(`${length}646563696465`, "hex")).cursor.isBroken).toBe(true);
    }
  });
});

describe("actions", () => {
  const core = createCore();
  core.apply("app", { rollout: 0.5 });

  function answered(values: Pairs): string {
    const payload = message("decide", values);
    const { request, question } = read(payload);
    const decision = core.handler.emptyDecision();
    core.handler.decide(request, core.clock(), decision);
    const out = Buffer.alloc(256);
    return out.toString("latin1", 0, writeActions(out, 0, decision, request, payload, question));
  }

  const actions = (assignment: string, location: string) =>
    `\x01\x03\x02\x0aassignment${data(assignment).toString("latin1")}` +
    `\x01\x03\x02\x08location${data(location).toString("latin1")}`;

  test("SPOP-1: actions have the bytes that HAProxy 2.6 obeyed", () => {
    expect(Buffer.from(answered([["assignment", "0.1"]]), "latin1").toString("hex")).toBe(
      "0103020a61737369676e6d656e740803302e31010302086c6f636174696f6e080663616e617279",
    );
  });

  test("SPOP-2: a spelling of up to 24 bytes is echoed; instead of a longer one the number is written", () => {
    expect(answered([["assignment", `0.7${"0".repeat(21)}`]])).toBe(
      actions(`0.7${"0".repeat(21)}`, "master"),
    );
    expect(answered([["assignment", `0.7${"0".repeat(22)}`]])).toBe(actions("0.7", "master"));
    expect(answered([["assignment", `0.${"1".repeat(5_000)}`]])).toBe(
      actions("0.1111111111111111", "canary"),
    );
  });

  test("SPOP-2: the answer has the assignment of a key", () => {
    expect(answered([["key", "abc"]])).toBe(actions("0.2684963321493933", "canary"));
  });
});
