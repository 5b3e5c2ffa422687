/** Exact arithmetic on doubles: each finite one is a whole number over a power of two. */

/** All doubles of magnitude at most 1, down to the smallest denormal, are whole multiples of 2^-1074. */
const SCALE = 1074n;

/** `value` times 2^1074, exactly. */
function scaled(value: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const exponent = (bits >> 52n) & 0x7ffn;
  const fraction = bits & 0xfffffffffffffn;
  const magnitude = exponent === 0n ? fraction : (fraction | (1n << 52n)) << (exponent - 1n);
  return bits >> 63n === 1n ? -magnitude : magnitude;
}

const ONE = 1n << SCALE;

/** `(assignment - offset) mod 1 - rollout`, exactly, in units of 2^-1074: under 0 inside the arc. */
export function beyondArc(offset: number, rollout: number, assignment: number): bigint {
  const distance = scaled(assignment) - scaled(offset);
  return (distance < 0n ? distance + ONE : distance) - scaled(rollout);
}

/** 2^-53 in those units: what rounding may move a distance by, at most. */
export const HALF_ULP_OF_ONE = ONE >> 53n;

/** The doubles just below and just above, for numbers over 0 and under 1. */
export function neighbours(value: number): [below: number, above: number] {
  const view = new DataView(new ArrayBuffer(8));
  const moved = (by: bigint) => {
    view.setFloat64(0, value);
    view.setBigUint64(0, view.getBigUint64(0) + by);
    return view.getFloat64(0);
  };
  return [moved(-1n), moved(1n)];
}
