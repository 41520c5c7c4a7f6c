// The map: cells on one canvas, and on another above it the coast, the net of degrees and the mark.
import land from "../../soilft/data/land-110m.json";
import { principal, type Cell, type Grid } from "./grid";
import type { Picture } from "./layers";

export interface Ink {
  ground: string;
  hatch: string;
  coast: string;
  halo: string;
  net: string;
  mark: string;
}

/** A canvas as wide as its place on the page, in the device's own pixels. */
export function fitted(canvas: HTMLCanvasElement, width: number, height: number): number {
  const ratio = Math.min(window.devicePixelRatio || 1, 3);
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
  }
  return ratio;
}

// Whoever asks a canvas first decides how it is kept; the cells are read back as a picture to save.
function penOfCells(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  return canvas.getContext("2d", { willReadFrequently: true })!;
}

/** Nothing is drawn any more. */
export function cleared(canvas: HTMLCanvasElement): void {
  penOfCells(canvas).clearRect(0, 0, canvas.width, canvas.height);
}

/** The hatch that missing cells and days are drawn with. */
export function hatch(ink: Ink, ratio: number): CanvasPattern {
  const size = Math.round(6 * ratio);
  const tile = document.createElement("canvas");
  tile.width = tile.height = size;
  const pen = tile.getContext("2d")!;
  pen.fillStyle = ink.ground;
  pen.fillRect(0, 0, size, size);
  pen.strokeStyle = ink.hatch;
  pen.lineWidth = ratio;
  for (const shift of [-size, 0, size]) {
    pen.beginPath();
    pen.moveTo(shift - 1, size + 1);
    pen.lineTo(shift + size + 1, -1);
    pen.stroke();
  }
  return pen.createPattern(tile, "repeat")!;
}

/** Draw the cells of a picture; its missing ones show the hatch. */
export function drawCells(
  canvas: HTMLCanvasElement,
  grid: Grid,
  shown: Picture,
  ink: Ink,
): void {
  const pen = penOfCells(canvas);
  const ratio = Math.min(window.devicePixelRatio || 1, 3);
  pen.fillStyle = hatch(ink, ratio);
  pen.fillRect(0, 0, canvas.width, canvas.height);
  const cells = document.createElement("canvas");
  cells.width = grid.columns;
  cells.height = grid.rows;
  const image = new ImageData(grid.columns, grid.rows);
  for (let i = 0; i < shown.values.length; i++) {
    const colour = shown.colour(shown.values[i]);
    if (colour !== undefined) image.data.set([...colour, 255], 4 * i);
  }
  cells.getContext("2d")!.putImageData(image, 0, 0);
  pen.imageSmoothingEnabled = false;
  pen.drawImage(cells, 0, 0, canvas.width, canvas.height);
}

/** Draw coast, net and mark. */
export function drawOver(
  canvas: HTMLCanvasElement,
  grid: Grid,
  mark: Cell | undefined,
  ink: Ink,
): void {
  const pen = canvas.getContext("2d")!;
  const ratio = Math.min(window.devicePixelRatio || 1, 3);
  const [w, h] = [canvas.width / grid.columns, canvas.height / grid.rows];
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.lineJoin = "round";
  net(pen, canvas, grid, ink, ratio);
  const coast = new Path2D();
  for (const turn of grid.turns) {
    const rings = land.rings as [number, number][][];
    for (const ring of rings) line(coast, grid, ring, isCut, w, h, turn);
  }
  for (const [style, width] of [
    [ink.halo, 2.6],
    [ink.coast, 1.1],
  ] as const) {
    pen.strokeStyle = style;
    pen.lineWidth = width * ratio;
    pen.stroke(coast);
  }
  if (!grid.geographic) north(pen, canvas, grid, ink, ratio);
  if (mark !== undefined) {
    const side = Math.max(w, h, 9 * ratio);
    const [x, y] = [(mark.column + 0.5) * w, (mark.row + 0.5) * h];
    for (const [style, width, more] of [
      [ink.halo, 5, 1.5],
      [ink.mark, 2, 1.5],
    ] as const) {
      pen.strokeStyle = style;
      pen.lineWidth = width * ratio;
      const half = side / 2 + more * ratio;
      pen.strokeRect(x - half, y - half, 2 * half, 2 * half);
    }
  }
}

/** An arrow to the north of the map's middle: on a polar grid it points anywhere. */
function north(
  pen: CanvasRenderingContext2D,
  canvas: HTMLCanvasElement,
  grid: Grid,
  ink: Ink,
  ratio: number,
): void {
  const middle = grid.centre({
    row: Math.floor(grid.rows / 2),
    column: Math.floor(grid.columns / 2),
  });
  const from = middle && grid.locate(middle.lon, middle.lat);
  const to = middle && grid.locate(middle.lon, Math.min(middle.lat + 0.1, 90));
  if (!from || !to || (from[0] === to[0] && from[1] === to[1])) return;
  pen.save();
  pen.translate(26 * ratio, canvas.height - 26 * ratio);
  pen.fillStyle = ink.halo;
  pen.beginPath();
  pen.arc(0, 0, 19 * ratio, 0, 2 * Math.PI);
  pen.fill();
  pen.rotate(Math.atan2(to[0] - from[0], from[1] - to[1]));
  pen.strokeStyle = pen.fillStyle = ink.coast;
  pen.lineWidth = 1.6 * ratio;
  pen.beginPath();
  pen.moveTo(0, 13 * ratio);
  pen.lineTo(0, -2 * ratio);
  pen.moveTo(-4 * ratio, 3 * ratio);
  pen.lineTo(0, -3 * ratio);
  pen.lineTo(4 * ratio, 3 * ratio);
  pen.stroke();
  pen.font = `600 ${11 * ratio}px system-ui, sans-serif`;
  pen.textAlign = "center";
  pen.fillText("N", 0, -6 * ratio);
  pen.restore();
}

/** Edges of the world's rectangle, where the source cuts its polygons, are no coast. */
function isCut(a: [number, number], b: [number, number]): boolean {
  const meridian = Math.abs(a[0]) >= 180 && Math.abs(b[0]) >= 180;
  return meridian || (a[1] <= -90 && b[1] <= -90);
}

function line(
  path: Path2D,
  grid: Grid,
  points: [number, number][],
  cut: (a: [number, number], b: [number, number]) => boolean,
  w: number,
  h: number,
  turn = 0,
): void {
  let before: [number, number] | undefined;
  let down = false;
  for (const point of points) {
    const at = grid.locate(point[0] + turn, point[1]);
    const joined = down && at !== undefined && before !== undefined && !cut(before, point);
    if (at !== undefined) {
      if (joined) path.lineTo(at[0] * w, at[1] * h);
      else path.moveTo(at[0] * w, at[1] * h);
    }
    down = at !== undefined;
    before = point;
  }
}

/** Steps between lines of the net, in degrees, the widest that still gives a few lines. */
const STEPS = [30, 20, 10, 5, 2, 1, 0.5];

function net(
  pen: CanvasRenderingContext2D,
  canvas: HTMLCanvasElement,
  grid: Grid,
  ink: Ink,
  ratio: number,
): void {
  const seen = extent(grid);
  const step = STEPS.find((s) => (seen.north - seen.south) / s >= 3) ?? 0.5;
  const across = STEPS.find((s) => (seen.east - seen.west) / s >= 4) ?? 0.5;
  const [w, h] = [canvas.width / grid.columns, canvas.height / grid.rows];
  const path = new Path2D();
  const never = () => false;
  const marks: [string, number, number, "lat" | "lon"][] = [];
  const multiples = (from: number, to: number, by: number): number[] => {
    const found = [];
    for (let k = Math.ceil(from / by); k * by <= to; k++) found.push(k * by);
    return found;
  };
  const points = (a: number, b: number, of: (t: number) => [number, number]) =>
    Array.from({ length: 181 }, (_, i) => of(a + ((b - a) * i) / 180));
  for (const lat of multiples(seen.south, seen.north, step)) {
    line(path, grid, points(seen.west, seen.east, (lon) => [lon, lat]), never, w, h);
    const at = edge(grid, points(seen.west, seen.east, (lon) => [lon, lat]));
    if (at) marks.push([degrees(lat, "N", "S"), at[0] * w, at[1] * h, "lat"]);
  }
  for (const lon of multiples(seen.west, seen.east - 1e-9, across)) {
    line(path, grid, points(seen.south, seen.north, (lat) => [lon, lat]), never, w, h);
    const at = edge(grid, points(seen.south, seen.north, (lat) => [lon, lat]));
    if (at) marks.push([degrees(principal(lon), "E", "W"), at[0] * w, at[1] * h, "lon"]);
  }
  pen.strokeStyle = ink.net;
  pen.lineWidth = 0.8 * ratio;
  pen.stroke(path);
  pen.font = `${10 * ratio}px system-ui, sans-serif`;
  pen.lineWidth = 3 * ratio;
  pen.strokeStyle = ink.halo;
  pen.fillStyle = ink.coast;
  for (const [text, x, y, kind] of marks) {
    const left = Math.min(Math.max(x + 4 * ratio, 3 * ratio), canvas.width - 34 * ratio);
    const top = Math.min(Math.max(y - 4 * ratio, 11 * ratio), canvas.height - 5 * ratio);
    // Corners belong to nobody: two labels would lie on each other there.
    if (kind === "lon" && left < 30 * ratio) continue;
    if (kind === "lat" && top > canvas.height - 16 * ratio) continue;
    pen.strokeText(text, left, top);
    pen.fillText(text, left, top);
  }
}

/** The first point of a line that lies within the grid, in cells. */
function edge(grid: Grid, points: [number, number][]): [number, number] | undefined {
  for (const point of points) {
    const at = grid.locate(...point);
    if (at && at[0] >= 0 && at[1] >= 0 && at[0] <= grid.columns && at[1] <= grid.rows) return at;
  }
  return undefined;
}

function degrees(value: number, positive: string, negative: string): string {
  if (value === 0 || Math.abs(value) === 180) return `${Math.abs(value)}°`;
  return `${Math.abs(value)}° ${value < 0 ? negative : positive}`;
}

interface Extent {
  west: number;
  south: number;
  east: number;
  north: number;
}

/** Degrees between which a grid's cells lie, from every so manyth of them; past 180 if that is nearer. */
function extent(grid: Grid): Extent {
  const found: Extent = { west: 180, south: 90, east: -180, north: -90 };
  const around = { west: 360, east: 0 };
  if (!grid.geographic && grid.centres === undefined) return { ...found, west: 0, east: 0 };
  const some = (n: number): number[] => {
    const step = Math.max(Math.floor(n / 60), 1);
    return [...Array.from({ length: Math.ceil(n / step) }, (_, i) => i * step), n - 1];
  };
  for (const row of some(grid.rows)) {
    for (const column of some(grid.columns)) {
      const { lat, lon } = grid.centre({ row, column })!;
      if (!Number.isFinite(lat) || !Number.isFinite(lon)) continue;
      found.west = Math.min(found.west, lon);
      found.east = Math.max(found.east, lon);
      around.west = Math.min(around.west, lon < 0 ? lon + 360 : lon);
      around.east = Math.max(around.east, lon < 0 ? lon + 360 : lon);
      found.south = Math.min(found.south, lat);
      found.north = Math.max(found.north, lat);
    }
  }
  const nearer = around.east - around.west < found.east - found.west;
  return nearer ? { ...found, ...around } : found;
}
