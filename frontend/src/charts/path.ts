import * as Plot from "@observablehq/plot";
import { axisCost, share } from "../format";
import { words } from "../words/en";
import { color } from "./theme";

export interface Step {
  months: number;
  point: number;
  low: number;
  high: number;
}

/** A share (a margin) over the months to come, with its band; the line at nothing is break-even. */
export function marginPath(steps: readonly Step[], others: readonly { name: string; steps: readonly Step[] }[] = []) {
  // A band that runs far below would flatten the line: what lies below −150% is cut at the edge of the picture.
  const floor = Math.max(-1.5, Math.min(-0.1, ...steps.map((step) => step.low)));
  const cut = (value: number): number => Math.max(floor, value);
  return (width: number): Plot.PlotOptions => ({
    height: 260,
    marginLeft: 56,
    marginBottom: 38,
    x: { label: `${words.scenarios.months} →`, ticks: Math.max(3, Math.round(width / 110)) },
    y: { label: `↑ ${words.margin}`, domain: [floor, 1], tickFormat: (value: number) => share(value, 0), grid: true },
    marks: [
      Plot.areaY(steps, {
        x: "months",
        y1: (step: Step) => cut(step.low),
        y2: (step: Step) => cut(step.high),
        fill: color.value,
        fillOpacity: 0.2,
      }),
      Plot.ruleY([0], { stroke: color.text, strokeDasharray: "4 3" }),
      ...others.map((other) =>
        Plot.lineY(other.steps, {
          x: "months",
          y: (step: Step) => cut(step.point),
          stroke: color.neutral,
          strokeDasharray: "5 3",
        }),
      ),
      Plot.lineY(steps, { x: "months", y: (step: Step) => cut(step.point), stroke: color.value, strokeWidth: 2.5 }),
    ],
  });
}

export interface Swing {
  driver: string;
  at_low: number;
  at_high: number;
}

/** What matters most: the last figure at either end of each driver's range. */
export function tornado(rows: readonly Swing[], label: string): (width: number) => Plot.PlotOptions {
  return (width) => ({
    height: rows.length * 28 + 46,
    marginLeft: Math.min(150, Math.round(width * 0.4)),
    marginRight: 16,
    x: {
      label: `${label} →`,
      ticks: Math.max(2, Math.round(width / 120)),
      tickFormat: (value: number) => (label === words.margin ? share(value, 0) : axisCost(value)),
    },
    y: { label: null, domain: rows.map((row) => row.driver) },
    marks: [
      Plot.barX(rows, {
        y: "driver",
        x1: "at_low",
        x2: "at_high",
        fill: color.cost,
        fillOpacity: 0.7,
        insetTop: 4,
        insetBottom: 4,
      }),
    ],
  });
}
