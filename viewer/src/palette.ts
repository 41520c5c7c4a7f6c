// Colours that keep apart for every kind of colour vision: blue and orange after Okabe and Ito (2008),
// ramps of even steps in Oklab (Ottosson 2020). Missing is a hatched grey, never a colour of a class.
export type Colour = [red: number, green: number, blue: number];

export const FROZEN: Colour = [0, 98, 168];
export const THAWED: Colour = [230, 140, 20];

const BY_MEANING: Record<string, Colour> = {
  thawed: THAWED,
  frozen: FROZEN,
  AM_frozen_PM_thawed: [120, 196, 236],
  AM_thawed_PM_frozen: [174, 84, 140],
  both: [150, 110, 160],
  neither: [90, 90, 90],
};

// For flags whose meanings are not known here, such as the names of radiometers.
const FURTHER: Colour[] = [
  [0, 128, 110],
  [204, 121, 167],
  [86, 160, 220],
  [190, 170, 30],
  [120, 94, 60],
  [110, 90, 180],
  [213, 94, 0],
  [60, 60, 60],
];

export function colourOf(meaning: string, place: number): Colour {
  return BY_MEANING[meaning] ?? FURTHER[place % FURTHER.length];
}

export const css = ([r, g, b]: Colour, alpha = 1): string => `rgb(${r} ${g} ${b} / ${alpha})`;

type Lab = [number, number, number];

/** From Oklab to sRGB, out-of-gamut values cut. */
function fromOklab([L, a, b]: Lab): Colour {
  const l = (L + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (L - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (L - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const linear = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  return linear.map((v) => {
    const c = Math.min(Math.max(v, 0), 1);
    return Math.round(255 * (c <= 0.0031308 ? 12.92 * c : 1.055 * c ** (1 / 2.4) - 0.055));
  }) as Colour;
}

function toOklab(colour: Colour): Lab {
  const [r, g, b] = colour.map((v) => {
    const c = v / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s,
  ];
}

export type Ramp = Colour[];
const STEPS = 101;

/** A ramp through colours that lie at even distances along it. */
function ramp(...stops: Colour[]): Ramp {
  const labs = stops.map(toOklab);
  return Array.from({ length: STEPS }, (_, i) => {
    const at = (i / (STEPS - 1)) * (labs.length - 1);
    const k = Math.min(Math.floor(at), labs.length - 2);
    const t = at - k;
    return fromOklab(labs[k].map((v, j) => v + t * (labs[k + 1][j] - v)) as Lab);
  });
}

/** Surely thawed, undecided, surely frozen. */
export const PROBABILITY = ramp(THAWED, [247, 244, 240], FROZEN);
/** Few to many: pale to dark, at one hue after another. */
export const AMOUNT = ramp([253, 246, 214], [127, 188, 187], [44, 110, 160], [24, 32, 92]);
