// What the page says of a cube around the map: heading, facts, links.
import type { Cube } from "./cube";
import { isoDay } from "./days";
import { made } from "./elements";
import type { Picture } from "./layers";

const HEADINGS: Record<string, string> = {
  state: "Soil frozen or thawed",
  composite: "Soil frozen or thawed, morning and evening",
  probability: "How likely the soil is frozen",
  quality: "What weakens the record",
};

export function heading(shown: Picture): string {
  if (shown.layer.id === "frozen-days") return `Frozen days, ${shown.of}`;
  return HEADINGS[shown.layer.id] ?? shown.layer.name;
}

/** The inputs by their names, without their grids and who published them where. */
export function inputs(source: string): string[] {
  return source
    .split("; ")
    .map((reference) => reference.replace(/ \(.*$|,.*$/, "").trim())
    .filter(Boolean);
}

export function facts(cube: Cube): [string, string][] {
  const said = cube.attributes;
  const { grid } = cube;
  const overpass = String(said.reference_overpass ?? "");
  const sizes = `${grid.columns} × ${grid.rows} cells`;
  const found: [string, string][] = [
    ["Release", cube.release.version ?? "not one: a cube by itself"],
    ["Days", `${isoDay(cube.first)} to ${isoDay(cube.last)}`],
    ["Grid", said["proj:code"] ? `${said["proj:code"]}, ${sizes}` : sizes],
    ["State at", overpass === "daily" ? "any overpass of the day" : `the ${overpass} overpass`],
    ["Inputs", cube.simulated ? "SIMULATED, not observed" : "observations"],
    ["Licence", String(said.license ?? "").replace(/, https?:.*$/, "")],
  ];
  return found.filter(([, text]) => text !== "");
}

const NAMES: Record<string, string> = { "report.html": "Report", "scorecard.json": "Scores" };

/** Links to the pages and pictures that the release says lie beside the cube. */
export function links(cube: Cube): HTMLAnchorElement[] {
  const found = [];
  for (const [folder, names] of Object.entries(cube.release.companions ?? {})) {
    if (folder === "view" || folder === "model") continue;
    for (const name of names) {
      if (!/\.(html|png|json)$/.test(name)) continue;
      const text = name.replace(/\.\w+$/, "").replaceAll("_", " ");
      const link = made("a", "", NAMES[name] ?? text[0].toUpperCase() + text.slice(1));
      link.href = new URL(`${folder}/${name}`, cube.url).href;
      found.push(link);
    }
  }
  return found;
}

/** What is worth reading once: how it was made, and how to cite it. */
export function more(cube: Cube): HTMLElement[] {
  const said = cube.attributes;
  return [
    ["", said.summary],
    ["", said.comment],
    ["Made from: ", said.source],
    ["Cite as: ", said.citation],
  ]
    .filter(([, text]) => text)
    .map(([before, text]) => made("p", "", `${before}${text}`));
}
