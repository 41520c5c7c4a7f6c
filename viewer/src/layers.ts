// How the values of a layer become colours, words and a legend.
import { flagsOf, MISSING, type Flag, type FrozenDays, type Layer, type Values } from "./cube";
import { AMOUNT, colourOf, PROBABILITY, type Colour, type Ramp } from "./palette";

export interface Entry {
  colour: Colour;
  label: string;
}
export type Legend =
  | { kind: "classes"; entries: Entry[]; note?: string }
  | { kind: "ramp"; ramp: Ramp; low: string; high: string; middle?: string };

/** A picture's values with what they mean. */
export interface Picture {
  layer: Layer;
  values: Values;
  /** The colour of a cell's value; undefined where it is missing. */
  colour(value: number): Colour | undefined;
  words(value: number): string;
  legend: Legend;
  /** What it is of, beyond the layer's name. */
  of: string;
}

const NONE: Colour = [196, 208, 196];
const BIT_COLOURS: Colour[] = [
  [86, 160, 220],
  [190, 170, 30],
  [0, 128, 110],
  [224, 220, 212],
  [120, 94, 60],
  [204, 90, 150],
  [110, 90, 180],
  [60, 60, 60],
];

export const words = (meaning: string): string => meaning.replaceAll("_", " ");
const percent = (value: number): string => `${Math.round(value)} %`;

export function picture(layer: Layer, values: Values): Picture {
  const flags = flagsOf(layer.attributes);
  if (layer.kind === "bits") return ofBits(layer, values, flags);
  if (layer.kind === "share") return ofShare(layer, values);
  return ofFlags(layer, values, flags);
}

function ofFlags(layer: Layer, values: Values, flags: Flag[]): Picture {
  const colours = new Map(flags.map(({ value, meaning }, i) => [value, colourOf(meaning, i)]));
  const meanings = new Map(flags.map(({ value, meaning }) => [value, words(meaning)]));
  return {
    layer,
    values,
    colour: (value) => colours.get(value),
    words: (value) => meanings.get(value) ?? "missing",
    legend: {
      kind: "classes",
      entries: flags.map(({ value, meaning }) => ({
        colour: colours.get(value)!,
        label: words(meaning),
      })),
    },
    of: String(layer.attributes.long_name ?? ""),
  };
}

function ofBits(layer: Layer, values: Values, flags: Flag[]): Picture {
  const raised = (value: number): number[] =>
    flags.flatMap((flag, i) => (value & flag.value ? [i] : []));
  return {
    layer,
    values,
    colour(value) {
      if (value === MISSING) return undefined;
      const last = raised(value).at(-1);
      return last === undefined ? NONE : BIT_COLOURS[last % BIT_COLOURS.length];
    },
    words(value) {
      if (value === MISSING) return "missing";
      const found = raised(value).map((i) => words(flags[i].meaning));
      return found.length ? found.join(", ") : "nothing to note";
    },
    legend: {
      kind: "classes",
      entries: [
        { colour: NONE, label: "nothing to note" },
        ...flags.map(({ meaning }, i) => ({
          colour: BIT_COLOURS[i % BIT_COLOURS.length],
          label: words(meaning),
        })),
      ],
      note: "A cell with several has the colour of the lowest in this list; point at it for all.",
    },
    of: String(layer.attributes.long_name ?? ""),
  };
}

function ofShare(layer: Layer, values: Values): Picture {
  const scale = 100 * Number(layer.attributes.scale_factor ?? 0.01);
  return {
    layer,
    values,
    colour: (value) =>
      value === MISSING ? undefined : PROBABILITY[Math.min(Math.round(value * scale), 100)],
    words: (value) => (value === MISSING ? "missing" : `${percent(value * scale)} frozen`),
    legend: {
      kind: "ramp",
      ramp: PROBABILITY,
      low: "0 % surely thawed",
      middle: "50 %",
      high: "100 % surely frozen",
    },
    of: String(layer.attributes.long_name ?? ""),
  };
}

/** Days of a year from none to all: the same scale for every year. */
export function ofFrozenDays(layer: Layer, found: FrozenDays): Picture {
  const whole = 365;
  const days = (value: number): number => value * found.scale;
  return {
    layer,
    values: found.values,
    colour: (value) =>
      value === found.missing
        ? undefined
        : AMOUNT[Math.min(Math.round((100 * days(value)) / whole), 100)],
    words: (value) =>
      value === found.missing ? "missing" : `${days(value).toFixed(0)} frozen days`,
    legend: { kind: "ramp", ramp: AMOUNT, low: "0 days", high: `${whole} days` },
    of: found.values.some((value) => value !== found.missing)
      ? found.of
      : `${found.of}: not known, ${found.needs}`,
  };
}
