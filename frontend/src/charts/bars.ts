import * as Plot from "@observablehq/plot";
import { compact } from "../format";
import { color, leftMargin } from "./theme";

export interface Pair {
  label: string;
  value: number | null;
  cost: number | null;
}

/** Value against cost: two bars per item; what has no value is hatched nowhere, it simply has none. */
export function pairedBars(rows: readonly Pair[]): (width: number) => Plot.PlotOptions {
  const bars = rows.flatMap((row) => [
    { label: row.label, kind: "value", amount: row.value ?? 0 },
    { label: row.label, kind: "cost", amount: row.cost ?? 0 },
  ]);
  return (width) => ({
    height: rows.length * 46 + 40,
    marginLeft: leftMargin(
      rows.map((row) => row.label),
      width,
    ),
    marginRight: 84,
    x: { axis: null },
    y: { axis: null, domain: ["value", "cost"] },
    fy: { label: null, domain: rows.map((row) => row.label) },
    marks: [
      Plot.barX(bars, {
        x: "amount",
        y: "kind",
        fy: "label",
        fill: (bar: { kind: string }) => color[bar.kind as "value" | "cost"],
        insetTop: 1,
      }),
      Plot.text(bars, {
        x: "amount",
        y: "kind",
        fy: "label",
        text: (bar: { kind: string; amount: number }) => (bar.amount ? `${bar.kind} ${compact(bar.amount)}` : ""),
        textAnchor: "start",
        dx: 4,
        fill: color.text,
      }),
      Plot.ruleX([0], { stroke: color.line }),
    ],
  });
}
