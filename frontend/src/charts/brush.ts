/** A region of a picture, in its own units: from and to, across and up. */
export interface Region {
  x: readonly [number, number];
  y: readonly [number, number];
}

interface Scaled {
  scale(name: string): { invert?(at: number): unknown } | undefined;
}

const SMALLEST = 6;

/** Lets a region be drawn over a picture with mouse, pen or finger; `done` gets it, or null for a mere click. */
export function brush(svg: SVGSVGElement, drawn: Scaled, done: (region: Region | null) => void): void {
  const box = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  box.setAttribute("class", "brush");
  let from: DOMPoint | null = null;
  // The picture may be shown smaller than it was drawn.
  const at = (event: PointerEvent): DOMPoint =>
    new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM()?.inverse());
  const spanned = (name: string, a: number, b: number): readonly [number, number] => {
    const scale = drawn.scale(name);
    const [one, two] = [a, b].map((pixel) => Number(scale?.invert?.(pixel)));
    return [Math.min(one ?? NaN, two ?? NaN), Math.max(one ?? NaN, two ?? NaN)];
  };
  svg.style.cursor = "crosshair";
  svg.style.touchAction = "pan-y";
  svg.addEventListener("pointerdown", (event) => {
    from = at(event);
    svg.setPointerCapture(event.pointerId);
  });
  svg.addEventListener("pointermove", (event) => {
    if (!from) return;
    const to = at(event);
    box.setAttribute("x", String(Math.min(from.x, to.x)));
    box.setAttribute("y", String(Math.min(from.y, to.y)));
    box.setAttribute("width", String(Math.abs(to.x - from.x)));
    box.setAttribute("height", String(Math.abs(to.y - from.y)));
    svg.append(box);
  });
  svg.addEventListener("pointerup", (event) => {
    if (!from) return;
    const [start, to] = [from, at(event)];
    from = null;
    box.remove();
    const small = Math.abs(to.x - start.x) < SMALLEST || Math.abs(to.y - start.y) < SMALLEST;
    done(small ? null : { x: spanned("x", start.x, to.x), y: spanned("y", start.y, to.y) });
  });
}

/** A region as the address has it, and back; what is no region is none. */
export function regionText(region: Region): string {
  return [...region.x, ...region.y].map((value) => Number(value.toPrecision(6))).join(",");
}

export function regionOf(text: string | undefined): Region | null {
  const [x0, x1, y0, y1, ...more] = (text ?? "").split(",").map(Number);
  const parts = [x0, x1, y0, y1];
  if (!text || more.length || !parts.every((part) => part !== undefined && Number.isFinite(part))) return null;
  return { x: [x0 as number, x1 as number], y: [y0 as number, y1 as number] };
}

export function within(region: Region | null, x: number, y: number): boolean {
  return !region || (x >= region.x[0] && x <= region.x[1] && y >= region.y[0] && y <= region.y[1]);
}
