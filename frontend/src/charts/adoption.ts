import * as Plot from "@observablehq/plot";
import { share } from "../format";
import { color } from "./theme";

export interface Standing {
  label: string;
  adoption: number;
  margin: number;
  cost: number;
  verdict: string | null;
}

/** Features by adoption and margin: what is popular and loses money stands at the lower right. */
export function adoptionAgainstMargin(rows: readonly Standing[], unit: string): (width: number) => Plot.PlotOptions {
  return (width) => ({
    height: Math.max(220, Math.min(340, Math.round(width * 0.5))),
    marginLeft: 56,
    marginBottom: 40,
    marginRight: 30,
    insetTop: 24,
    insetRight: 70,
    insetLeft: 80,
    r: { range: [5, 26] },
    x: { label: `${unit} →`, ticks: Math.max(2, Math.round(width / 110)), tickFormat: "~s" },
    y: { label: "↑ margin", tickFormat: (value: number) => share(value, 0), domain: domain(rows) },
    marks: [
      Plot.ruleY([0], { stroke: color.text, strokeDasharray: "4 3" }),
      Plot.dot(rows, {
        x: "adoption",
        y: "margin",
        r: "cost",
        fill: (row: Standing) => (row.margin < 0 ? color.bad : color.good),
        fillOpacity: 0.35,
        stroke: (row: Standing) => (row.margin < 0 ? color.bad : color.good),
        strokeWidth: 1.5,
      }),
      Plot.text(rows, {
        x: "adoption",
        y: "margin",
        text: (row: Standing) => `${row.margin < 0 ? "▼ " : ""}${row.label}`,
        dy: -22,
        fill: color.text,
        fontWeight: 600,
      }),
    ],
  });
}

function domain(rows: readonly Standing[]): [number, number] {
  const margins = rows.map((row) => row.margin);
  return [Math.min(-0.2, ...margins) - 0.1, Math.max(0.2, ...margins) + 0.15];
}
