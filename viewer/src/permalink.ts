// What the page shows, in the address: #day=2015-02-03&layer=state&at=34.125,92.375
import { isoDay, parseDay } from "./days";
import type { Place } from "./grid";

export interface Shown {
  day: number | undefined;
  layer: string | undefined;
  at: Place | undefined;
}

export function read(hash: string): Shown {
  const said = new URLSearchParams(hash.replace(/^#/, ""));
  const [lat, lon] = (said.get("at") ?? "").split(",").map(Number);
  const known = said.has("at") && Number.isFinite(lat) && Number.isFinite(lon);
  return {
    day: parseDay(said.get("day") ?? ""),
    layer: said.get("layer") ?? undefined,
    at: known ? { lat, lon } : undefined,
  };
}

export function write(shown: Shown): string {
  const said = [];
  if (shown.day !== undefined) said.push(`day=${isoDay(shown.day)}`);
  if (shown.layer !== undefined) said.push(`layer=${encodeURIComponent(shown.layer)}`);
  // A thousandth of a degree is a hundred metres: enough to find the cell again.
  if (shown.at !== undefined) said.push(`at=${shown.at.lat.toFixed(3)},${shown.at.lon.toFixed(3)}`);
  return `#${said.join("&")}`;
}
