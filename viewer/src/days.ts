// Days as the cube counts them: whole UTC days since 1970-01-01.
const LENGTH = 86_400_000;

export const isoDay = (day: number): string => new Date(day * LENGTH).toISOString().slice(0, 10);

/** The number of a day written as 2015-02-03, or undefined where that is none. */
export function parseDay(text: string): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return undefined;
  const at = Date.parse(`${text}T00:00:00Z`);
  return Number.isNaN(at) || isoDay(at / LENGTH) !== text ? undefined : at / LENGTH;
}

const LONG = new Intl.DateTimeFormat("en-GB", {
  weekday: "short",
  day: "numeric",
  month: "long",
  year: "numeric",
  timeZone: "UTC",
});

/** A day as people write it: Tue, 3 February 2015. */
export const longDay = (day: number): string => LONG.format(new Date(day * LENGTH));

export const yearOf = (day: number): number => new Date(day * LENGTH).getUTCFullYear();

/** The first day of a month, months from 0 and beyond 11. */
export const firstOf = (year: number, month: number): number => Date.UTC(year, month, 1) / LENGTH;
