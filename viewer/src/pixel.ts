// The panel below the map: everything about one cell along all days.
import { Chart } from "./chart";
import { flagsOf, type Cube, type Series } from "./cube";
import { isoDay } from "./days";
import { element } from "./elements";
import { written, type Cell } from "./grid";
import { ink } from "./ink";
import { words } from "./layers";
import { entry, item, missing } from "./legend";
import { cleared, fitted } from "./map";
import { colourOf } from "./palette";

// Days on either side of the one on the map, where only those around it are asked for.
const AROUND = 183;

export class Pixel {
  readonly #chart: Chart;
  readonly #canvas = element("chart", HTMLCanvasElement);
  readonly #panel = element("pixel", HTMLElement);
  readonly #said = element("pixel-said", HTMLElement);
  readonly #near = element("span", HTMLButtonElement);
  #series: Series | undefined;
  #cell: Cell | undefined;
  #place = 0;

  constructor(
    readonly cube: Cube,
    chosen: (place: number) => void,
  ) {
    this.#chart = new Chart(this.#canvas, cube.days, {
      state: flagsOf(cube.attributesOf("freeze_thaw_state")),
      set: flagsOf(cube.attributesOf("prediction_set")),
      source: flagsOf(cube.attributesOf("source_flag")),
      scale: Number(cube.attributesOf("frozen_probability").scale_factor ?? 0.01),
    });
    this.#canvas.addEventListener("pointermove", (event) => {
      const place = this.#chart.dayAt(event.offsetX);
      if (place !== undefined) this.#say(place);
    });
    this.#canvas.addEventListener("pointerleave", () => this.#say(this.#place));
    this.#canvas.addEventListener("click", (event) => {
      const place = this.#chart.dayAt(event.offsetX);
      if (place !== undefined) chosen(place);
    });
    this.#near.hidden = cube.days.length < 3 * AROUND;
    this.#near.addEventListener("click", () => {
      const near = this.#near.getAttribute("aria-pressed") !== "true";
      this.#near.setAttribute("aria-pressed", String(near));
      this.draw();
    });
    element("save", HTMLButtonElement).addEventListener("click", () => this.#save());
  }

  /** Read and show a cell; what is read too late, another having been chosen, is dropped. */
  async show(cell: Cell, place: number): Promise<void> {
    this.#cell = cell;
    this.#place = place;
    this.#panel.hidden = false;
    const where = written(this.cube.grid.centre(cell));
    element("pixel-title", HTMLElement).textContent = `At ${where}: every day`;
    this.#panel.setAttribute("aria-busy", "true");
    if (this.#series === undefined) this.#said.textContent = "Reading its days …";
    try {
      const series = await this.cube.series(cell);
      if (this.#cell !== cell) return;
      this.#series = series;
      this.#canvas.setAttribute("aria-label", `Probability, state and sensor at ${where}`);
      this.draw();
      this.#say(this.#place);
      this.#panel.dataset.shown = `${cell.row},${cell.column}`;
    } catch (error) {
      if (this.#cell !== cell) return;
      this.#without();
      const found = error instanceof Error ? error.message : error;
      this.#said.textContent = `Its days could not be read. ${found}`;
    } finally {
      if (this.#cell === cell) this.#panel.setAttribute("aria-busy", "false");
    }
  }

  hide(): void {
    this.#cell = undefined;
    this.#panel.hidden = true;
    this.#without();
  }

  /** Take the series away: it is never drawn, nor saved, for another cell. */
  #without(): void {
    this.#series = undefined;
    delete this.#panel.dataset.shown;
    cleared(this.#canvas);
    element("pixel-legend", HTMLElement).replaceChildren();
  }

  at(place: number): void {
    this.#place = place;
    this.draw();
    this.#say(place);
  }

  draw(): void {
    if (this.#series === undefined) return;
    const { clientWidth, clientHeight } = this.#canvas;
    const ratio = fitted(this.#canvas, clientWidth, clientHeight);
    const count = this.cube.days.length;
    let span = { from: 0, to: count };
    if (this.#near.getAttribute("aria-pressed") === "true" && !this.#near.hidden) {
      const from = Math.min(Math.max(this.#place - AROUND, 0), count - 2 * AROUND);
      span = { from, to: from + 2 * AROUND };
    }
    this.#chart.draw(this.#series, span, this.#place, ratio, ink());
    this.#legend();
  }

  #say(place: number): void {
    if (this.#series !== undefined) {
      this.#said.textContent = this.#chart.said(this.#series, place);
    }
  }

  #legend(): void {
    const { meanings } = this.#chart;
    const colours = ink();
    const level = Number(this.cube.attributes.conformal_level);
    const at = Number.isFinite(level) ? ` at the ${Math.round(100 * level)} % level` : "";
    const items = [item("probability of frozen", colours.line)];
    if (this.#series?.set) items.push(item(`cannot be decided${at}`, colours.undecided));
    const flags = [...meanings.state, ...(this.#series?.source ? meanings.source : [])];
    for (const list of [meanings.state, this.#series?.source ? meanings.source : []]) {
      list.forEach((flag, i) => {
        if (flags.includes(flag)) {
          items.push(entry({ colour: colourOf(flag.meaning, i), label: words(flag.meaning) }));
        }
      });
    }
    element("pixel-legend", HTMLElement).replaceChildren(...items, missing(colours));
  }

  #save(): void {
    if (this.#series === undefined) return;
    const { lat, lon } = this.cube.grid.centre(this.#series.cell) ?? { lat: 0, lon: 0 };
    const link = document.createElement("a");
    const text = this.#chart.table(this.#series);
    link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
    const name = this.cube.simulated ? "SIMULATED-freeze-thaw" : "freeze-thaw";
    const days = `${isoDay(this.cube.first)}-${isoDay(this.cube.last)}`;
    link.download = `${name}_${lat.toFixed(3)}_${lon.toFixed(3)}_${days}.csv`;
    link.click();
    URL.revokeObjectURL(link.href);
  }
}
