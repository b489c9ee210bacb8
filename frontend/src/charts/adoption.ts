import * as Plot from "@observablehq/plot";
import { compact, share } from "../format";
import { words } from "../words/en";
import { color, spread } from "./theme";

export interface Standing {
  label: string;
  adoption: number;
  margin: number;
  cost: number;
}

const LEFT = 52;
const RIGHT = 12;
const BOTTOM = 40;
const TOP = 22;

/** Features by adoption and margin: what is popular and loses money stands at the lower right. */
export function adoptionAgainstMargin(rows: readonly Standing[], unit: string): (width: number) => Plot.PlotOptions {
  return (width) => {
    const height = Math.max(230, Math.min(340, Math.round(width * 0.5)));
    const [low, high] = domain(rows);
    const most = 1.15 * Math.max(1, ...rows.map((row) => row.adoption));
    const largest = Math.max(1, ...rows.map((row) => row.cost));
    const radius = (row: Standing): number => 5 + 18 * Math.sqrt(row.cost / largest);
    const inner = width - LEFT - RIGHT;
    const tall = height - TOP - BOTTOM;
    const labels = spread(
      rows.map((row) => ({
        text: `${row.margin < 0 ? "▼ " : ""}${row.label}`,
        x: (row.adoption / most) * inner,
        y: ((high - row.margin) / (high - low)) * tall,
        radius: radius(row),
      })),
      inner,
      tall,
    );
    return {
      height,
      marginLeft: LEFT,
      marginBottom: BOTTOM,
      marginRight: RIGHT,
      marginTop: TOP,
      r: { type: "identity" },
      x: {
        label: `${unit} →`,
        domain: [0, most],
        ticks: Math.max(2, Math.round(width / 110)),
        tickFormat: (value: number) => compact(value),
      },
      y: {
        label: `↑ ${words.margin}`,
        domain: [low, high],
        ticks: 5,
        tickFormat: (value: number) => share(value, 0),
      },
      marks: [
        Plot.ruleY([0], { stroke: color.text, strokeDasharray: "4 3" }),
        Plot.dot(rows, {
          x: "adoption",
          y: "margin",
          r: radius,
          fill: (row: Standing) => (row.margin < 0 ? color.bad : color.good),
          fillOpacity: 0.35,
          stroke: (row: Standing) => (row.margin < 0 ? color.bad : color.good),
          strokeWidth: 1.5,
        }),
        ...labels.map((label) =>
          Plot.text([label.text], {
            frameAnchor: "top-left",
            dx: label.x,
            dy: label.y,
            lineAnchor: "middle",
            textAnchor: "start",
            fill: color.text,
            fontWeight: 600,
            stroke: "var(--ground)",
            strokeWidth: 3,
          }),
        ),
      ],
    };
  };
}

function domain(rows: readonly Standing[]): [number, number] {
  const margins = rows.map((row) => row.margin);
  return [Math.min(-0.2, ...margins) - 0.1, Math.max(0.2, ...margins) + 0.25];
}
