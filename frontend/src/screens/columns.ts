import type { Schemas } from "../api/client";
import { amount, change, count, day, direction, dollars, NONE, share, unitCost } from "../format";
import type { Column } from "../parts/columns";
import { words } from "../words/en";

type PnlRow = Schemas["PnlRow"];
const titles = words.columns;

export function verdictWords(row: PnlRow): string {
  if (row.kind === "unattributed") return words.noOwner;
  return row.verdict ? ((words.verdicts as Record<string, string>)[row.verdict] ?? row.verdict) : "";
}

function negative(value: string | number | null | undefined): "" | "bad" {
  return Number(value ?? 0) < 0 ? "bad" : "";
}

/** What is not known is hatched. */
function known(value: unknown): "" | "unknown" {
  return value === null || value === undefined ? "unknown" : "";
}

/** The P&L's columns; amounts in the currency that the block's heading names. */
export const PNL: readonly Column<PnlRow>[] = [
  {
    name: "label",
    title: titles.feature,
    value: (row) => row.label,
    tone: (row) => (row.kind === "group" ? "" : "unknown"),
  },
  {
    name: "owner",
    title: titles.owner,
    value: (row) => row.owner ?? (row.kind === "total" ? "" : words.nobody),
    minor: true,
  },
  {
    name: "value",
    title: titles.value,
    value: (row) => row.value,
    text: (row) => amount(row.value),
    tone: (row) => known(row.value),
    num: true,
  },
  {
    name: "cost",
    title: titles.cost,
    value: (row) => row.cost,
    text: (row) => amount(row.cost) + (row.unpriced_calls ? "*" : ""),
    tone: (row) => (row.unpriced_calls ? "unknown" : known(row.cost)),
    num: true,
  },
  {
    name: "contribution",
    title: titles.keeps,
    value: (row) => row.contribution,
    text: (row) => (Number(row.contribution) < 0 ? "▼ " : "") + amount(row.contribution),
    tone: (row) => negative(row.contribution),
    num: true,
  },
  {
    name: "margin",
    title: titles.margin,
    value: (row) => row.margin,
    text: (row) => share(row.margin),
    tone: (row) => negative(row.margin),
    num: true,
  },
  {
    name: "outcomes",
    title: titles.outcomes,
    value: (row) => row.outcomes,
    text: (row) => count(row.outcomes),
    num: true,
    minor: true,
  },
  {
    name: "cost_per_outcome",
    title: titles.perOutcome,
    value: (row) => row.cost_per_outcome,
    text: (row) => unitCost(row.cost_per_outcome),
    num: true,
    minor: true,
  },
  {
    name: "cost_change",
    title: titles.costChange,
    value: (row) => row.cost_change,
    text: (row) => {
      const told = direction(row.cost_change, true);
      return row.cost_change ? `${change(row.cost_change)}${told ? ` ${words[told]}` : ""}` : NONE;
    },
    tone: (row) => ({ better: "good", worse: "bad", "": "" })[direction(row.cost_change, true)] as "" | "good" | "bad",
    num: true,
    minor: true,
  },
  {
    name: "verdict",
    title: titles.verdict,
    value: verdictWords,
    tone: (row) => (row.verdict === "destroys" ? "bad" : row.verdict === "creates" ? "good" : "unknown"),
  },
];

/** A bridge's bars: what is not known has no figure but a reason. */
export const BRIDGE: readonly Column<Schemas["ThemeBar"]>[] = [
  { name: "name", title: titles.driver, value: (row) => row.name },
  {
    name: "change",
    title: titles.change,
    value: (row) => row.change,
    text: (row) => change(row.change),
    tone: (row) => (row.change === null ? "unknown" : ""),
    num: true,
  },
  { name: "detail", title: titles.why, value: (row) => row.detail ?? "" },
];

export const CUSTOMERS: readonly Column<Schemas["CustomerRow"]>[] = [
  { name: "label", title: titles.customer, value: (row) => row.label, tone: (row) => (row.customer ? "" : "unknown") },
  { name: "plan", title: titles.plan, value: (row) => row.plan, minor: true },
  {
    name: "revenue",
    title: titles.pays,
    value: (row) => row.revenue,
    text: (row) => amount(row.revenue),
    tone: (row) => known(row.revenue),
    num: true,
  },
  { name: "cost", title: titles.cost, value: (row) => row.cost, text: (row) => amount(row.cost), num: true },
  {
    name: "keeps",
    title: titles.keeps,
    value: (row) => row.keeps,
    text: (row) => (Number(row.keeps) < 0 ? "▼ " : "") + amount(row.keeps),
    tone: (row) => negative(row.keeps),
    num: true,
  },
  {
    name: "margin",
    title: titles.margin,
    value: (row) => row.margin,
    text: (row) => share(row.margin),
    tone: (row) => negative(row.margin),
    num: true,
    minor: true,
  },
  {
    name: "calls",
    title: titles.calls,
    value: (row) => row.calls,
    text: (row) => count(row.calls),
    num: true,
    minor: true,
  },
];

export const DAYS: readonly Column<Schemas["FanPoint"]>[] = [
  { name: "day", title: titles.day, value: (row) => row.day, text: (row) => day(row.day) },
  { name: "point", title: titles.cost, value: (row) => row.point, text: (row) => dollars(row.point), num: true },
  { name: "low", title: titles.low, value: (row) => row.low, text: (row) => dollars(row.low), num: true },
  { name: "high", title: titles.high, value: (row) => row.high, text: (row) => dollars(row.high), num: true },
];

const book = words.books;
type BooksRow = Schemas["BooksRow"];

/** How each vendor's models stand to the invoices. */
export const BOOKS: readonly Column<BooksRow>[] = [
  { name: "provider", title: book.vendor, value: (row) => row.provider ?? words.unknown },
  { name: "model", title: book.model, value: (row) => row.model ?? words.unknown },
  {
    name: "metered",
    title: book.metered,
    value: (row) => row.metered,
    text: (row) => amount(row.metered, 2),
    num: true,
  },
  {
    name: "adjusted",
    title: book.adjusted,
    value: (row) => row.adjusted,
    text: (row) => (Number(row.adjusted) ? change(row.adjusted, 2) : NONE),
    num: true,
    minor: true,
  },
  { name: "booked", title: book.booked, value: (row) => row.booked, text: (row) => amount(row.booked, 2), num: true },
  {
    name: "reconciled",
    title: book.reconciled,
    value: (row) => row.reconciled,
    text: (row) => (row.reconciled === null ? NONE : share(row.reconciled)),
    tone: (row) => (row.reconciled === 1 ? "good" : "quiet"),
    num: true,
  },
];

/** What was posted for invoices, by cause. */
export const POSTED: readonly Column<Schemas["PostedRow"]>[] = [
  { name: "cause", title: book.cause, value: (row) => row.cause },
  { name: "provider", title: book.vendor, value: (row) => row.provider ?? words.unknown },
  { name: "model", title: book.model, value: (row) => row.model ?? "", minor: true },
  { name: "amount", title: titles.change, value: (row) => row.amount, text: (row) => change(row.amount, 2), num: true },
];

/** Invoices that days of the period were held against. */
export const INVOICES: readonly Column<Schemas["InvoiceRow"]>[] = [
  { name: "invoice", title: book.invoice, value: (row) => row.invoice },
  { name: "provider", title: book.vendor, value: (row) => row.provider },
  { name: "days", title: book.days, value: (row) => row.days, text: (row) => count(row.days), num: true },
  {
    name: "metered",
    title: book.metered,
    value: (row) => row.metered,
    text: (row) => amount(row.metered, 2),
    num: true,
  },
  {
    name: "adjusted",
    title: book.adjusted,
    value: (row) => row.adjusted,
    text: (row) => change(row.adjusted, 2),
    num: true,
  },
  { name: "digest", title: book.digest, value: (row) => row.digest.slice(0, 12), minor: true },
];

/** Why an invoice says another sum, and what to do about each cause. */
export const CAUSES: readonly Column<Schemas["CauseRow"]>[] = [
  { name: "cause", title: book.cause, value: (row) => row.cause.replaceAll("_", " ") },
  {
    name: "detail",
    title: book.detail,
    value: (row) => row.detail || [row.provider, row.model].filter(Boolean).join(" "),
  },
  { name: "amount", title: titles.change, value: (row) => row.amount, text: (row) => change(row.amount, 2), num: true },
  { name: "remedy", title: book.remedy, value: (row) => row.remedy },
];

/** The bars of a histogram of calls by cost. */
export const SPREAD: readonly Column<Schemas["SpreadBar"]>[] = [
  { name: "low", title: words.calls.from, value: (row) => row.low, text: (row) => unitCost(row.low), num: true },
  { name: "high", title: words.calls.below, value: (row) => row.high, text: (row) => unitCost(row.high), num: true },
  {
    name: "attempts",
    title: words.calls.attempts,
    value: (row) => row.attempts,
    text: (row) => count(row.attempts),
    num: true,
  },
  { name: "cost", title: titles.cost, value: (row) => row.cost, text: (row) => amount(row.cost, 2), num: true },
];
