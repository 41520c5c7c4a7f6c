// Legends as elements: classes with their colours, ramps with their ends, and what missing looks like.
import { made } from "./elements";
import type { Entry, Legend } from "./layers";
import { hatch, type Ink } from "./map";
import { css, type Ramp } from "./palette";

type Fill = string | ((pen: CanvasRenderingContext2D) => CanvasPattern);

function swatch(fill: Fill): HTMLCanvasElement {
  const canvas = made("canvas", "");
  canvas.width = 48;
  canvas.height = 32;
  canvas.setAttribute("aria-hidden", "true");
  const pen = canvas.getContext("2d")!;
  pen.fillStyle = typeof fill === "string" ? fill : fill(pen);
  pen.fillRect(0, 0, 48, 32);
  return canvas;
}

export const item = (label: string, fill: Fill): HTMLElement =>
  made("li", "", swatch(fill), made("span", "", label));

export const missing = (ink: Ink): HTMLElement => item("missing", () => hatch(ink, 2));

export const entry = ({ colour, label }: Entry): HTMLElement => item(label, css(colour));

function bar(ramp: Ramp): HTMLCanvasElement {
  const canvas = made("canvas", "ramp");
  canvas.width = ramp.length;
  canvas.height = 1;
  canvas.setAttribute("aria-hidden", "true");
  const pen = canvas.getContext("2d")!;
  ramp.forEach((colour, i) => {
    pen.fillStyle = css(colour);
    pen.fillRect(i, 0, 1, 1);
  });
  return canvas;
}

export function legend(said: Legend, of: string, ink: Ink): HTMLElement[] {
  const found: HTMLElement[] = [];
  const list = made("ul", "classes");
  if (said.kind === "ramp") {
    const ends = [said.low, said.middle, said.high].filter((text) => text !== undefined);
    found.push(bar(said.ramp), made("p", "ends", ...ends.map((text) => made("span", "", text))));
  } else {
    list.append(...said.entries.map(entry));
  }
  list.append(missing(ink));
  found.push(list);
  if (said.kind === "classes" && said.note) found.push(made("p", "note", said.note));
  if (of) found.push(made("p", "note", `${of[0].toUpperCase()}${of.slice(1)}.`));
  return found;
}
