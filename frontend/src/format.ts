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

export function amount(value: string | number | null | undefined, digits = 0): string {
  if (value === null || value === undefined || value === "") return NONE;
  return written(Number(value), { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export function dollars(value: string | number | null | undefined, digits = 0): string {
  if (value === null || value === undefined || value === "") return NONE;
  const number = Number(value);
  return (number < 0 ? MINUS : "") + "$" + amount(Math.abs(number), digits);
}

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

export function change(value: string | number | null | undefined, digits = 0): string {
  if (value === null || value === undefined || value === "") return NONE;
  const text = amount(value, digits);
  return Number(value) > 0 && /[1-9]/.test(text) ? `+${text}` : text;
}

export function share(value: number | null | undefined, digits = 1): string {
  if (value === null || value === undefined) return NONE;
  return written(value, { style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** A change as a share: what rises has its sign too. */
export function signedShare(value: number, digits = 1): string {
  return (value > 0 ? "+" : "") + share(value, digits);
}

export function count(value: number | string | null | undefined): string {
  return amount(value, 0);
}

/** A round figure on the axis of costs per unit: no idle zeros. */
export function axisCost(value: number): string {
  return written(value, { maximumSignificantDigits: 3 });
}

export function compact(value: number): string {
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
