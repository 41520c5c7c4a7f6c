// Decode Blosc frames with the page's own decoder: node blosc.mjs < frames.json > contents.json
//
// Both are lists of base64 texts.
import { readFileSync } from "node:fs";
import { source } from "./source.mjs";

const { decode } = await source("blosc");
const contents = JSON.parse(readFileSync(0, "utf8")).map((text) =>
  Buffer.from(decode(new Uint8Array(Buffer.from(text, "base64")))).toString("base64"),
);
console.log(JSON.stringify(contents));
