// Digests of what zarrita.js reads of a cube: node read.mjs URL NAME...
//
// For each array the SHA-256 of all its values, and for those with days the one of a single day and
// of a single pixel's series, as little-endian bytes in C order.
import { createHash } from "node:crypto";
import * as zarr from "zarrita";

const [url, ...names] = process.argv.slice(2);
const root = zarr.root(new zarr.FetchStore(url));

const digest = (data) =>
  createHash("sha256")
    .update(Buffer.from(data.buffer, data.byteOffset, data.byteLength))
    .digest("hex");

const found = {};
for (const name of names) {
  const array = await zarr.open.v3(root.resolve(name), { kind: "array" });
  const rank = array.shape.length;
  if (rank === 0) {
    // Scalars come as numbers.
    found[name] = { shape: [], all: digest(Int32Array.of(await zarr.get(array))) };
    continue;
  }
  found[name] = { shape: array.shape, all: digest((await zarr.get(array)).data) };
  if (rank > 2) {
    const between = Array(rank - 3).fill(null);
    const day = await zarr.get(array, [2, ...between, null, null]);
    const pixel = await zarr.get(array, [null, ...between, 3, 5]);
    found[name].day = digest(day.data);
    found[name].pixel = digest(pixel.data);
  }
}
const group = await zarr.open.v3(root, { kind: "group" });
console.log(JSON.stringify({ title: group.attrs.title, arrays: found }));
