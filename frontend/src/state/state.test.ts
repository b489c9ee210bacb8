import { expect, test } from "vitest";
import { parseKept, writeKept, type Kept } from "./compared";
import { parsePlace, placeAddress } from "./url.svelte";
import { parseViews, withView } from "./views.svelte";
import { csvOf } from "../export";

test("an address opens the view that it was taken from", () => {
  for (const address of [
    "/",
    "/pnl?period=2026-Q4&vs=previous",
    "/pnl/Contract%20extraction?period=2026-10",
    "/calls?query=feature:support+cost%3E0.50",
    "/scenarios?price=-30%25&with=tokens:%2B60%25%7C-",
  ]) {
    const [path = "", search = ""] = address.split("?");
    const place = parsePlace(path, search);
    expect(parsePlace(...(placeAddress(place).split("?") as [string, string]))).toEqual(place);
  }
});

test("an address that names no screen opens the first one", () => {
  expect(parsePlace("/nonsense", "").screen).toBe("overview");
});

test("scenarios kept to be compared survive the address, one without any assumption too", () => {
  const kept: Kept[] = [{ price: "-30%", tokens: "+60%" }, {}];
  expect(parseKept(writeKept(kept))).toEqual(kept);
  expect(parseKept("price:-30%|-|tokens:1%|volume:2%")).toHaveLength(2);
  expect(parseKept("colour:red")).toEqual([{}]);
});

test("saved views are kept by name, and what is no view is left out", () => {
  const views = withView(withView([], { name: "b", query: "x", sort: "cost" }), {
    name: "a",
    query: "y",
    sort: "time",
  });
  expect(views.map((view) => view.name)).toEqual(["a", "b"]);
  expect(withView(views, { name: "a", query: "z", sort: "cost" })).toHaveLength(2);
  expect(parseViews('[{"name":"a"},{"name":"b","query":"","sort":"cost"}]')).toHaveLength(1);
  for (const broken of [null, "{", "3"]) expect(parseViews(broken)).toEqual([]);
});

test("a file of rows has exact digits, and nothing in it that a spreadsheet would run", () => {
  const text = csvOf([
    { name: "=cmd()", cost: "-1615.07953198", note: 'a "b", c' },
    { name: "x", cost: null, note: "" },
  ]);
  expect(text).toBe('name,cost,note\r\n\'=cmd(),-1615.07953198,"a ""b"", c"\r\nx,,\r\n');
});
