// Checksums by the page's own code: node crc32c.mjs < contents.json > checksums.json
//
// The first is a list of base64 texts, the second one of numbers.
import { readFileSync } from "node:fs";
import { source } from "./source.mjs";

const { crc32c } = await source("crc32c");
const sums = JSON.parse(readFileSync(0, "utf8")).map((text) =>
  crc32c(new Uint8Array(Buffer.from(text, "base64"))),
);
console.log(JSON.stringify(sums));
