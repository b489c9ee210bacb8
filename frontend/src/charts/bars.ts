import * as Plot from "@observablehq/plot";
import { compact } from "../format";
import { color, leftMargin, textWidth } from "./theme";

/** Two amounts of one thing, drawn as two bars. An amount that is not known has no bar, but says so. */
export interface Pair {
  label: string;
  upper: number | null;
  lower: number | null;
}

export interface PairNames {
  upper: string;
  lower: string;
  unknown: string;
}

export function pairedBars(
  rows: readonly Pair[],
  names: PairNames,
  tones: { upper: string; lower: string } = { upper: color.value, lower: color.cost },
): (width: number) => Plot.PlotOptions {
  const said = (name: string, amount: number | null): string =>
    `${name} ${amount === null ? names.unknown : compact(amount)}`;
  const bars = rows.flatMap((row) => [
    { label: row.label, kind: "upper", amount: row.upper ?? 0, text: said(names.upper, row.upper) },
    { label: row.label, kind: "lower", amount: row.lower ?? 0, text: said(names.lower, row.lower) },
  ]);
  const room = Math.max(0, ...bars.map((bar) => textWidth(bar.text))) + 10;
  return (width) => {
    // Where there is little room the name stands above its bars instead of beside them.
    const narrow = width < 420;
    const left = narrow
      ? 4
      : leftMargin(
          rows.map((row) => row.label),
          width,
        );
    return {
      height: rows.length * (narrow ? 62 : 46) + 20,
      marginLeft: left,
      marginRight: room,
      marginTop: narrow ? 4 : 10,
      x: { axis: null },
      y: { axis: null, domain: narrow ? ["name", "upper", "lower"] : ["upper", "lower"] },
      fy: {
        label: null,
        domain: rows.map((row) => row.label),
        ...(narrow ? { axis: null } : { axis: "left" as const }),
      },
      marks: [
        Plot.barX(bars, {
          x: "amount",
          y: "kind",
          fy: "label",
          fill: (bar: { kind: string }) => tones[bar.kind as "upper" | "lower"],
          insetTop: 1,
        }),
        Plot.text(bars, {
          x: (bar: { amount: number }) => Math.max(0, bar.amount),
          y: "kind",
          fy: "label",
          text: "text",
          textAnchor: "start",
          dx: 4,
          fill: color.text,
        }),
        ...(narrow
          ? [
              Plot.text(rows, {
                x: () => 0,
                y: () => "name",
                fy: "label",
                text: "label",
                textAnchor: "start",
                fill: color.text,
                fontWeight: 600,
              }),
            ]
          : []),
        Plot.ruleX([0], { stroke: color.neutral }),
      ],
    };
  };
}
