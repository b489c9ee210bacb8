import * as Plot from "@observablehq/plot";
import { dollars } from "../format";
import { words } from "../words/en";
import { color, leftMargin } from "./theme";

export interface Span {
  name: string;
  start: number;
  end: number;
  cost: number | null;
  cumulative: number;
  wasted: boolean;
}

/** The attempts of a trace on the axis of time, each with its cost; what bought nothing has its own colour, and says so. */
export function timeline(spans: readonly Span[]): (width: number) => Plot.PlotOptions {
  const names = spans.map((span) => span.name);
  return (width) => ({
    height: spans.length * 26 + 46,
    marginLeft: leftMargin(names, width),
    marginRight: 110,
    marginBottom: 36,
    marginTop: 6,
    x: { label: `${words.calls.seconds} →`, ticks: Math.max(2, Math.round(width / 140)), grid: true, zero: true },
    y: { label: null, domain: names, tickSize: 0 },
    marks: [
      Plot.barX(spans, {
        y: "name",
        x1: "start",
        x2: "end",
        fill: (span: Span) => (span.wasted ? color.bad : color.value),
        insetTop: 5,
        insetBottom: 5,
      }),
      Plot.text(spans, {
        y: "name",
        x: "end",
        text: (span: Span) => `${span.wasted ? "▼ " : ""}${dollars(span.cost, 4)}`,
        textAnchor: "start",
        dx: 4,
        fill: color.text,
      }),
    ],
  });
}

/** The same steps with the cost added up. */
export function addedUp(spans: readonly Span[]): (width: number) => Plot.PlotOptions {
  const names = spans.map((span) => span.name);
  return (width) => ({
    height: spans.length * 26 + 46,
    marginLeft: leftMargin(names, width),
    marginRight: 80,
    marginBottom: 36,
    marginTop: 6,
    x: { label: "USD →", ticks: Math.max(2, Math.round(width / 160)), zero: true },
    y: { label: null, domain: names, tickSize: 0 },
    marks: [
      Plot.barX(spans, { y: "name", x: "cumulative", fill: color.neutral, insetTop: 5, insetBottom: 5 }),
      Plot.text(spans, {
        y: "name",
        x: "cumulative",
        text: (span: Span) => dollars(span.cumulative, 4),
        textAnchor: "start",
        dx: 4,
        fill: color.text,
      }),
    ],
  });
}
