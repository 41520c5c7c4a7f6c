// Where cells are: the axes as stored, and how places in degrees come onto them.
export interface Place {
  lat: number;
  lon: number;
}
export interface Cell {
  row: number;
  column: number;
}
type Point = [x: number, y: number];
export type Attributes = Record<string, any>;

const RADIANS = Math.PI / 180;

/** A longitude within -180..180 degrees. */
export const principal = (lon: number): number =>
  Math.abs(lon) > 180 ? lon - 360 * Math.round(lon / 360) : lon;

/** Longitude and latitude in degrees to the axes of a CF grid mapping; undefined where it has no place. */
export type Projection = (lon: number, lat: number) => Point | undefined;

/** The authalic q of a latitude, Snyder (1987), equation 3-12. */
function authalic(lat: number, e: number): number {
  const s = Math.sin(lat);
  const t = e * s;
  return (1 - e * e) * (s / (1 - t * t) - Math.log((1 - t) / (1 + t)) / (2 * e));
}

/** The projection that a CF grid mapping names: those of latitude and longitude, and of EASE-Grid 2.0. */
export function projection(mapping: Attributes): Projection {
  const name = mapping.grid_mapping_name;
  if (name === "latitude_longitude") return (lon, lat) => [lon, lat];
  const a = Number(mapping.semi_major_axis);
  const f = 1 / Number(mapping.inverse_flattening);
  const e = Math.sqrt(f * (2 - f));
  if (
    name === "lambert_azimuthal_equal_area" &&
    Number(mapping.latitude_of_projection_origin) === 90
  ) {
    const pole = authalic(Math.PI / 2, e);
    const origin = Number(mapping.longitude_of_projection_origin);
    // Snyder (1987), equations 21-30, 24-23. The other pole is a circle: what lies near has no place.
    return (lon, lat) => {
      if (lat < -60) return undefined;
      const radius = a * Math.sqrt(Math.max(pole - authalic(lat * RADIANS, e), 0));
      const angle = (lon - origin) * RADIANS;
      return [radius * Math.sin(angle), -radius * Math.cos(angle)];
    };
  }
  if (name === "lambert_cylindrical_equal_area") {
    const parallel = Number(mapping.standard_parallel) * RADIANS;
    const origin = Number(mapping.longitude_of_central_meridian ?? 0);
    const k = Math.cos(parallel) / Math.sqrt(1 - (e * Math.sin(parallel)) ** 2);
    // Snyder (1987), equations 10-14, 10-15.
    return (lon, lat) => [a * k * (lon - origin) * RADIANS, (a * authalic(lat * RADIANS, e)) / (2 * k)];
  }
  throw new Error(`The grid mapping ${name} is none that this page can draw.`);
}

/** Cells in rows from the north, equal in the units of their axes. */
export class Grid {
  readonly rows: number;
  readonly columns: number;
  readonly project: Projection;
  readonly geographic: boolean;
  #width: number;
  #height: number;
  /** Latitude and longitude of every cell of a projected grid, once they are read. */
  centres: { lat: ArrayLike<number>; lon: ArrayLike<number> } | undefined;

  constructor(
    readonly x: ArrayLike<number>,
    readonly y: ArrayLike<number>,
    mapping: Attributes,
    transform: number[] | undefined,
  ) {
    this.rows = y.length;
    this.columns = x.length;
    this.project = projection(mapping);
    this.geographic = mapping.grid_mapping_name === "latitude_longitude";
    // A single row or column does not tell its own size; the group's attributes do.
    this.#width = this.columns > 1 ? x[1] - x[0] : (transform?.[0] ?? 1);
    this.#height = this.rows > 1 ? y[0] - y[1] : -(transform?.[4] ?? -1);
  }

  /** Width over height of the whole grid as it is drawn: degrees of longitude shrink with the latitude. */
  get aspect(): number {
    const middle = (this.y[0] + this.y[this.rows - 1]) / 2;
    const shrunk = this.geographic ? Math.max(Math.cos(middle * RADIANS), 0.2) : 1;
    return (this.columns * this.#width * shrunk) / (this.rows * this.#height);
  }

  /** Degrees to add to longitudes of -180..180 to meet all cells: a grid may run on past 180. */
  get turns(): number[] {
    return this.geographic && this.x[this.columns - 1] > 180 ? [0, 360] : [0];
  }

  /** Where a place lies, in cells from the outer corner in the north-west. */
  locate(lon: number, lat: number): Point | undefined {
    const point = this.project(lon, lat);
    if (point === undefined) return undefined;
    return [
      (point[0] - this.x[0]) / this.#width + 0.5,
      (this.y[0] - point[1]) / this.#height + 0.5,
    ];
  }

  /** The cell that holds a place, if the grid does, whichever turn its longitude is counted in. */
  cellAt(place: Place): Cell | undefined {
    const west = this.x[0] - this.#width / 2;
    const turns = this.geographic ? Math.ceil((west - place.lon) / 360) : 0;
    const found = this.locate(place.lon + 360 * turns, place.lat);
    if (found === undefined) return undefined;
    const cell = { column: Math.floor(found[0]), row: Math.floor(found[1]) };
    return this.holds(cell) ? cell : undefined;
  }

  holds({ row, column }: Cell): boolean {
    return row >= 0 && row < this.rows && column >= 0 && column < this.columns;
  }

  /** The centre of a cell in degrees, once it is known. */
  centre({ row, column }: Cell): Place | undefined {
    if (this.geographic) return { lat: this.y[row], lon: principal(this.x[column]) };
    if (this.centres === undefined) return undefined;
    const at = row * this.columns + column;
    return { lat: this.centres.lat[at], lon: this.centres.lon[at] };
  }
}

/** A place as people write it: 34.13° N, 92.38° E. */
export function written(place: Place | undefined): string {
  if (place === undefined) return "";
  const lat = `${Math.abs(place.lat).toFixed(2)}° ${place.lat < 0 ? "S" : "N"}`;
  const lon = `${Math.abs(place.lon).toFixed(2)}° ${place.lon < 0 ? "W" : "E"}`;
  return `${lat}, ${lon}`;
}
