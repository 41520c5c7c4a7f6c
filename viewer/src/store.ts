// Bytes of the cube over HTTP: few requests, each counted, and each failure named.
//
// A map reads one inner chunk of each tile, and needs the tile's index once; neighbouring ranges that
// are asked for together become one request. A pixel's series needs every inner chunk of its tile's
// shards, so they are fetched whole: one request a shard, and none for the next pixel of that tile.
import * as zarr from "zarrita";

type Key = `/${string}`;
type Range = { offset: number; length: number } | { suffixLength: number };
type Fetched = Promise<Uint8Array | undefined>;
export interface Store {
  get(key: Key): Fetched;
  getRange(key: Key, range: Range): Fetched;
}

// A gap between two ranges that is cheaper to fetch than a request of its own.
const GAP = 64 * 1024;
const MAP_BYTES = 64e6;
const SERIES_BYTES = 160e6;

/** The server's answer was neither the bytes nor that there are none. */
export class Unreadable extends Error {
  constructor(
    readonly url: string,
    readonly found: string,
  ) {
    super(`${url}: ${found}`);
  }
}

/** The bytes of a chunk, or of the index of its shard, are not those that were written. */
export class Damaged extends Unreadable {
  constructor(array: string, chunk: readonly number[], { cause }: Error) {
    const why = cause instanceof Error ? cause.message : cause;
    super(array, `chunk ${chunk.join("/")} is damaged (${why})`);
  }
}

async function send(request: Request): Promise<Response> {
  let response;
  try {
    response = await fetch(request);
  } catch (cause) {
    throw new Unreadable(request.url, cause instanceof Error ? cause.message : String(cause));
  }
  if (request.headers.has("Range") && response.status === 200) {
    throw new Unreadable(request.url, "the whole object where a range of it was asked for");
  }
  if (!response.ok && response.status !== 404) {
    throw new Unreadable(request.url, `status ${response.status} ${response.statusText}`.trim());
  }
  return response;
}

/** Promises of bytes by name, the least recently used forgotten beyond a number of bytes. */
class Memory {
  #held = new Map<string, { bytes: Fetched; size: number }>();
  #size = 0;

  constructor(readonly limit: number) {}

  recall(name: string, read: () => Fetched): Fetched {
    const found = this.#held.get(name);
    if (found !== undefined) {
      this.#held.delete(name);
      this.#held.set(name, found);
      return found.bytes;
    }
    const entry = { bytes: read(), size: 0 };
    this.#held.set(name, entry);
    entry.bytes.then(
      (bytes) => {
        entry.size = bytes?.length ?? 0;
        this.#size += entry.size;
        this.#shrink();
      },
      () => this.#held.delete(name), // the next time it is asked for it is tried again
    );
    return entry.bytes;
  }

  #shrink(): void {
    for (const [name, { size }] of this.#held) {
      if (this.#size <= this.limit) return;
      this.#held.delete(name);
      this.#size -= size;
    }
  }
}

/** A store that knows which objects are not there, and does not ask for them. */
export function without(store: Store, absent: ReadonlySet<string>): Store {
  const known = (key: Key): boolean => absent.has(key.slice(1));
  return {
    get: async (key) => (known(key) ? undefined : store.get(key)),
    getRange: async (key, range) => (known(key) ? undefined : store.getRange(key, range)),
  };
}

/** The two ways to read a cube at a URL: by ranges, and by whole objects. */
export function stores(url: string): { ranges: Store; whole: Store } {
  const plain = new zarr.FetchStore(url, { fetch: send, useSuffixRequest: true });
  const joined = zarr.withRangeCoalescing(plain, { coalesceSize: GAP });
  const pieces = new Memory(MAP_BYTES);
  const objects = new Memory(SERIES_BYTES);
  const ranges: Store = {
    get: (key) => pieces.recall(key, () => plain.get(key)),
    getRange: (key, range) =>
      pieces.recall(`${key} ${JSON.stringify(range)}`, () => joined.getRange!(key, range)),
  };
  const whole: Store = {
    get: ranges.get,
    async getRange(key, range) {
      const bytes = await objects.recall(key, () => plain.get(key));
      if (bytes === undefined) return undefined;
      const from = "suffixLength" in range ? bytes.length - range.suffixLength : range.offset;
      const to = "suffixLength" in range ? bytes.length : range.offset + range.length;
      return bytes.subarray(from, to);
    },
  };
  return { ranges, whole };
}
