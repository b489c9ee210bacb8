import * as Plot from "@observablehq/plot";
import { axisCost, compact } from "../format";
import { words } from "../words/en";
import { color } from "./theme";

/** Calls that cost `low` or more and less than `high`. */
export interface Bar {
  low: string;
  high: string;
  attempts: number;
}

/** How many calls cost how much: bars of equal width on a scale of powers of ten, with the median and the dearest hundredth marked. */
export function costSpread(bars: readonly Bar[], marks: readonly { name: string; at: string | null }[]) {
  const known = marks.flatMap((mark) =>
    mark.at !== null && Number(mark.at) > 0 ? [{ ...mark, at: Number(mark.at) }] : [],
  );
  return (width: number): Plot.PlotOptions => ({
    height: 170,
    marginLeft: 48,
    marginTop: 28,
    marginBottom: 38,
    x: {
      type: "log",
      label: `${words.columns.cost} →`,
      ticks: Math.max(3, Math.round(width / 130)),
      tickFormat: axisCost,
    },
    y: { label: `↑ ${words.calls.attempts}`, tickFormat: compact, grid: true, ticks: 4 },
    marks: [
      Plot.rectY(bars, {
        x1: (bar: Bar) => Number(bar.low),
        x2: (bar: Bar) => Number(bar.high),
        y: "attempts",
        fill: color.cost,
        insetLeft: 1,
        insetRight: 1,
      }),
      Plot.ruleX(known, { x: "at", stroke: color.text, strokeDasharray: "4 3" }),
      // The first name ends at its line and the others begin there, so that two lines close together can both be read.
      ...known.map((mark, index) =>
        Plot.text([mark], {
          x: "at",
          text: "name",
          frameAnchor: "top",
          lineAnchor: "bottom",
          textAnchor: index ? "start" : "end",
          dx: index ? -2 : 2,
          dy: -2,
          fill: color.text,
        }),
      ),
      Plot.ruleY([0], { stroke: color.neutral }),
    ],
  });
}
