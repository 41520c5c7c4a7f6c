// A pixel's days: its probability with the days that cannot be decided, its states, its radiometers.
import { MISSING, type Flag, type Series, type Values } from "./cube";
import { firstOf, isoDay, yearOf } from "./days";
import { words } from "./layers";
import { hatch, type Ink } from "./map";
import { colourOf, css, type Colour } from "./palette";

export interface Meanings {
  state: Flag[];
  set: Flag[];
  source: Flag[];
  scale: number;
}

/** Days from `from` to `to`, the last left out, as places along the cube's axis. */
export interface Span {
  from: number;
  to: number;
}

export interface ChartInk extends Ink {
  text: string;
  faint: string;
  line: string;
  undecided: string;
}

const LEFT = 50;
const RIGHT = 10;
const TOP = 10;
const STRIP = 16;
const BELOW = 24;

interface Row {
  name: string;
  values: Values;
  flags: Flag[];
}

export class Chart {
  #frame = { left: 0, width: 1, span: { from: 0, to: 1 } as Span };

  constructor(
    readonly canvas: HTMLCanvasElement,
    readonly days: Int32Array,
    readonly meanings: Meanings,
  ) {}

  /** The place along the cube's days that lies at a distance from the canvas's left edge. */
  dayAt(x: number): number | undefined {
    const { left, width, span } = this.#frame;
    const at = span.from + ((x - left) / width) * (span.to - span.from);
    return at >= span.from && at < span.to ? Math.floor(at) : undefined;
  }

  draw(series: Series, span: Span, now: number, ratio: number, ink: ChartInk): void {
    const { canvas } = this;
    const pen = canvas.getContext("2d")!;
    const rows: Row[] = [{ name: "State", values: series.state, flags: this.meanings.state }];
    if (series.source) {
      rows.push({ name: "Sensor", values: series.source, flags: this.meanings.source });
    }
    const left = LEFT * ratio;
    const width = canvas.width - (LEFT + RIGHT) * ratio;
    const strips = (rows.length * (STRIP + 6) + BELOW) * ratio;
    const top = TOP * ratio;
    const height = canvas.height - strips - top - 6 * ratio;
    this.#frame = { left: LEFT, width: width / ratio, span };
    const x = (place: number) => left + ((place - span.from) / (span.to - span.from)) * width;
    const y = (share: number) => top + (1 - share) * height;

    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.font = `${11 * ratio}px system-ui, sans-serif`;
    pen.textBaseline = "middle";
    this.#undecided(pen, series, span, x, top, height, ink);
    pen.lineWidth = ratio;
    for (const share of [0, 0.5, 1]) {
      pen.strokeStyle = ink.faint;
      pen.setLineDash(share === 0.5 ? [4 * ratio, 4 * ratio] : []);
      pen.beginPath();
      pen.moveTo(left, y(share));
      pen.lineTo(left + width, y(share));
      pen.stroke();
      pen.fillStyle = ink.text;
      pen.textAlign = "right";
      pen.fillText(`${100 * share} %`, left - 6 * ratio, y(share));
    }
    pen.setLineDash([]);
    this.#line(pen, series.probability, span, x, y, ratio, ink);
    rows.forEach((row, i) => {
      const above = top + height + (10 + i * (STRIP + 6)) * ratio;
      this.#strip(pen, row, span, left, above, width, STRIP * ratio, ratio, ink);
      pen.fillStyle = ink.text;
      pen.textAlign = "right";
      pen.fillText(row.name, left - 5 * ratio, above + (STRIP / 2) * ratio);
    });
    this.#axis(pen, span, x, canvas.height - (BELOW / 2 - 2) * ratio, top, height, ratio, ink);
    if (now >= span.from && now < span.to) {
      const at = x(now + 0.5);
      pen.strokeStyle = ink.mark;
      pen.lineWidth = 1.5 * ratio;
      pen.beginPath();
      pen.moveTo(at, top - 4 * ratio);
      pen.lineTo(at, canvas.height - BELOW * ratio);
      pen.stroke();
    }
  }

  /** A band behind each run of days whose set does not hold exactly one state. */
  #undecided(
    pen: CanvasRenderingContext2D,
    series: Series,
    span: Span,
    x: (place: number) => number,
    top: number,
    height: number,
    ink: ChartInk,
  ): void {
    if (series.set === undefined) return;
    const single = new Set(
      this.meanings.set.filter((f) => f.meaning in STATES).map((f) => f.value),
    );
    pen.fillStyle = ink.undecided;
    let from: number | undefined;
    for (let i = span.from; i <= span.to; i++) {
      const code = i < span.to ? series.set[i] : MISSING;
      const open = code !== MISSING && !single.has(code);
      if (open) from ??= i;
      else if (from !== undefined) {
        pen.fillRect(x(from), top, Math.max(x(i) - x(from), 1), height);
        from = undefined;
      }
    }
  }

  #line(
    pen: CanvasRenderingContext2D,
    values: Values,
    span: Span,
    x: (place: number) => number,
    y: (share: number) => number,
    ratio: number,
    ink: ChartInk,
  ): void {
    pen.strokeStyle = pen.fillStyle = ink.line;
    pen.lineWidth = (span.to - span.from > 900 ? 0.8 : 1.4) * ratio;
    pen.lineJoin = "round";
    pen.beginPath();
    let down = false;
    for (let i = span.from; i < span.to; i++) {
      if (values[i] === MISSING) {
        down = false;
        continue;
      }
      const [px, py] = [x(i + 0.5), y(values[i] * this.meanings.scale)];
      if (down) pen.lineTo(px, py);
      else pen.moveTo(px, py);
      // A known day between missing ones is no line, but has to be seen.
      const alone = !down && (i + 1 >= span.to || values[i + 1] === MISSING);
      if (alone) pen.lineTo(px + ratio, py);
      down = true;
    }
    pen.stroke();
  }

  /** One colour a day; where days are narrower than a pixel, each colour by its share of them. */
  #strip(
    pen: CanvasRenderingContext2D,
    row: Row,
    span: Span,
    left: number,
    top: number,
    width: number,
    height: number,
    ratio: number,
    ink: Ink,
  ): void {
    const colours = new Map<number, Colour>(
      row.flags.map(({ value, meaning }, i) => [value, colourOf(meaning, i)]),
    );
    pen.fillStyle = hatch(ink, ratio);
    pen.fillRect(left, top, width, height);
    const perPixel = (span.to - span.from) / width;
    for (let column = 0; column < Math.round(width); column++) {
      const a = Math.floor(span.from + column * perPixel);
      const b = Math.max(Math.min(Math.floor(span.from + (column + 1) * perPixel), span.to), a + 1);
      const counts = new Map<number, number>();
      for (let i = a; i < b; i++) counts.set(row.values[i], (counts.get(row.values[i]) ?? 0) + 1);
      let from = top;
      for (const { value } of row.flags) {
        const part = (height * (counts.get(value) ?? 0)) / (b - a);
        if (part === 0) continue;
        pen.fillStyle = css(colours.get(value)!);
        pen.fillRect(left + column, from, 1, part);
        from += part;
      }
    }
  }

  #axis(
    pen: CanvasRenderingContext2D,
    span: Span,
    x: (place: number) => number,
    middle: number,
    top: number,
    height: number,
    ratio: number,
    ink: ChartInk,
  ): void {
    const [first, last] = [this.days[span.from], this.days[span.to - 1]];
    const ticks: [number, string][] = [];
    const long = last - first > 500;
    if (last - first < 60) {
      for (let day = first; day <= last; day++) ticks.push([day, isoDay(day).slice(5)]);
    } else {
      for (let year = yearOf(first); year <= yearOf(last) + 1; year++) {
        for (let month = 0; month < (long ? 1 : 12); month++) {
          const day = firstOf(year, month);
          const name = month === 0 ? String(year) : isoDay(day).slice(0, 7);
          if (day >= first && day <= last) ticks.push([day, name]);
        }
      }
    }
    pen.textAlign = "center";
    pen.lineWidth = ratio;
    let free = -Infinity;
    for (const [day, name] of ticks) {
      const at = x(span.from + (day - first));
      pen.strokeStyle = ink.faint;
      pen.beginPath();
      pen.moveTo(at, top);
      pen.lineTo(at, top + height);
      pen.stroke();
      const half = pen.measureText(name).width / 2;
      if (at - half < free + 6 * ratio || at + half > this.canvas.width) continue;
      pen.fillStyle = ink.text;
      pen.fillText(name, at, middle);
      free = at + half;
    }
  }

  /** One day of a series in words. */
  said(series: Series, place: number): string {
    const { state, set, source, scale } = this.meanings;
    const share = series.probability[place];
    const parts = [
      named(state, series.state[place]),
      share === MISSING ? "" : `${Math.round(100 * share * scale)} % frozen`,
      undecided(set, series.set?.[place]),
      series.source === undefined ? "" : named(source, series.source[place], ""),
    ];
    return `${isoDay(this.days[place])}: ${parts.filter(Boolean).join(" · ")}`;
  }

  /** The series as comma-separated values, one line a day, empty where missing. */
  table(series: Series): string {
    const { state, set, source, scale } = this.meanings;
    const decimals = Math.max(Math.round(-Math.log10(scale)), 0);
    const lines = ["day,freeze_thaw_state,frozen_probability,prediction_set,source_flag"];
    for (let i = 0; i < this.days.length; i++) {
      const share = series.probability[i];
      lines.push(
        [
          isoDay(this.days[i]),
          plain(state, series.state[i]),
          share === MISSING ? "" : (share * scale).toFixed(decimals),
          plain(set, series.set?.[i]),
          plain(source, series.source?.[i]),
        ].join(","),
      );
    }
    return `${lines.join("\n")}\n`;
  }
}

const STATES: Record<string, true> = { thawed: true, frozen: true };

const plain = (flags: Flag[], value: number | undefined): string =>
  flags.find((flag) => flag.value === value)?.meaning ?? "";

function named(flags: Flag[], value: number, missing = "missing"): string {
  const found = plain(flags, value);
  return found === "" ? missing : words(found);
}

function undecided(flags: Flag[], value: number | undefined): string {
  const found = plain(flags, value);
  if (found === "both") return "undecided: both states are possible";
  if (found === "neither") return "undecided: like neither state";
  return "";
}
