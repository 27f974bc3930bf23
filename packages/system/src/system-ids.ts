import { randomFillSync } from 'node:crypto';
import type { Ids } from '@floodgate/core/ports/ids.ts';

const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';
/** 36^20 is more than 2^103: no two will meet. */
const idLength = 20;
/** Bytes from here on would favour the first letters of the alphabet. */
const firstUnfairByte = 256 - (256 % alphabet.length);

/** A pool, since each call of the system's generator costs more than the id. */
const pool = new Uint8Array(4_096);
let used = pool.length;

function nextByte(): number {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  return pool[used++]!;
}

export const systemIds: Ids = {
  newId() {
    let id = '';
    while (id.length < idLength) {
      const byte = nextByte();
      if (byte < firstUnfairByte) id += alphabet[byte % alphabet.length]!;
    }
    return id;
  },
  /** 48 bits: as even as jitter needs. */
  random() {
    let value = 0;
    for (let i = 0; i < 6; i += 1) value = value * 256 + nextByte();
    return value / 2 ** 48;
  },
};
