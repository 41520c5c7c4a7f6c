// The page: opens the cube beside it, and keeps what is shown, what is said and the address in step.
import { Cube, type Layer } from "./cube";
import { isoDay, longDay, parseDay } from "./days";
import { element, made } from "./elements";
import { written, type Cell } from "./grid";
import { ink } from "./ink";
import { listen } from "./keys";
import { ofFrozenDays, picture, type Picture } from "./layers";
import { legend } from "./legend";
import { cleared, drawCells, drawOver, fitted } from "./map";
import * as permalink from "./permalink";
import { Pixel } from "./pixel";
import { Damaged, Unreadable } from "./store";
import { facts, heading, inputs, links, more } from "./words";

// Between two days of a play, where the next one is there at once.
const PACE = 350;
// A walk over many cells reads the series only where it stops.
const REST = 180;

class Page {
  readonly #main = element("main", HTMLElement);
  readonly #map = element("map", HTMLCanvasElement);
  readonly #over = element("over", HTMLCanvasElement);
  readonly #stage = element("stage", HTMLElement);
  readonly #busy = element("busy", HTMLElement);
  readonly #readout = element("readout", HTMLOutputElement);
  readonly #slider = element("slider", HTMLInputElement);
  readonly #date = element("date", HTMLInputElement);
  readonly #play = element("play", HTMLButtonElement);
  readonly #pixel: Pixel;
  #place: number;
  #layer: Layer;
  #cell: Cell | undefined;
  #shown: Picture | undefined;
  #asked = 0;
  #rest = 0;

  constructor(
    readonly cube: Cube,
    place: number,
  ) {
    this.#pixel = new Pixel(cube, (place) => this.go(place));
    this.#place = place;
    this.#layer = cube.layers[0];
    this.#frame();
    this.#listen();
  }

  /** Take day, layer and cell from the address; what it does not say, or no such cube has, stays. */
  async restore(): Promise<void> {
    const said = permalink.read(location.hash);
    if (said.day !== undefined) this.#place = this.#within(said.day - this.cube.first);
    this.#layer = this.cube.layers.find(({ id }) => id === said.layer) ?? this.#layer;
    const cell = said.at && this.cube.grid.cellAt(said.at);
    if (cell === undefined) this.release();
    this.#mark();
    await this.show();
    if (cell !== undefined) this.choose(cell, 0); // after the map: a series is the longer read
  }

  go(place: number): Promise<void> {
    this.#place = this.#within(place);
    return this.show();
  }

  choose(cell: Cell, rest = REST): void {
    if (!this.cube.grid.holds(cell)) return;
    this.#cell = cell;
    this.#over_();
    this.#say(cell);
    window.clearTimeout(this.#rest);
    this.#rest = window.setTimeout(() => this.#pixel.show(cell, this.#place), rest);
    this.#remember();
  }

  release(): void {
    window.clearTimeout(this.#rest);
    this.#cell = undefined;
    this.#pixel.hide();
    this.#over_();
    this.#remember();
  }

  /** Read the picture of the day and draw it, unless another one was asked for in the meantime. */
  async show(): Promise<void> {
    const asked = ++this.#asked;
    const [place, layer] = [this.#place, this.#layer];
    const day = this.cube.days[place];
    this.#slider.value = String(place);
    this.#slider.setAttribute("aria-valuetext", longDay(day));
    this.#date.value = isoDay(day);
    this.#main.setAttribute("aria-busy", "true");
    const slow = window.setTimeout(() => {
      this.#busy.textContent = "Reading …";
      this.#busy.hidden = false;
    }, 250);
    try {
      const shown =
        layer.kind === "days"
          ? ofFrozenDays(layer, await this.cube.frozenDays(day))
          : picture(layer, await this.cube.map(layer, place));
      if (asked !== this.#asked) return;
      this.#shown = shown;
      this.#words(day);
      this.draw();
      this.#pixel.at(place);
      this.#remember();
      this.#main.dataset.shown = `${isoDay(day)} ${layer.id}`;
      document.body.dataset.state = "ready";
      element("failed", HTMLElement).hidden = true;
    } catch (error) {
      if (asked === this.#asked) {
        this.#stop();
        this.#without(day);
        fail("This map could not be read", error);
      }
    } finally {
      window.clearTimeout(slow);
      if (asked === this.#asked) {
        this.#busy.hidden = true;
        this.#main.setAttribute("aria-busy", "false");
      }
    }
  }

  draw(): void {
    this.#fit();
    if (this.#shown) drawCells(this.#map, this.cube.grid, this.#shown, ink());
    else cleared(this.#map);
    this.#over_();
    this.#pixel.draw();
    const said = this.#shown ? legend(this.#shown.legend, this.#shown.of, ink()) : [];
    element("legend", HTMLElement).replaceChildren(...said);
  }

  /** Take the picture away: below the words of a day there is never the map of another. */
  #without(day: number): void {
    this.#shown = undefined;
    delete this.#main.dataset.shown;
    element("what", HTMLElement).textContent = this.#layer.name;
    element("of-day", HTMLElement).textContent = longDay(day);
    if (this.#cell) this.#readout.value = this.#told(this.#cell);
    this.draw();
  }

  #over_(): void {
    drawOver(this.#over, this.cube.grid, this.#cell, ink());
  }

  /** As wide as there is room for, and as high as it may be without a scroll for the controls. */
  #fit(): void {
    const { aspect } = this.cube.grid;
    const room = this.#stage.parentElement!.clientWidth - 2 * 14;
    const width = Math.min(room, aspect * Math.max(window.innerHeight * 0.62, 260));
    const height = width / aspect;
    this.#stage.style.width = `${width}px`;
    this.#stage.style.height = `${height}px`;
    fitted(this.#map, width, height);
    fitted(this.#over, width, height);
  }

  #within(place: number): number {
    return Math.min(Math.max(place, 0), this.cube.days.length - 1);
  }

  #frame(): void {
    const { cube } = this;
    element("simulated", HTMLElement).hidden = !cube.simulated;
    element("title", HTMLElement).textContent = cube.title;
    const version = cube.release.version ? `Release ${cube.release.version}. ` : "";
    const from = made("b", "", inputs(String(cube.attributes.source ?? "")).join(", "));
    element("from", HTMLElement).replaceChildren(`${version}From `, from, ".");
    element("facts", HTMLElement).replaceChildren(
      ...facts(cube).flatMap(([name, text]) => [made("dt", "", name), made("dd", "", text)]),
    );
    element("links", HTMLElement).replaceChildren(...links(cube));
    element("more", HTMLElement).replaceChildren(...more(cube));
    this.#slider.max = String(cube.days.length - 1);
    this.#date.min = isoDay(cube.first);
    this.#date.max = isoDay(cube.last);
    const choices = cube.layers.map(({ id, name }) => {
      const input = made("input", "");
      input.type = "radio";
      input.name = "layer";
      input.value = id;
      return made("label", "", input, made("span", "", name));
    });
    element("layers", HTMLFieldSetElement).append(...choices);
  }

  #mark(): void {
    for (const input of document.querySelectorAll<HTMLInputElement>("#layers input")) {
      input.checked = input.value === this.#layer.id;
    }
  }

  #listen(): void {
    const onLayer = (id: string): void => {
      this.#layer = this.cube.layers.find((layer) => layer.id === id) ?? this.#layer;
      this.#mark();
      void this.show();
    };
    element("layers", HTMLFieldSetElement).addEventListener("change", (event) =>
      onLayer((event.target as HTMLInputElement).value),
    );
    this.#slider.addEventListener("input", () => void this.go(Number(this.#slider.value)));
    this.#date.addEventListener("change", () => {
      const day = parseDay(this.#date.value);
      if (day !== undefined) void this.go(day - this.cube.first);
    });
    const step = (id: string, count: number): void =>
      element(id, HTMLButtonElement).addEventListener("click", () => void this.go(this.#place + count));
    step("before", -1);
    step("after", 1);
    this.#play.addEventListener("click", () => this.#toggle());
    element("close", HTMLButtonElement).addEventListener("click", () => {
      this.release();
      this.#over.focus();
    });
    this.#over.addEventListener("click", (event) => {
      const cell = this.#cellUnder(event);
      if (cell) this.choose(cell, 0);
    });
    this.#over.addEventListener("pointermove", (event) => {
      const cell = this.#cellUnder(event);
      if (cell) this.#readout.value = this.#told(cell);
    });
    this.#over.addEventListener("pointerleave", () => {
      this.#readout.value = this.#cell ? this.#told(this.#cell) : "";
    });
    listen(this.#over, {
      byDays: (count) => void this.go(this.#place + count),
      playOrStop: () => this.#toggle(),
      layer: (place) => {
        if (place < this.cube.layers.length) onLayer(this.cube.layers[place].id);
      },
      release: () => this.release(),
      byCells: (across, down) => this.#walk(across, down),
    });
    window.addEventListener("hashchange", () => void this.restore());
    new ResizeObserver(() => this.draw()).observe(this.#stage.parentElement!);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  #walk(across: number, down: number): void {
    const { rows, columns } = this.cube.grid;
    const from = this.#cell;
    if (from === undefined) {
      this.choose({ row: Math.floor(rows / 2), column: Math.floor(columns / 2) });
      return;
    }
    const cut = (value: number, size: number) => Math.min(Math.max(value, 0), size - 1);
    this.choose({ row: cut(from.row + down, rows), column: cut(from.column + across, columns) });
  }

  #cellUnder(event: MouseEvent): Cell | undefined {
    const { columns, rows } = this.cube.grid;
    const { width, height, left, top } = this.#over.getBoundingClientRect();
    const cell = {
      column: Math.floor(((event.clientX - left) / width) * columns),
      row: Math.floor(((event.clientY - top) / height) * rows),
    };
    return this.cube.grid.holds(cell) ? cell : undefined;
  }

  #told(cell: Cell): string {
    const { grid } = this.cube;
    const value = this.#shown?.values[cell.row * grid.columns + cell.column];
    const said = value === undefined ? "" : this.#shown!.words(value);
    return [written(grid.centre(cell)), said].filter(Boolean).join(": ");
  }

  #say(cell: Cell): void {
    this.#readout.value = this.#told(cell);
    element("announce", HTMLElement).textContent = this.#readout.value;
  }

  #words(day: number): void {
    const what = heading(this.#shown!);
    const when = longDay(day);
    element("what", HTMLElement).textContent = what;
    element("of-day", HTMLElement).textContent = this.#layer.kind === "days" ? "" : when;
    document.title = `${this.cube.simulated ? "SIMULATED: " : ""}${what}, ${isoDay(day)}`;
    this.#over.setAttribute("aria-label", `Map: ${what}, ${when}. Arrow keys choose a cell`);
    if (this.#cell) this.#readout.value = this.#told(this.#cell);
    // A play would talk without end.
    if (!this.#playing) element("announce", HTMLElement).textContent = `${what}, ${when}`;
  }

  get #playing(): boolean {
    return this.#play.getAttribute("aria-pressed") === "true";
  }

  #toggle(): void {
    if (this.#playing) this.#stop();
    else void this.#run();
  }

  #stop(): void {
    this.#play.setAttribute("aria-pressed", "false");
    this.#play.setAttribute("aria-label", "Play");
  }

  async #run(): Promise<void> {
    this.#play.setAttribute("aria-pressed", "true");
    this.#play.setAttribute("aria-label", "Stop");
    if (this.#place === this.cube.days.length - 1) this.#place = -1;
    while (this.#playing && this.#place < this.cube.days.length - 1) {
      const pause = new Promise((resolve) => window.setTimeout(resolve, PACE));
      await this.go(this.#place + 1);
      await pause;
    }
    this.#stop();
  }

  #remember(): void {
    const at = this.#cell && this.cube.grid.centre(this.#cell);
    const day = this.cube.days[Math.max(this.#place, 0)];
    const hash = permalink.write({ day, layer: this.#layer.id, at });
    if (hash !== location.hash) history.replaceState(null, "", hash);
  }
}

function fail(what: string, error: unknown): void {
  const box = element("failed", HTMLElement);
  const found = error instanceof Unreadable ? error.message : String(error);
  box.replaceChildren(made("strong", "", `${what}. `), `${found}.`, made("p", "", remedy(error)));
  box.hidden = false;
  document.body.dataset.state = "failed";
}

function remedy(error: unknown): string {
  if (error instanceof Damaged) {
    return "Load the page again. Where it says the same, the cube's copy is damaged: tell its publisher.";
  }
  return location.protocol === "file:"
    ? "A page opened from a folder may not read beside itself: soilft view PATH serves it."
    : "The page reads the folder cube.zarr beside its own folder, by ranges of bytes.";
}

async function start(): Promise<void> {
  try {
    const cube = await Cube.open(new URL("../cube.zarr", location.href.split("#")[0]).href);
    await cube.locate();
    const last = cube.days.length - 1;
    const { day } = permalink.read(location.hash);
    // What cannot be read is said when it is to be shown.
    const place = day === undefined ? await cube.newestWhole().catch(() => last) : last;
    const page = new Page(cube, place);
    await page.restore();
  } catch (error) {
    element("main", HTMLElement).hidden = true;
    fail("The cube could not be opened", error);
  }
}

void start();
