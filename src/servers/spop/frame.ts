/**
 * Reads and writes frames of SPOP: the length, the head, and the handshakes at the beginning and the end of a
 * connection (SPOE.txt of HAProxy, sections 3.2 and 3.5).
 *
 *     frame = length:4, type:1, flags:4, stream-id:varint, frame-id:varint, payload
 */

import type { Cursor } from "./cursor.ts";
import { emptyValue, isText, readValue, TYPE, writeName, writeString, writeUint32 } from "./data.ts";

/** The bytes of a frame's length. The length does not include itself. */
export const LENGTH_BYTES = 4;

/**
 * The largest frame that the daemon reads, its length not included. HAProxy's limit is 16 380 unless it is
 * tuned.
 */
export const FRAME_BYTES_MAX = 65_536;

/** No side may set a smaller limit (SPOE.txt, section 3.2). */
const FRAME_BYTES_MIN = 256;

export const FRAME = {
  unset: 0,
  haproxyHello: 1,
  haproxyDisconnect: 2,
  notify: 3,
  agentHello: 101,
  agentDisconnect: 102,
  ack: 103,
} as const;

/** The flag on the last, or only, frame of a payload. */
const FIN = 1;

/** The reasons to end a connection. HAProxy gets the code and the text. */
export const STATUS = {
  normal: { code: 0, text: "goodbye" },
  tooBig: { code: 3, text: "frame is too big" },
  invalid: { code: 4, text: "invalid frame received" },
  noVersion: { code: 5, text: "version value not found" },
  noFrameSize: { code: 6, text: "max-frame-size value not found" },
  noCapabilities: { code: 7, text: "capabilities value not found" },
  unsupportedVersion: { code: 8, text: "unsupported version: this agent speaks 2.0" },
  badFrameSize: { code: 9, text: "max-frame-size too big or too small" },
  fragmented: { code: 10, text: "payload fragmentation is not supported" },
} as const;

export type Status = (typeof STATUS)[keyof typeof STATUS];

/** The head of a frame. One object serves all frames of a listener. */
export interface FrameHead {
  type: number;
  /** Whether the payload is complete in this frame. */
  isWhole: boolean;
  /** The position of both ids, one behind the other. An answer repeats their bytes. */
  idsStart: number;
  idsEnd: number;
}

export function emptyFrameHead(): FrameHead {
  return { type: FRAME.unset, isWhole: false, idsStart: 0, idsEnd: 0 };
}

/** Reads the length at `bytes[at]`. All four bytes must be there. */
export function readLength(bytes: Uint8Array, at: number): number {
  const [a = 0, b = 0, c = 0, d = 0] = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
  return a * 0x1000000 + ((b << 16) | (c << 8) | d);
}

/** Reads the head of a frame. The cursor stands behind the frame's length. */
export function readFrameHead(cursor: Cursor, head: FrameHead): void {
  head.type = cursor.byte();
  const flags = cursor.skip(4);
  head.isWhole = !cursor.isBroken && ((cursor.bytes[flags + 3] as number) & FIN) !== 0;
  head.idsStart = cursor.at;
  cursor.varint();
  cursor.varint();
  head.idsEnd = cursor.at;
}

/** HAProxy's introduction of itself, in its first frame. */
export interface Hello {
  readonly isHealthCheck: boolean;
  /** The largest frame for both sides, its length not included. */
  readonly frameBytesMax: number;
}

/** Reads the payload of a HAPROXY-HELLO. Returns a status if the daemon cannot talk to this HAProxy. */
export function readHello(cursor: Cursor): Hello | Status {
  const value = emptyValue();
  let versions: string | undefined;
  let capabilities: string | undefined;
  let frameBytesMax: number | undefined;
  let isHealthCheck = false;
  while (cursor.hasMore) {
    const nameStart = cursor.skip(cursor.varint());
    const name = cursor.text(nameStart, cursor.at);
    readValue(cursor, value);
    if (cursor.isBroken) break;
    const text = isText(value) ? cursor.text(value.start, value.end) : undefined;
    if (name === "supported-versions") versions = text;
    else if (name === "capabilities") capabilities = text;
    else if (name === "max-frame-size" && value.type === TYPE.uint32) frameBytesMax = value.number;
    else if (name === "healthcheck") isHealthCheck = value.type === TYPE.boolean && value.number === 1;
  }
  if (cursor.isBroken) return STATUS.invalid;
  if (versions === undefined) return STATUS.noVersion;
  if (frameBytesMax === undefined) return STATUS.noFrameSize;
  if (capabilities === undefined) return STATUS.noCapabilities;
  // A HAProxy that speaks 2.x also speaks 2.0.
  if (!versions.split(",").some((version) => /^\s*2\.\d+\s*$/.test(version)))
    return STATUS.unsupportedVersion;
  if (frameBytesMax < FRAME_BYTES_MIN) return STATUS.badFrameSize;
  return { isHealthCheck, frameBytesMax: Math.min(frameBytesMax, FRAME_BYTES_MAX) };
}

export function isStatus(outcome: Hello | Status): outcome is Status {
  return "code" in outcome;
}

/** The AGENT-HELLO that answers HAProxy's. */
export function helloFrame({ frameBytesMax }: Hello): Buffer {
  return pairsFrame(FRAME.agentHello, (out, start) => {
    let at = writeString(out, writeName(out, start, "version"), "2.0");
    at = writeUint32(out, writeName(out, at, "max-frame-size"), frameBytesMax);
    return writeString(out, writeName(out, at, "capabilities"), "pipelining");
  });
}

/** The AGENT-DISCONNECT with this reason. */
export function disconnectFrame({ code, text }: Status): Buffer {
  return pairsFrame(FRAME.agentDisconnect, (out, start) => {
    const at = writeUint32(out, writeName(out, start, "status-code"), code);
    return writeString(out, writeName(out, at, "message"), text);
  });
}

/**
 * Begins an answer at `out[at]`: type, FIN, and the ids `bytes[idsStart, idsEnd)`. `endFrame` fills in the
 * length.
 */
export function beginFrame(
  out: Uint8Array,
  at: number,
  type: number,
  bytes: Uint8Array,
  idsStart: number,
  idsEnd: number,
): number {
  let next = at + LENGTH_BYTES;
  out[next++] = type;
  out[next++] = 0;
  out[next++] = 0;
  out[next++] = 0;
  out[next++] = FIN;
  for (let i = idsStart; i < idsEnd; i++) out[next++] = bytes[i] as number;
  return next;
}

/** Fills in the length of the frame that begins at `out[at]` and whose last byte is `out[end - 1]`. */
export function endFrame(out: Uint8Array, at: number, end: number): void {
  const length = end - at - LENGTH_BYTES;
  out[at] = length >>> 24;
  out[at + 1] = length >>> 16;
  out[at + 2] = length >>> 8;
  out[at + 3] = length;
}

const NO_IDS = Buffer.from([0, 0]);

/** A frame of names and values that belongs to no stream. The daemon's are short enough for every HAProxy. */
function pairsFrame(type: number, write: (out: Buffer, at: number) => number): Buffer {
  const out = Buffer.alloc(FRAME_BYTES_MIN);
  const end = write(out, beginFrame(out, 0, type, NO_IDS, 0, NO_IDS.length));
  endFrame(out, 0, end);
  return out.subarray(0, end);
}
