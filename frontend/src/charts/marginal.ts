import * as Plot from "@observablehq/plot";
import { axisCost, compact } from "../format";
import { words } from "../words/en";
import { color, textWidth } from "./theme";

export interface CurvePoint {
  adoption: number;
  average_cost: string;
  average_cost_low: string | null;
  average_cost_high: string | null;
  marginal_cost: string;
  marginal_cost_low: string | null;
  marginal_cost_high: string | null;
  average_value: string | null;
}

export interface Crossing {
  adoption: number;
  low: number;
  high: number;
}

/** Cost of the next and of the average unit by adoption, the value of a unit dashed; the crossing is where average cost meets it. */
export function marginalCost(
  curve: readonly CurvePoint[],
  unit: string,
  now: number,
  crossing: Crossing | null,
): (width: number) => Plot.PlotOptions {
  const rows = curve.map((point) => ({
    adoption: point.adoption,
    average: Number(point.average_cost),
    averageLow: Number(point.average_cost_low ?? point.average_cost),
    averageHigh: Number(point.average_cost_high ?? point.average_cost),
    next: Number(point.marginal_cost),
    nextLow: Number(point.marginal_cost_low ?? point.marginal_cost),
    nextHigh: Number(point.marginal_cost_high ?? point.marginal_cost),
    value: point.average_value === null ? null : Number(point.average_value),
  }));
  const last = rows.at(-1);
  const names = words.feature;
  // The two marks stand away from each other, so that their names do not meet.
  const before = crossing !== null && crossing.adoption < now;
  return (width) => {
    const ends = last
      ? [
          { text: names.next, at: last.next },
          { text: names.average, at: last.average },
          ...(last.value === null ? [] : [{ text: names.earns, at: last.value }]),
        ]
      : [];
    return {
      height: 280,
      marginLeft: 52,
      marginRight: Math.max(0, ...ends.map((end) => textWidth(end.text))) + 8,
      marginBottom: 40,
      marginTop: 24,
      x: {
        label: `${names.adoptionOf(unit)} →`,
        ticks: Math.max(2, Math.round(width / 120)),
        tickFormat: (value: number) => compact(value),
      },
      y: { label: "↑ USD", zero: true, grid: true, ticks: 5, tickFormat: axisCost },
      marks: [
        ...(crossing ? [Plot.rect([crossing], { x1: "low", x2: "high", fill: color.neutral, fillOpacity: 0.18 })] : []),
        Plot.areaY(rows, { x: "adoption", y1: "nextLow", y2: "nextHigh", fill: color.cost, fillOpacity: 0.22 }),
        Plot.areaY(rows, { x: "adoption", y1: "averageLow", y2: "averageHigh", fill: color.accent, fillOpacity: 0.18 }),
        Plot.lineY(rows, { x: "adoption", y: "next", stroke: color.cost, strokeWidth: 2.5 }),
        Plot.lineY(rows, { x: "adoption", y: "average", stroke: color.accent, strokeWidth: 2 }),
        Plot.lineY(
          rows.filter((row) => row.value !== null),
          { x: "adoption", y: "value", stroke: color.text, strokeWidth: 1.5, strokeDasharray: "5 4" },
        ),
        Plot.ruleX([now], { stroke: color.quiet, strokeDasharray: "2 3" }),
        Plot.text([names.now], {
          x: () => now,
          frameAnchor: "bottom",
          dy: -6,
          dx: 4,
          textAnchor: "start",
          fill: color.quiet,
        }),
        ...(crossing
          ? [
              Plot.ruleX([crossing.adoption], { stroke: color.bad }),
              Plot.text([names.crossing], {
                x: () => crossing.adoption,
                frameAnchor: "top",
                dy: -14,
                textAnchor: before ? "middle" : "end",
                fill: color.bad,
                fontWeight: 600,
              }),
            ]
          : []),
        Plot.text(ends, {
          x: () => last?.adoption ?? 0,
          y: "at",
          text: "text",
          textAnchor: "start",
          dx: 4,
          fill: color.text,
        }),
      ],
    };
  };
}
