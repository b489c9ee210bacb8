import * as Plot from "@observablehq/plot";
import { compact } from "../format";
import { color } from "./theme";

export interface FanPoint {
  day: string;
  point: string;
  low: string | null;
  high: string | null;
}

/** A forecast as a band; a limit is a line across it. */
export function fan(points: readonly FanPoint[], limit: number | null = null): (width: number) => Plot.PlotOptions {
  const rows = points.map((each) => ({
    day: new Date(each.day),
    point: +each.point,
    low: +(each.low ?? each.point),
    high: +(each.high ?? each.point),
  }));
  return (width) => ({
    height: 200,
    marginLeft: 52,
    x: { type: "utc", label: null, ticks: Math.max(2, Math.round(width / 90)) },
    y: { label: "↑ USD", grid: true, zero: true, tickFormat: (value: number) => compact(value), ticks: 5 },
    marks: [
      Plot.areaY(rows, { x: "day", y1: "low", y2: "high", fill: color.cost, fillOpacity: 0.2 }),
      Plot.lineY(rows, { x: "day", y: "point", stroke: color.cost, strokeWidth: 2 }),
      ...(limit === null ? [] : [Plot.ruleY([limit], { stroke: color.bad, strokeDasharray: "5 3" })]),
    ],
  });
}
