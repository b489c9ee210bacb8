import type { Schemas } from "../api/client";
import { amount, change, count, direction, NONE, share, unitCost } from "../format";
import type { Column } from "../parts/columns";

type PnlRow = Schemas["PnlRow"];
const VERDICTS: Record<string, string> = {
  creates: "creates value",
  destroys: "▼ destroys value",
  unproven: "unproven",
  cost_only: "cost only",
};

export function verdictWords(row: PnlRow): string {
  if (row.kind === "unattributed") return "no owner";
  return row.verdict ? (VERDICTS[row.verdict] ?? row.verdict) : "";
}

function negative(value: string | number | null | undefined): "" | "bad" {
  return Number(value ?? 0) < 0 ? "bad" : "";
}

/** The P&L's columns; amounts in the currency that the block's heading names. */
export const PNL: readonly Column<PnlRow>[] = [
  {
    name: "label",
    title: "Feature",
    value: (row) => row.label,
    tone: (row) => (row.kind === "group" ? "" : "unknown"),
  },
  { name: "owner", title: "Owner", value: (row) => row.owner ?? (row.kind === "total" ? "" : "nobody"), minor: true },
  { name: "value", title: "Value", value: (row) => row.value, text: (row) => amount(row.value), num: true },
  { name: "cost", title: "Cost", value: (row) => row.cost, text: (row) => amount(row.cost), num: true },
  {
    name: "contribution",
    title: "Keeps",
    value: (row) => row.contribution,
    text: (row) => (Number(row.contribution) < 0 ? "▼ " : "") + amount(row.contribution),
    tone: (row) => negative(row.contribution),
    num: true,
  },
  {
    name: "margin",
    title: "Margin",
    value: (row) => row.margin,
    text: (row) => share(row.margin),
    tone: (row) => negative(row.margin),
    num: true,
  },
  {
    name: "outcomes",
    title: "Outcomes",
    value: (row) => row.outcomes,
    text: (row) => count(row.outcomes),
    num: true,
    minor: true,
  },
  {
    name: "cost_per_outcome",
    title: "Per outcome",
    value: (row) => row.cost_per_outcome,
    text: (row) => unitCost(row.cost_per_outcome),
    num: true,
    minor: true,
  },
  {
    name: "cost_change",
    title: "Cost change",
    value: (row) => row.cost_change,
    text: (row) => {
      const told = direction(row.cost_change, true);
      return row.cost_change ? `${change(row.cost_change)}${told ? ` ${told}` : ""}` : NONE;
    },
    tone: (row) => ({ better: "good", worse: "bad", "": "" })[direction(row.cost_change, true)] as "" | "good" | "bad",
    num: true,
    minor: true,
  },
  {
    name: "verdict",
    title: "Verdict",
    value: verdictWords,
    tone: (row) => (row.verdict === "destroys" ? "bad" : row.verdict === "creates" ? "good" : "unknown"),
  },
];
