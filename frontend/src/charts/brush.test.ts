import { describe, expect, it } from "vitest";
import { regionOf, regionText, within } from "./brush";

describe("a region of a picture", () => {
  it("survives the address", () => {
    const region = { x: [10, 250.5], y: [-3, 7] } as const;
    expect(regionOf(regionText(region))).toEqual(region);
  });
  it("is none where the address says nothing that is one", () => {
    for (const text of [undefined, "", "1,2,3", "1,2,3,x", "1,2,3,4,5"]) expect(regionOf(text)).toBeNull();
  });
  it("holds its edges, and everything where there is none", () => {
    const region = { x: [0, 1], y: [0, 1] } as const;
    expect([within(region, 1, 0), within(region, 1.1, 0), within(null, 99, 99)]).toEqual([true, false, true]);
  });
});
