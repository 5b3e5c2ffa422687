/** XXH64 after its specification, in BigInt: slow, and independent of the daemon's own. */

const P1 = 0x9e3779b185ebca87n;
const P2 = 0xc2b2ae3d27d4eb4fn;
const P3 = 0x165667b19e3779f9n;
const P4 = 0x85ebca77c2b2ae63n;
const P5 = 0x27d4eb2f165667c5n;

const u64 = (value: bigint) => BigInt.asUintN(64, value);
const rotate = (value: bigint, by: bigint) => u64((value << by) | (value >> (64n - by)));
const round = (lane: bigint, input: bigint) => u64(rotate(u64(lane + input * P2), 31n) * P1);
const merge = (hash: bigint, lane: bigint) => u64((hash ^ round(0n, lane)) * P1 + P4);

/** The hash with seed 0. */
export function xxh64(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  let hash = P5;
  if (bytes.length >= 32) {
    let lanes = [u64(P1 + P2), P2, 0n, u64(-P1)];
    for (; at + 32 <= bytes.length; at += 32) {
      lanes = lanes.map((lane, index) => round(lane, view.getBigUint64(at + 8 * index, true)));
    }
    hash = lanes.reduce(
      (sum, lane, index) => u64(sum + rotate(lane, [1n, 7n, 12n, 18n][index] as bigint)),
      0n,
    );
    hash = lanes.reduce(merge, hash);
  }
  hash = u64(hash + BigInt(bytes.length));
  for (; at + 8 <= bytes.length; at += 8) {
    hash = u64(rotate(hash ^ round(0n, view.getBigUint64(at, true)), 27n) * P1 + P4);
  }
  if (at + 4 <= bytes.length) {
    hash = u64(rotate(hash ^ u64(BigInt(view.getUint32(at, true)) * P1), 23n) * P2 + P3);
    at += 4;
  }
  for (; at < bytes.length; at++) hash = u64(rotate(hash ^ u64(BigInt(bytes[at] as number) * P5), 11n) * P1);
  hash = u64((hash ^ (hash >> 33n)) * P2);
  hash = u64((hash ^ (hash >> 29n)) * P3);
  return hash ^ (hash >> 32n);
}
