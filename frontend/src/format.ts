/** Figures as people read them. Amounts arrive as exact digits and are rounded here, once, for the eye only. */
const MINUS = "−";
export const NONE = "–";

let locale = "en";
export function useLocale(name: string): void {
  locale = name;
}

function written(value: number, options: Intl.NumberFormatOptions): string {
  const text = new Intl.NumberFormat(locale, options).format(value);
  return text.replace("-", /[1-9]/.test(text) ? MINUS : ""); // what rounds to nothing has no sign
}

/** Whole, or with so many `digits`; where none are asked for, an amount below 1 has three figures, so that it never reads as 0. */
export function amount(value: string | number | null | undefined, digits?: number): string {
  if (value === null || value === undefined || value === "") return NONE;
  const number = Number(value);
  if (digits === undefined && Math.abs(number) < 1) return figures(number);
  return written(number, { minimumFractionDigits: digits ?? 0, maximumFractionDigits: digits ?? 0 });
}

/** As many decimals as the size needs, as in the sentences: what was paid never reads as $0. `digits`: so many instead. */
export function dollars(value: string | number | null | undefined, digits?: number): string {
  if (value === null || value === undefined || value === "") return NONE;
  const size = Math.abs(Number(value));
  const text =
    digits !== undefined || size === 0
      ? amount(size, digits)
      : small(size)
        ? figures(size)
        : amount(size, size < 100 ? 2 : 0);
  return (Number(value) < 0 ? MINUS : "") + "$" + text;
}

/** Whether an amount is no whole number of cents below 1. */
const small = (size: number): boolean => size < 1 && size !== Math.round(size * 100) / 100;

const figures = (value: number): string => written(value, { maximumSignificantDigits: 3 });

/** A cost per unit: three significant digits. */
export function unitCost(value: string | number | null | undefined): string {
  if (value === null || value === undefined || value === "") return NONE;
  const number = Number(value);
  if (number === 0) return "0";
  return written(number, { minimumSignificantDigits: 3, maximumSignificantDigits: 3 });
}

/** The same with its currency, where no heading names it. */
export function unitDollars(value: string | number | null | undefined): string {
  const text = unitCost(value);
  return text === NONE ? text : text.startsWith(MINUS) ? `${MINUS}$${text.slice(1)}` : `$${text}`;
}

export function change(value: string | number | null | undefined, digits?: number): string {
  if (value === null || value === undefined || value === "") return NONE;
  const text = amount(value, digits);
  return Number(value) > 0 && /[1-9]/.test(text) ? `+${text}` : text;
}

export function share(value: number | null | undefined, digits = 1): string {
  if (value === null || value === undefined) return NONE;
  return written(value, { style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export function count(value: number | string | null | undefined): string {
  return amount(value, 0);
}

/** A round figure on the axis of costs per unit: no idle zeros. */
export const axisCost = figures;

export function compact(value: number): string {
  if (Math.abs(value) < 1) return figures(value);
  return written(value, { notation: "compact", maximumFractionDigits: 1 });
}

export function instant(value: string | null | undefined): string {
  if (!value) return NONE;
  const date = new Date(value);
  return new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium", timeZone: "UTC" }).format(date);
}

export function day(value: string | null | undefined): string {
  if (!value) return NONE;
  return new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeZone: "UTC" }).format(new Date(value));
}

/** Whether a change of cost is good news, in words: colour never says it alone. */
export function direction(value: string | number | null | undefined, lowerIsBetter: boolean): "better" | "worse" | "" {
  const number = Number(value ?? 0);
  if (number === 0) return "";
  return number < 0 === lowerIsBetter ? "better" : "worse";
}
