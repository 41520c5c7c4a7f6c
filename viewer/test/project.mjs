// Project places by CF grid mappings as the page does: node project.mjs < asked.json > points.json
//
// Asked is a list of { mapping, places }, places of [longitude, latitude].
import { readFileSync } from "node:fs";
import { source } from "./source.mjs";

const { projection } = await source("grid");
const points = JSON.parse(readFileSync(0, "utf8")).map(({ mapping, places }) => {
  const project = projection(mapping);
  return places.map(([lon, lat]) => project(lon, lat));
});
console.log(JSON.stringify(points));
