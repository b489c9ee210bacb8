import { afterEach, expect, test } from "vitest";
import pnl from "./golden/pnl.json";
import { verdictWords, PNL } from "./screens/columns";
import { amount, axisCost, change, compact, direction, dollars, NONE, share, unitCost, useLocale } from "./format";
import type { Schemas } from "./api/client";

type Row = Schemas["PnlRow"];
const rows = pnl.rows as unknown as Row[];
const text = (row: Row, name: string): string => {
  const column = PNL.find((one) => one.name === name);
  return column?.text?.(row) ?? String(column?.value(row) ?? NONE);
};

afterEach(() => useLocale("en"));

test("what is not known is a dash, never nothing", () => {
  for (const write of [amount, dollars, unitCost, change]) {
    expect(write(null)).toBe(NONE);
    expect(write(undefined)).toBe(NONE);
  }
  expect(share(null)).toBe(NONE);
  expect(amount("0")).toBe("0");
});

test("the P&L of the sample company reads as its documentation does", () => {
  const contract = rows.find((row) => row.label === "Contract extraction");
  if (!contract) throw new Error("the golden file lacks Contract extraction");
  expect(
    ["value", "cost", "contribution", "margin", "cost_per_outcome", "cost_change"].map((name) => text(contract, name)),
  ).toEqual(["18,400", "20,015", "▼ −1,615", "−8.8%", "0.486", "+10,380 worse"]);
  expect(verdictWords(contract)).toBe("▼ destroys value");
});

test("what nobody owns is named and toned as unknown", () => {
  const nobody = rows.find((row) => row.kind === "unattributed");
  if (!nobody) throw new Error("the golden file lacks what nobody owns");
  expect(text(nobody, "value")).toBe(NONE);
  expect(PNL.find((one) => one.name === "value")?.tone?.(nobody)).toBe("unknown");
  expect(verdictWords(nobody)).toBe("no owner");
});

test("round figures on an axis have no idle zeros", () => {
  expect([0.001, 0.02, 0.1, 2, 1500].map(axisCost)).toEqual(["0.001", "0.02", "0.1", "2", "1,500"]);
});

test("what was paid never reads as $0", () => {
  expect(["0", "0.000371", "0.371", "0.5", "7.2", "99.999", "1615.07"].map((text) => dollars(text))).toEqual([
    "$0",
    "$0.000371",
    "$0.371",
    "$0.50",
    "$7.20",
    "$100.00",
    "$1,615",
  ]);
  expect(dollars("0.371", 0)).toBe("$0");
  expect([amount("0.00864"), amount("0"), amount("-0.3"), change("0.3"), amount("7.2")]).toEqual([
    "0.00864",
    "0",
    "−0.3",
    "+0.3",
    "7",
  ]);
  expect([0.4, 0.00037, 1500].map(compact)).toEqual(["0.4", "0.00037", "1.5K"]);
});

test("signs and words carry what colour does", () => {
  expect(dollars("-1615.07")).toBe("−$1,615");
  expect(direction("-1", true)).toBe("better");
  expect(direction("1", true)).toBe("worse");
  expect(direction("0", true)).toBe("");
});

test("figures are written as the locale writes them", () => {
  useLocale("de-DE");
  expect(amount("41709.99951838", 2)).toBe("41.710,00");
  expect(share(0.5866)).toContain("58,7");
});

test("what rounds to nothing has no sign", () => {
  expect([amount("-0.3", 0), change("-0.3", 0), change("0.3", 0), change("-0.6", 0), share(-0.0001)]).toEqual([
    "0",
    "0",
    "0",
    "−1",
    "0.0%",
  ]);
});
