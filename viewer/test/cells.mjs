// Find cells and their centres as the page does: node cells.mjs < asked.json > found.json
//
// Asked is { mapping, x, y, places }, places of [longitude, latitude].
import { readFileSync } from "node:fs";
import { source } from "./source.mjs";

const { Grid } = await source("grid");
const { mapping, x, y, places } = JSON.parse(readFileSync(0, "utf8"));
const grid = new Grid(x, y, mapping, undefined);
const cells = places.map(([lon, lat]) => grid.cellAt({ lon, lat }) ?? null);
const centres = cells.map((cell) => (cell === null ? null : grid.centre(cell)));
console.log(JSON.stringify({ cells, centres, turns: grid.turns }));
