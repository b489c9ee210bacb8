import * as Plot from "@observablehq/plot";
import { amount, change, compact } from "../format";
import { color, leftMargin, textWidth } from "./theme";

export interface Part {
  name: string;
  change: string | null;
}

export interface Fall {
  name: string;
  from: number;
  to: number;
  text: string;
  tone: string;
}

/** The bars of a bridge, from what was to what is. What is not known is no bar: it is said beside the picture. */
export function fallOf(
  before: { name: string; amount: string },
  parts: readonly Part[],
  after: { name: string; amount: string },
  lowerIsBetter: boolean,
): Fall[] {
  let at = Number(before.amount);
  const bars: Fall[] = [{ name: before.name, from: 0, to: at, text: amount(before.amount), tone: color.neutral }];
  for (const part of parts) {
    if (part.change === null) continue;
    const moved = Number(part.change);
    bars.push({
      name: part.name,
      from: at,
      to: at + moved,
      text: change(part.change),
      tone: moved < 0 === lowerIsBetter ? color.good : color.bad,
    });
    at += moved;
  }
  return [
    ...bars,
    { name: after.name, from: 0, to: Number(after.amount), text: amount(after.amount), tone: color.neutral },
  ];
}

export function waterfall(bars: readonly Fall[]): (width: number) => Plot.PlotOptions {
  const room = Math.max(0, ...bars.map((bar) => textWidth(bar.text))) + 12;
  return (width) => ({
    height: bars.length * 27 + 34,
    marginLeft: leftMargin(
      bars.map((bar) => bar.name),
      width,
    ),
    marginRight: room,
    marginTop: 6,
    x: {
      label: null,
      ticks: Math.max(2, Math.round(width / 160)),
      tickFormat: (value: number) => compact(value),
      grid: true,
    },
    y: { label: null, domain: bars.map((bar) => bar.name), tickSize: 0 },
    marks: [
      Plot.barX(bars, { y: "name", x1: "from", x2: "to", fill: "tone", insetTop: 4, insetBottom: 4 }),
      Plot.ruleX([0], { stroke: color.neutral }),
      Plot.text(bars, {
        y: "name",
        x: (bar: Fall) => Math.max(bar.from, bar.to),
        text: "text",
        textAnchor: "start",
        dx: 5,
        fill: color.text,
      }),
    ],
  });
}
