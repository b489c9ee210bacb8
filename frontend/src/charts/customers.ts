import * as Plot from "@observablehq/plot";
import { compact, share } from "../format";
import { words } from "../words/en";
import { color } from "./theme";

export interface Served {
  label: string;
  calls: number;
  keeps: number;
  cost: number;
}

/** Customers by engagement and by what is kept; below the line they are served at a loss. */
export function engagementAgainstContribution(rows: readonly Served[]): (width: number) => Plot.PlotOptions {
  return (width) => ({
    height: 300,
    marginLeft: 56,
    marginBottom: 40,
    r: { range: [2, 14] },
    inset: 22, // the largest circles stay inside
    x: {
      label: `${words.customers.calls} →`,
      zero: true,
      ticks: Math.max(2, Math.round(width / 110)),
      tickFormat: (value: number) => compact(value),
    },
    y: { label: `↑ ${words.customers.keeps}`, grid: true, ticks: 6, tickFormat: (value: number) => compact(value) },
    marks: [
      Plot.ruleY([0], { stroke: color.text, strokeDasharray: "4 3" }),
      Plot.dot(rows, {
        x: "calls",
        y: "keeps",
        r: "cost",
        fill: (row: Served) => (row.keeps < 0 ? color.bad : color.good),
        fillOpacity: 0.3,
        stroke: (row: Served) => (row.keeps < 0 ? color.bad : color.good),
      }),
    ],
  });
}

export interface CurvePart {
  subjects: number;
  amount: number;
}

/** Which share of cost the dearest carry, against all being alike. */
export function concentration(curve: readonly CurvePart[]): (width: number) => Plot.PlotOptions {
  return (width) => ({
    height: 300,
    marginLeft: 48,
    marginBottom: 40,
    x: {
      label: `${words.customers.shareOfCustomers} →`,
      domain: [0, 1],
      ticks: Math.max(2, Math.round(width / 90)),
      tickFormat: (value: number) => share(value, 0),
    },
    y: {
      label: `↑ ${words.customers.shareOfCost}`,
      domain: [0, 1],
      grid: true,
      ticks: 5,
      tickFormat: (value: number) => share(value, 0),
    },
    marks: [
      Plot.line(
        [
          [0, 0],
          [1, 1],
        ],
        { stroke: color.neutral, strokeDasharray: "4 3" },
      ),
      Plot.areaY(curve, { x: "subjects", y: "amount", fill: color.cost, fillOpacity: 0.15 }),
      Plot.lineY(curve, { x: "subjects", y: "amount", stroke: color.cost, strokeWidth: 2.5 }),
    ],
  });
}
