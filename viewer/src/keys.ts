// What keys do. Controls that have keys of their own keep them.
export interface Commands {
  /** Move by days, or with an infinite number to the first or last day. */
  byDays(count: number): void;
  playOrStop(): void;
  layer(place: number): void;
  release(): void;
  byCells(across: number, down: number): void;
}

const DAYS: Record<string, number> = {
  ArrowLeft: -1,
  ArrowRight: 1,
  PageUp: -30,
  PageDown: 30,
  Home: -Infinity,
  End: Infinity,
};
const CELLS: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

export function listen(map: HTMLElement, commands: Commands): void {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (act(event, map, commands)) event.preventDefault();
  });
}

function act(event: KeyboardEvent, map: HTMLElement, commands: Commands): boolean {
  const { key, target } = event;
  const on = target instanceof Element ? target : document.body;
  if (key === "Escape") {
    commands.release();
    return true;
  }
  if (on.matches("input, select, textarea") && !/^\d$/.test(key)) return false;
  if (on.matches("input[type=date]")) return false;
  if (on === map && key in CELLS) {
    const [across, down] = CELLS[key];
    const far = event.shiftKey ? 5 : 1;
    commands.byCells(across * far, down * far);
    return true;
  }
  if (event.shiftKey) return false;
  if (key in DAYS) {
    commands.byDays(DAYS[key]);
    return true;
  }
  if (key === " " && !on.matches("button, summary, a")) {
    commands.playOrStop();
    return true;
  }
  if (/^[1-9]$/.test(key)) {
    commands.layer(Number(key) - 1);
    return true;
  }
  return false;
}
