// Colours of the theme for what is drawn by hand: the style sheet is where they stand.
import type { ChartInk } from "./chart";

export function ink(): ChartInk {
  const style = getComputedStyle(document.documentElement);
  const of = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return {
    ground: of("ground"),
    hatch: of("hatch"),
    coast: of("coast"),
    halo: of("halo"),
    net: of("net"),
    mark: of("mark"),
    text: of("soft"),
    faint: of("line"),
    line: of("curve"),
    undecided: of("undecided"),
  };
}
