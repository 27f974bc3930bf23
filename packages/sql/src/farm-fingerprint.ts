/**
 * FARM_FINGERPRINT: FarmHash's Fingerprint64, which never changes. DuckDB has no such function, so whoever runs statements
 * registers `fg_farm_fingerprint(BLOB) -> BIGINT` with this. After the reference in C++,
 * https://github.com/google/farmhash/blob/master/src/farmhash.cc, namespace farmhashna.
 */
const K0 = 0xc3a5c85c97cb3127n;
const K1 = 0xb492b66fbe98f273n;
const K2 = 0x9ae16a3b2f90404fn;

type Pair = readonly [bigint, bigint];

const wrap = (value: bigint): bigint => BigInt.asUintN(64, value);
const rotate = (value: bigint, by: bigint): bigint => (by === 0n ? value : wrap((value >> by) | (value << (64n - by))));
const shiftMix = (value: bigint): bigint => value ^ (value >> 47n);

function hash16(u: bigint, v: bigint, multiplier: bigint): bigint {
  const a = shiftMix(wrap((u ^ v) * multiplier));
  return wrap(shiftMix(wrap((v ^ a) * multiplier)) * multiplier);
}

/** As BigQuery answers it: a signed 64-bit number. */
export function farmFingerprint(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = (at: number): bigint => view.getBigUint64(at, true);
  return BigInt.asIntN(64, hash(bytes, view, read));
}

function hash(bytes: Uint8Array, view: DataView, read: (at: number) => bigint): bigint {
  const { length } = bytes;
  const multiplier = wrap(K2 + BigInt(length) * 2n);
  if (length > 64) return hashLong(length, read);
  if (length > 32) return hashTo64(length, read, multiplier);
  if (length > 16) {
    const [a, b, c, d] = [wrap(read(0) * K1), read(8), wrap(read(length - 8) * multiplier), wrap(read(length - 16) * K2)];
    return hash16(wrap(rotate(wrap(a + b), 43n) + rotate(c, 30n) + d), wrap(a + rotate(wrap(b + K2), 18n) + c), multiplier);
  }
  if (length >= 8) {
    const [a, b] = [wrap(read(0) + K2), read(length - 8)];
    return hash16(wrap(rotate(b, 37n) * multiplier + a), wrap((rotate(a, 25n) + b) * multiplier), multiplier);
  }
  if (length >= 4) {
    const [a, b] = [BigInt(view.getUint32(0, true)), BigInt(view.getUint32(length - 4, true))];
    return hash16(wrap(BigInt(length) + (a << 3n)), b, multiplier);
  }
  if (length === 0) return K2;
  const [a, b, c] = [bytes[0], bytes[length >> 1], bytes[length - 1]].map((byte) => BigInt(byte ?? 0)) as [bigint, bigint, bigint];
  return wrap(shiftMix(wrap((a + (b << 8n)) * K2) ^ wrap((BigInt(length) + (c << 2n)) * K0)) * K2);
}

function hashTo64(length: number, read: (at: number) => bigint, multiplier: bigint): bigint {
  const [a, b, c, d] = [wrap(read(0) * K2), read(8), wrap(read(length - 8) * multiplier), wrap(read(length - 16) * K2)];
  const y = wrap(rotate(wrap(a + b), 43n) + rotate(c, 30n) + d);
  const z = hash16(y, wrap(a + rotate(wrap(b + K2), 18n) + c), multiplier);
  const [e, f] = [wrap(read(16) * multiplier), read(24)];
  const [g, h] = [wrap((y + read(length - 32)) * multiplier), wrap((z + read(length - 24)) * multiplier)];
  return hash16(wrap(rotate(wrap(e + f), 43n) + rotate(g, 30n) + h), wrap(e + rotate(wrap(f + a), 18n) + g), multiplier);
}

function hashLong(length: number, read: (at: number) => bigint): bigint {
  const weak = (at: number, seedA: bigint, seedB: bigint): Pair => {
    const [w, x, y, z] = [read(at), read(at + 8), read(at + 16), read(at + 24)];
    const a = wrap(seedA + w);
    const b = rotate(wrap(seedB + a + z), 21n);
    const sum = wrap(a + x + y);
    return [wrap(sum + z), wrap(b + rotate(sum, 44n) + a)];
  };
  const seed = 81n;
  let y = wrap(seed * K1 + 113n);
  let z = wrap(shiftMix(wrap(y * K2 + 113n)) * K2);
  let x = wrap(seed * K2 + read(0));
  let v: Pair = [0n, 0n];
  let w: Pair = [0n, 0n];
  const end = Math.floor((length - 1) / 64) * 64;
  const round = (at: number, multiplier: bigint, ofLast: bigint): void => {
    x = wrap(rotate(wrap(x + y + v[0] + read(at + 8)), 37n) * multiplier);
    y = wrap(rotate(wrap(y + v[1] + read(at + 48)), 42n) * multiplier);
    x ^= wrap(w[1] * ofLast);
    y = wrap(y + v[0] * ofLast + read(at + 40));
    z = wrap(rotate(wrap(z + w[0]), 33n) * multiplier);
    v = weak(at, wrap(v[1] * multiplier), wrap(x + w[0]));
    w = weak(at + 32, wrap(z + w[1]), wrap(y + read(at + 16)));
    [z, x] = [x, z];
  };
  for (let at = 0; at < end; at += 64) round(at, K1, 1n);
  const multiplier = wrap(K1 + ((z & 0xffn) << 1n));
  const rest = (length - 1) & 63;
  w = [wrap(w[0] + BigInt(rest)), w[1]];
  v = [wrap(v[0] + w[0]), v[1]];
  w = [wrap(w[0] + v[0]), w[1]];
  round(end + rest - 63, multiplier, 9n);
  return hash16(wrap(hash16(v[0], w[0], multiplier) + shiftMix(y) * K0 + z), wrap(hash16(v[1], w[1], multiplier) + x), multiplier);
}
