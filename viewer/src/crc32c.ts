// CRC-32C, the checksum that each chunk of a cube ends with, and each index of a shard.
//
// The codec that zarrita brings cuts it off unread, so that a damaged chunk would be drawn. This is
// Castagnoli's polynomial with its bits mirrored, RFC 3720, section 12.1.
const POLYNOMIAL = 0x82f63b78;
const LENGTH = 4;
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ POLYNOMIAL : rest >>> 1;
  return rest;
});

export function crc32c(bytes: Uint8Array): number {
  let rest = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) rest = TABLE[(rest ^ bytes[i]) & 0xff] ^ (rest >>> 8);
  return (rest ^ 0xffffffff) >>> 0;
}

/** The codec as zarrita takes it. */
export class Crc32c {
  readonly kind = "bytes_to_bytes";
  static fromConfig(): Crc32c {
    return new Crc32c();
  }
  decode(bytes: Uint8Array): Uint8Array {
    const end = bytes.length - LENGTH;
    if (end < 0) throw new Error(`${bytes.length} bytes, fewer than a checksum has`);
    const content = bytes.subarray(0, end);
    const stored = new DataView(bytes.buffer, bytes.byteOffset + end, LENGTH).getUint32(0, true);
    const found = crc32c(content);
    if (found !== stored) throw new Error(`checksum ${hex(found)}, expected ${hex(stored)}`);
    return content;
  }
  computeEncodedSize(size: number): number {
    return size + LENGTH;
  }
  encode(): never {
    throw new Error("this page only reads");
  }
}

const hex = (value: number): string => value.toString(16).padStart(8, "0");
