// Bundle the page: node build.mjs FOLDER. The same sources and lock file give the same bytes.
import { build } from "esbuild";
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";

const folder = process.argv[2];
if (folder === undefined) throw new Error("usage: node build.mjs FOLDER");

// Cubes are compressed by Blosc alone, and src/blosc.ts decodes it; the codecs that zarrita would load
// are WebAssembly of a megabyte and more.
const unused = /^numcodecs\//;
const without = {
  name: "without unused codecs",
  setup(bundle) {
    bundle.onResolve({ filter: unused }, ({ path }) => ({ path, namespace: "unused" }));
    bundle.onLoad({ filter: /.*/, namespace: "unused" }, ({ path }) => ({
      contents: `throw new Error(${JSON.stringify(`${path} is not part of this page`)});`,
    }));
  },
};

await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true });
const script = await build({
  metafile: true,
  entryPoints: { viewer: "src/main.ts" },
  outdir: folder,
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  banner: { js: "/* soilft viewer, Apache-2.0; with fzstd and zarrita, MIT: NOTICE.txt */" },
  plugins: [without],
  logLevel: "warning",
});
await build({
  entryPoints: { viewer: "src/style.css" },
  outdir: folder,
  minify: true,
  target: "chrome110",
  logLevel: "warning",
});
await copyFile("src/index.html", `${folder}/index.html`);

// The licences of what is inside ask to be kept with it.
const packages = new Set(
  Object.keys(script.metafile.inputs).flatMap(
    (path) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? [],
  ),
);
const notices = [];
for (const name of [...packages].sort()) {
  const { version, license } = JSON.parse(await readFile(`node_modules/${name}/package.json`));
  const text = await readFile(`node_modules/${name}/LICENSE`, "utf8").catch(() => "");
  notices.push(`${name} ${version}, ${license}\n\n${text}`.trim());
}
await writeFile(`${folder}/NOTICE.txt`, `viewer.js holds:\n\n${notices.join("\n\n----\n\n")}\n`);
