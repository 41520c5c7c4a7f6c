// Blosc 1 frames with Zstandard inside, the one compression of every array of a cube.
//
// The decoder that zarrita would load is WebAssembly: it would make the page five times as large and its
// policy wider. The format is c-blosc's README_CHUNK_FORMAT.rst, its bit shuffle that of Masui et al.
// (2015, doi:10.1016/j.ascom.2015.07.002).
import { decompress } from "fzstd";

const SHUFFLED = 0x01;
const PLAIN = 0x02;
const BITS_SHUFFLED = 0x04;
const NOT_SPLIT = 0x10;
const ZSTD = 4;
const HEADER = 16;
// A block is split into the bytes of its elements only where these would not be too many or too small.
const MOST_SPLITS = 16;
const LEAST_BYTES = 128;

/** The content of a Blosc frame. */
export function decode(frame: Uint8Array): Uint8Array {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const [version, flags, size] = [frame[0], frame[2], frame[3]];
  const [whole, blockSize, length] = [4, 8, 12].map((at) => view.getUint32(at, true));
  if (version !== 2) throw new Error(`a Blosc frame of version ${version}, expected 2`);
  if (length !== frame.length) throw new Error(`${frame.length} of a Blosc frame's ${length} bytes`);
  if (flags & PLAIN) return frame.slice(HEADER, HEADER + whole);
  if (flags >> 5 !== ZSTD) throw new Error(`Blosc's compressor ${flags >> 5}, expected Zstandard`);
  const found = new Uint8Array(whole);
  for (let k = 0, from = 0; from < whole; k++, from += blockSize) {
    const block = found.subarray(from, Math.min(from + blockSize, whole));
    const split =
      !(flags & NOT_SPLIT) &&
      block.length === blockSize &&
      size <= MOST_SPLITS &&
      blockSize / size >= LEAST_BYTES;
    const shuffled = inflate(view, view.getUint32(HEADER + 4 * k, true), block, split ? size : 1);
    if (flags & BITS_SHUFFLED) unshuffleBits(shuffled, block, size);
    else if (flags & SHUFFLED && size > 1) unshuffle(shuffled, block, size);
    else block.set(shuffled);
  }
  return found;
}

/** The bytes of a block as they were shuffled, from its parts one after another. */
function inflate(view: DataView, at: number, block: Uint8Array, parts: number): Uint8Array {
  const found = new Uint8Array(block.length);
  const each = block.length / parts;
  for (let i = 0; i < parts; i++) {
    const length = view.getUint32(at, true);
    const packed = new Uint8Array(view.buffer, view.byteOffset + at + 4, length);
    // What does not get smaller is stored as it is.
    found.set(length === each ? packed : decompress(packed), i * each);
    at += 4 + length;
  }
  return found;
}

/** From all first bytes, all second bytes and so on to elements. */
function unshuffle(from: Uint8Array, to: Uint8Array, size: number): void {
  const count = Math.floor(from.length / size);
  for (let j = 0; j < size; j++) {
    for (let i = 0; i < count; i++) to[i * size + j] = from[j * count + i];
  }
  to.set(from.subarray(count * size), count * size);
}

/** From all first bits, all second bits and so on to elements; blocks of no eight elements are as they were. */
function unshuffleBits(from: Uint8Array, to: Uint8Array, size: number): void {
  const count = Math.floor(from.length / size);
  if (count % 8 !== 0) {
    to.set(from);
    return;
  }
  const row = count / 8;
  for (let j = 0; j < size; j++) {
    for (let k = 0; k < row; k++) {
      const at = 8 * j * row + k;
      // Eight bytes as a square of bits, turned over its diagonal (Warren 2012, Hacker's Delight, 7-3).
      let low = from[at] | (from[at + row] << 8) | (from[at + 2 * row] << 16) | (from[at + 3 * row] << 24);
      let high =
        from[at + 4 * row] | (from[at + 5 * row] << 8) | (from[at + 6 * row] << 16) | (from[at + 7 * row] << 24);
      let t = (low ^ (low >>> 7)) & 0x00aa00aa;
      low ^= t ^ (t << 7);
      t = (high ^ (high >>> 7)) & 0x00aa00aa;
      high ^= t ^ (t << 7);
      t = (low ^ (low >>> 14)) & 0x0000cccc;
      low ^= t ^ (t << 14);
      t = (high ^ (high >>> 14)) & 0x0000cccc;
      high ^= t ^ (t << 14);
      const first = (low & 0x0f0f0f0f) | ((high << 4) & 0xf0f0f0f0);
      const last = ((low >>> 4) & 0x0f0f0f0f) | (high & 0xf0f0f0f0);
      for (let i = 0; i < 4; i++) {
        to[(8 * k + i) * size + j] = first >>> (8 * i);
        to[(8 * k + i + 4) * size + j] = last >>> (8 * i);
      }
    }
  }
  to.set(from.subarray(count * size), count * size);
}

/** The codec as zarrita takes it. */
export class Blosc {
  readonly kind = "bytes_to_bytes";
  static fromConfig(): Blosc {
    return new Blosc();
  }
  decode(bytes: Uint8Array): Uint8Array {
    return decode(bytes);
  }
  encode(): never {
    throw new Error("this page only reads");
  }
}
