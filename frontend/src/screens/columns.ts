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

type Written = string | number | null | undefined;

/** A column of a row's own figures, as `text` writes them. */
function figures<Row, Name extends keyof Row & string>(
  name: Name,
  title: string,
  text: (value: Row[Name]) => string,
  more: Partial<Column<Row>> = {},
): Column<Row> {
  return { name, title, value: (row) => row[name], text: (row) => text(row[name]), num: true, ...more };
}

const cents = (value: Written): string => amount(value, 2);
const centsOfChange = (value: Written): string => change(value, 2);
const losing = (value: Written): string => (Number(value) < 0 ? "▼ " : "") + amount(value);

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
  figures("value", titles.value, amount, { tone: (row) => known(row.value) }),
  {
    name: "cost",
    title: titles.cost,
    value: (row) => row.cost,
    text: (row) => amount(row.cost) + (row.unpriced_calls ? "*" : ""),
    tone: (row) => (row.unpriced_calls ? "unknown" : known(row.cost)),
    num: true,
  },
  figures("contribution", titles.keeps, losing, { tone: (row) => negative(row.contribution) }),
  figures("margin", titles.margin, share, { tone: (row) => negative(row.margin) }),
  figures("outcomes", titles.outcomes, count, { minor: true }),
  figures("cost_per_outcome", titles.perOutcome, unitCost, { minor: true }),
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
  figures("change", titles.change, change, { tone: (row) => (row.change === null ? "unknown" : "") }),
  { name: "detail", title: titles.why, value: (row) => row.detail ?? "" },
];

export const CUSTOMERS: readonly Column<Schemas["CustomerRow"]>[] = [
  { name: "label", title: titles.customer, value: (row) => row.label, tone: (row) => (row.customer ? "" : "unknown") },
  { name: "plan", title: titles.plan, value: (row) => row.plan, minor: true },
  figures("revenue", titles.pays, amount, { tone: (row) => known(row.revenue) }),
  figures("cost", titles.cost, amount),
  figures("keeps", titles.keeps, losing, { tone: (row) => negative(row.keeps) }),
  figures("margin", titles.margin, share, { tone: (row) => negative(row.margin), minor: true }),
  figures("calls", titles.calls, count, { minor: true }),
];

export const DAYS: readonly Column<Schemas["FanPoint"]>[] = [
  { name: "day", title: titles.day, value: (row) => row.day, text: (row) => day(row.day) },
  figures("point", titles.cost, dollars),
  figures("low", titles.low, dollars),
  figures("high", titles.high, dollars),
];

const book = words.books;
type BooksRow = Schemas["BooksRow"];

/** How each vendor's models stand to the invoices. */
export const BOOKS: readonly Column<BooksRow>[] = [
  { name: "provider", title: book.vendor, value: (row) => row.provider ?? words.unknown },
  { name: "model", title: book.model, value: (row) => row.model ?? words.unknown },
  figures("metered", book.metered, cents),
  {
    name: "adjusted",
    title: book.adjusted,
    value: (row) => row.adjusted,
    text: (row) => (Number(row.adjusted) ? change(row.adjusted, 2) : NONE),
    num: true,
    minor: true,
  },
  figures("booked", book.booked, cents),
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
  figures("amount", titles.change, centsOfChange),
];

/** Invoices that days of the period were held against. */
export const INVOICES: readonly Column<Schemas["InvoiceRow"]>[] = [
  { name: "invoice", title: book.invoice, value: (row) => row.invoice },
  { name: "provider", title: book.vendor, value: (row) => row.provider },
  figures("days", book.days, count),
  figures("metered", book.metered, cents),
  figures("adjusted", book.adjusted, centsOfChange),
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
  figures("amount", titles.change, centsOfChange),
  { name: "remedy", title: book.remedy, value: (row) => row.remedy },
];

/** The bars of a histogram of calls by cost. */
export const SPREAD: readonly Column<Schemas["SpreadBar"]>[] = [
  figures("low", words.calls.from, unitCost),
  figures("high", words.calls.below, unitCost),
  figures("attempts", words.calls.attempts, count),
  figures("cost", titles.cost, cents),
];
