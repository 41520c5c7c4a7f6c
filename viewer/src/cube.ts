// The published cube as the page knows it: its attributes, axes and layers, all from its own metadata.
import * as zarr from "zarrita";
import { Blosc } from "./blosc";
import { Crc32c } from "./crc32c";
import { Grid, type Attributes, type Cell } from "./grid";
import { Damaged, stores, Unreadable, without, type Store } from "./store";

export type Values = Uint8Array | Int16Array | Int32Array | Float64Array;
type Stored = zarr.Array<zarr.DataType, Store>;
type Location = zarr.Location<Store>;

export const MISSING = 255;
// The day that is shown first: the newest of these last ones with this share of the best one's cells.
const LAST_DAYS = 14;
const NEARLY_WHOLE = 0.9;
// Share of the freezing years that their mean needs.
const YEARS_KNOWN = 0.8;

zarr.registry.set("blosc", async () => Blosc);
zarr.registry.set("crc32c", async () => Crc32c);

/** One flag of a variable: a value of its own, or a bit of it. */
export interface Flag {
  value: number;
  meaning: string;
}

/** The flags that CF's attributes of a variable name. */
export function flagsOf(attributes: Attributes): Flag[] {
  const values: number[] = attributes.flag_values ?? attributes.flag_masks ?? [];
  const meanings = String(attributes.flag_meanings ?? "").split(" ");
  return values.map((value, i) => ({ value, meaning: meanings[i] ?? String(value) }));
}

/** What a layer's picture is of: a variable, and where it has overpasses which of them. */
export interface Layer {
  id: string;
  name: string;
  kind: "flags" | "bits" | "share" | "days";
  variable: string;
  overpass?: number;
  attributes: Attributes;
}

/** Frozen days of the freezing years, or of their mean where no whole year holds the day. */
export interface FrozenDays {
  values: Values;
  scale: number;
  missing: number;
  of: string;
  /** What must be known for a value. */
  needs: string;
}

/** The series of one cell, as stored, along the cube's days. */
export interface Series {
  cell: Cell;
  state: Values;
  probability: Values;
  set: Values | undefined;
  source: Values | undefined;
}

interface Annual {
  years: Values;
  bounds: Values;
}

export interface Release {
  version?: string;
  /** Files beside the cube, by their folder. */
  companions?: Record<string, string[]>;
  /** Objects of the cube that are not there, all of their values being missing. */
  absent?: string[];
}

export class Cube {
  readonly layers: Layer[];
  readonly title: string;
  readonly simulated: boolean;
  #arrays = new Map<string, Promise<Stored>>();
  #annual: Promise<Annual> | undefined;

  private constructor(
    readonly url: string,
    readonly attributes: Attributes,
    readonly days: Int32Array,
    readonly grid: Grid,
    readonly release: Release,
    private readonly ranges: Location,
    private readonly whole: Location,
    private readonly metadata: Record<string, any>,
  ) {
    this.title = String(attributes.title ?? "");
    this.simulated = attributes.simulated === "true" || this.title.startsWith("SIMULATED");
    this.layers = this.#layers();
  }

  /** Open the cube at a URL, and what its release says of itself beside it. */
  static async open(url: string): Promise<Cube> {
    const { ranges, whole } = stores(url);
    const beside = `${url.replace(/\/[^/]*$/, "")}/`;
    const [bytes, release] = await Promise.all([
      ranges.get("/zarr.json"),
      released(new URL("release.json", beside).href),
    ]);
    if (bytes === undefined) throw new Unreadable(`${url}/zarr.json`, "no such object");
    const metadata = parsed(`${url}/zarr.json`, bytes);
    const held = metadata.consolidated_metadata?.metadata;
    if (held === undefined) {
      throw new Unreadable(`${url}/zarr.json`, "no consolidated metadata of Zarr version 3");
    }
    if (!("freeze_thaw_state" in held)) {
      throw new Unreadable(`${url}/zarr.json`, "a store without freeze_thaw_state");
    }
    const byPlace = consolidated(metadata, held);
    const absent = new Set(release.absent);
    const at = (store: Store) => {
      const known = without(store, absent);
      return zarr.root({ ...known, get: byPlace(known) } as Store);
    };
    const places = [at(ranges), at(whole)] as const;
    const axis = async (name: string) => (await values(await array(places[0], name))) as Values;
    const [days, y, x] = await Promise.all([axis("time"), axis("y"), axis("x")]);
    const crs = held.crs.attributes;
    const grid = new Grid(x, y, crs, metadata.attributes["spatial:transform"]);
    return new Cube(url, metadata.attributes, days as Int32Array, grid, release, ...places, held);
  }

  get first(): number {
    return this.days[0];
  }

  get last(): number {
    return this.days[this.days.length - 1];
  }

  attributesOf(variable: string): Attributes {
    return this.metadata[variable]?.attributes ?? {};
  }

  has(name: string): boolean {
    return name in this.metadata;
  }

  #layers(): Layer[] {
    const layer = (id: string, name: string, kind: Layer["kind"], variable: string): Layer => ({
      id,
      name,
      kind,
      variable,
      attributes: this.attributesOf(variable),
    });
    const found = [layer("state", "State", "flags", "freeze_thaw_state")];
    if (this.has("composite_state")) {
      found.push(layer("composite", "Morning and evening", "flags", "composite_state"));
    }
    found.push(layer("probability", "Probability", "share", "frozen_probability"));
    found.push(layer("quality", "Quality", "bits", "quality_flag"));
    if (this.has("annual/frozen_days")) {
      found.push(layer("frozen-days", "Frozen days", "days", "annual/frozen_days"));
    }
    return found.filter(({ variable }) => this.has(variable));
  }

  #open(at: Location, name: string): Promise<Stored> {
    const key = `${at === this.whole} ${name}`;
    if (!this.#arrays.has(key)) this.#arrays.set(key, array(at, name));
    return this.#arrays.get(key)!;
  }

  /** Values of a day's map, rows from the north, as stored. */
  async map(layer: Layer, place: number): Promise<Values> {
    return values(await this.#open(this.ranges, layer.variable), [place, null, null]);
  }

  /** Place of the newest of the last days on which nearly all cells are known that ever are on them. */
  async newestWhole(): Promise<number> {
    const last = this.days.length - 1;
    const from = Math.max(last + 1 - LAST_DAYS, 0);
    const state = await this.#open(this.ranges, "freeze_thaw_state");
    const codes = (await values(state, [zarr.slice(from, last + 1), null, null])) as Uint8Array;
    const cells = this.grid.rows * this.grid.columns;
    const known = Array.from({ length: last + 1 - from }, (_, i) =>
      codes.subarray(i * cells, (i + 1) * cells).reduce((n, code) => n + Number(code !== MISSING), 0),
    );
    const most = Math.max(...known);
    return from + known.map((n) => n >= NEARLY_WHOLE * most).lastIndexOf(true);
  }

  /** Frozen days of the freezing year that holds a day. */
  async frozenDays(day: number): Promise<FrozenDays> {
    this.#annual ??= this.#years();
    const { years, bounds } = await this.#annual;
    const at = Array.from(years).findIndex(
      (_, i) => bounds[2 * i] <= day && day < bounds[2 * i + 1],
    );
    const year = Number(years[at]);
    const share = Number(this.attributesOf("annual").least_known_share ?? 0.5);
    const name = at < 0 ? "annual/frozen_days_mean" : "annual/frozen_days";
    const { scale_factor = 1, _FillValue = -32768 } = this.attributesOf(name);
    return {
      values: await values(
        await this.#open(this.ranges, name),
        at < 0 ? [null, null] : [at, null, null],
      ),
      scale: scale_factor,
      missing: _FillValue,
      of: at < 0 ? `mean of ${count(years.length)}` : `freezing year ${winter(year)}`,
      needs:
        at < 0
          ? `a mean needs ${count(Math.ceil(YEARS_KNOWN * years.length))} of ${years.length}`
          : `a freezing year needs ${Math.round(100 * share)} % of its days`,
    };
  }

  async #years(): Promise<Annual> {
    const [years, bounds] = await Promise.all(
      ["annual/year", "annual/year_bounds"].map(async (name) =>
        values(await this.#open(this.ranges, name)),
      ),
    );
    return { years, bounds };
  }

  /** Everything about one cell along all days. */
  async series(cell: Cell): Promise<Series> {
    const read = async (name: string): Promise<Values | undefined> => {
      if (!this.has(name)) return undefined;
      // A copy cut for series has a pixel's days in one inner chunk of a shard: a range of it. Else a
      // tile's shards are needed from end to end.
      const copied = `series/${name}`;
      const stored = this.has(copied)
        ? await this.#open(this.ranges, copied)
        : await this.#open(this.whole, name);
      return values(stored, [null, cell.row, cell.column]);
    };
    const [state, probability, set, source] = await Promise.all(
      ["freeze_thaw_state", "frozen_probability", "prediction_set", "source_flag"].map(read),
    );
    return { cell, state: state!, probability: probability!, set, source };
  }

  /** Where a projected grid's cells are in degrees; nothing to do for one in degrees. */
  async locate(): Promise<void> {
    if (this.grid.geographic || this.grid.centres !== undefined) return;
    const [lat, lon] = await Promise.all(
      ["lat", "lon"].map(async (name) => values(await this.#open(this.ranges, name))),
    );
    this.grid.centres = { lat: lat as Float64Array, lon: lon as Float64Array };
  }
}

const count = (years: number): string => `${years} freezing year${years > 1 ? "s" : ""}`;

const winter = (year: number): string => `${year}/${String((year + 1) % 100).padStart(2, "0")}`;

function parsed(url: string, bytes: Uint8Array): any {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new Unreadable(url, `no JSON: ${cause instanceof Error ? cause.message : cause}`);
  }
}

/** Answers questions for metadata from the consolidated copy, so that they cost no request. */
function consolidated(
  root: any,
  held: Record<string, any>,
): (store: Store) => (key: `/${string}`) => Promise<Uint8Array | undefined> {
  const encoder = new TextEncoder();
  return (store) => async (key) => {
    if (!key.endsWith("/zarr.json")) return store.get(key);
    const name = key.slice(1, -"/zarr.json".length);
    const found = name === "" ? { ...root, consolidated_metadata: undefined } : held[name];
    return found === undefined ? undefined : encoder.encode(JSON.stringify(found));
  };
}

/** An array, each of whose chunks says its own place where it cannot be decoded. */
async function array(at: Location, name: string): Promise<Stored> {
  const stored: Stored = await zarr.open.v3(at.resolve(name), { kind: "array" });
  const read = stored.getChunk.bind(stored);
  stored.getChunk = async (place, ...options) => {
    try {
      return await read(place, ...options);
    } catch (error) {
      throw error instanceof zarr.CodecPipelineError ? new Damaged(name, place, error) : error;
    }
  };
  return stored;
}

async function values(stored: Stored, selection?: (number | zarr.Slice | null)[]): Promise<Values> {
  const found = await zarr.get(stored, selection as null[] | undefined);
  return (found as { data: Values }).data;
}

/** What the release says of itself; a cube that lies alone has none. */
async function released(url: string): Promise<Release> {
  const response = await fetch(url);
  return response.ok ? ((await response.json()) as Release) : {};
}
