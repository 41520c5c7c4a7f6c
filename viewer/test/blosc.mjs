// Decode Blosc frames with the page's own decoder: node blosc.mjs < frames.json > contents.json
//
// Both are lists of base64 texts.
import { build } from "esbuild";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const source = fileURLToPath(new URL("../src/blosc.ts", import.meta.url));
const { outputFiles } = await build({
  entryPoints: [source],
  bundle: true,
  format: "esm",
  write: false,
  logLevel: "error",
});
const { decode } = await import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);
const frames = JSON.parse(readFileSync(0, "utf8"));
const contents = frames.map((text) => Buffer.from(decode(new Uint8Array(Buffer.from(text, "base64")))));
console.log(JSON.stringify(contents.map((content) => content.toString("base64"))));
