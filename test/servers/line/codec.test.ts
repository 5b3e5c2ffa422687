import { describe, expect, test } from "bun:test";
import { emptyRequest, type Request } from "../../../src/handler.ts";
import {
  LINE_BYTES_MAX,
  lineTail,
  REPLY_BYTES_MAX,
  RepeatedFields,
  readRequest,
  writeReply,
} from "../../../src/servers/line/codec.ts";
import { createCore } from "../../support/core.ts";
import { holds, type Random } from "../../support/random.ts";

function read(line: string): Request {
  const request = emptyRequest();
  const bytes = Buffer.from(`?${line}\n`, "latin1");
  readRequest(bytes, 1, bytes.length - 1, request, new RepeatedFields());
  return request;
}

function known(assignment: number, names: Partial<Request> = {}): Request {
  return { ...emptyRequest(), assignment, ...names };
}

describe("reading", () => {
  test("LP-2: an empty line is a new visitor", () => {
    expect(read("")).toEqual(emptyRequest());
  });

  test("LP-3: a number is a known visitor", () => {
    expect(read("0.42")).toEqual(known(0.42));
  });

  test("LP-7: names and values follow after single spaces, with or without an assignment", () => {
    expect(read("0.42 application=web key=u%201 force=canary")).toEqual(
      known(0.42, { application: "web", key: "u 1", force: "canary" }),
    );
    expect(read(" key=user")).toEqual({ ...emptyRequest(), key: "user" });
  });

  test("LP-7: values are percent-encoded UTF-8", () => {
    expect(read(" key=%C3%A9%20%3D%0A%00").key).toBe("é =\n\0");
    expect(read(" key=a=b%").valid).toBeFalse();
    expect(read(" key=a=b").key).toBe("a=b");
  });

  test("LP-7: an empty value counts as none", () => {
    expect(read("0.42 application= key= force=")).toEqual(known(0.42));
  });

  test("LP-7: names that are not understood are ignored", () => {
    expect(read("0.42 x=1 Application=web trace.id_2-b=%20")).toEqual(known(0.42));
  });

  test("LP-7: if a name comes twice, the last one counts", () => {
    expect(read(" key=a key=b").key).toBe("b");
  });

  test.each([
    ...[
      "0.42 ",
      " ",
      "  ",
      "0.42  key=a",
      " =a",
      " key",
      " 1key=a",
      " ké=a",
      " key=\xe9",
      " key=a\tb",
      " key=a\rb",
    ],
    ...[
      " key=%",
      " key=%4",
      " key=%zz",
      " key=%FF",
      " key=%C3",
      " key=%ED%A0%80",
      "0.42 garbage",
      " key =a",
      "0.42\r",
    ],
    ...["\t0.42", "0.42\0", "canary", "GET / HTTP/1.1"],
  ])("LP-4: %p is invalid", (line) => {
    expect(read(line).valid).toBeFalse();
  });

  test("LP-6: a line of 8192 bytes with its LF is read, and one byte more is invalid", () => {
    const longest = ` key=${"k".repeat(LINE_BYTES_MAX - 1 - " key=".length)}`;
    expect(`${longest}\n`).toHaveLength(8192);
    expect(read(longest).key).toHaveLength(8186);
    expect(read(`${longest}k`)).toEqual({ ...emptyRequest(), valid: false });
  });

  test("no value of the request before is left", () => {
    const request = emptyRequest();
    for (const line of ["0.42 application=a key=b force=c", "x y", ""]) {
      const bytes = Buffer.from(line);
      readRequest(bytes, 0, bytes.length, request, new RepeatedFields());
    }
    expect(request).toEqual(emptyRequest());
  });
});

/** Lines → replies: the same calls as in a server, without the sockets. */
function createPipe() {
  const core = createCore({ applications: ["app", "web"], allowForce: true });
  core.apply("app", { rollout: 0.5, offset: 0.75 });
  const request = emptyRequest();
  const decision = core.handler.emptyDecision();
  const out = Buffer.alloc(REPLY_BYTES_MAX + 8);
  return (bytes: Uint8Array, start: number, end: number): string => {
    const spellingEnd = readRequest(bytes, start, end, request, new RepeatedFields());
    core.handler.decide(request, core.clock(), decision);
    const tail = lineTail(decision.placement.location);
    const length = writeReply(out, 3, decision, request, bytes, start, spellingEnd, tail);
    if (length - 3 > REPLY_BYTES_MAX) throw new Error(`a reply of ${length - 3} bytes`);
    return out.toString("latin1", 3, length);
  };
}

function reply(line: string): string {
  const bytes = Buffer.from(line, "latin1");
  return createPipe()(bytes, 0, bytes.length);
}

describe("replying", () => {
  test.each(["0.1", "0.10", "+0.1", ".1", "1e-1", "0.1000000000000000000000"])(
    "LP-3: %p is echoed as it was spelled",
    (spelling) => {
      expect(reply(spelling)).toBe(`${spelling}\ncanary\n`);
    },
  );

  test("LP-3: a spelling longer than any number needs is made shorter, and is equal as a number", () => {
    expect(reply(`0.25${"0".repeat(1_000)}`)).toBe("0.25\nmaster\n");
    expect(reply(`0.5 key=${"x".repeat(100)}`)).toBe("0.5\nmaster\n");
  });

  test("LP-2: a new visitor's number leads back to where it was placed", () => {
    const pipe = createPipe();
    for (let visitor = 0; visitor < 1_000; visitor++) {
      const first = pipe(Buffer.alloc(0), 0, 0);
      const again = Buffer.from(first.split("\n")[0] as string);
      expect(pipe(again, 0, again.length)).toBe(first);
    }
  });
});

/** A random line. Some have a meaning, and most do not. */
function randomLine(random: Random): Buffer {
  const parts = [
    ...[
      "0.",
      ".",
      "1",
      "9",
      "e-",
      "+",
      "-",
      "0.5",
      "0.25",
      " ",
      " ",
      "  ",
      "=",
      "key=",
      " key=",
      " application=web",
    ],
    ...[
      " force=canary",
      " force=",
      "%41",
      "%",
      "%C3%A9",
      "?",
      "?lease",
      "\r",
      "\0",
      "\xff",
      "é",
      "nan",
      "x".repeat(30),
    ],
  ];
  let text = "";
  for (let count = random.whole(0, 6); count > 0; count--) text += random.pick(parts);
  if (random.whole(0, 999) === 0)
    text += random.pick(["0", " key=a", "x"]).repeat(random.whole(1_000, 9_000));
  return Buffer.from(text, "latin1");
}

test("LP-1, law 5: each of a million random lines gets two lines, a number in [0, 1) and a location", () => {
  const pipe = createPipe();
  const sound = /^([+\d.eE-]+)\n(?:master|canary)\n$/;
  holds(1_000_000, (random) => {
    const line = randomLine(random);
    const answer = pipe(line, 0, line.length);
    const number = Number(sound.exec(answer)?.[1] ?? Number.NaN);
    if (!(number >= 0 && number < 1))
      throw new Error(`${JSON.stringify(line.toString("latin1"))}: ${answer}`);
  });
  // Some seconds of work, and a busy machine takes many times as long.
}, 120_000);

describe("repeated fields", () => {
  const FIELDS = [
    "",
    " application=website",
    " application=websitf",
    " application=shop",
    " application=shop force=always",
    " force=always",
    " key=alice",
    " application=website key=alice",
    " application=website key=bob",
    " application=w%65bsite",
    " application=web%site",
    " application",
    " ",
    ` application=${"a".repeat(300)}`,
    " color=red",
  ];

  test("a line means the same, whatever lines came before it", () => {
    const repeated = new RepeatedFields();
    holds(20_000, (random) => {
      const bytes = Buffer.from(`${random.pick(["0.42", "", "x", "1"])}${random.pick(FIELDS)}`);
      const [request, wanted] = [emptyRequest(), emptyRequest()];
      readRequest(bytes, 0, bytes.length, request, repeated);
      readRequest(bytes, 0, bytes.length, wanted, new RepeatedFields());
      expect(request).toEqual(wanted);
    });
  });

  test("the same fields are read only once", () => {
    const repeated = new RepeatedFields();
    const request = emptyRequest();
    const bytes = Buffer.from("0.42 application=website");
    readRequest(bytes, 0, bytes.length, request, repeated);
    expect(repeated.are(bytes, 5, bytes.length)).toBeTrue();
    const other = Buffer.from(" application=website key=alice");
    readRequest(other, 0, other.length, request, repeated);
    expect(repeated.are(bytes, 5, bytes.length)).toBeTrue();
  });
});
