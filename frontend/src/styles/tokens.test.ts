import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { contrast, heatRgb } from "../charts/heat";

type Rgb = readonly [number, number, number];
const css = readFileSync(new URL("./tokens.css", import.meta.url), "utf8");
const tokens = new Map<string, { light: Rgb; dark: Rgb }>();
for (const [, name, light, dark] of css.matchAll(/--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)/g)) {
  if (name && light && dark) tokens.set(name, { light: rgb(light), dark: rgb(dark) });
}

function rgb(hex: string): Rgb {
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as unknown as Rgb;
}

function pair(one: string, other: string, mode: "light" | "dark"): number {
  const [left, right] = [tokens.get(one), tokens.get(other)];
  if (!left || !right) throw new Error(`there is no token ${one} or ${other}`);
  return contrast(left[mode], right[mode]);
}

const GROUNDS = ["ground", "raised"];
const TEXTS = ["text", "quiet", "accent", "good", "bad", "unknown"];
const MARKS = ["value", "cost", "good", "bad", "neutral", "accent", "focus"];

for (const mode of ["light", "dark"] as const) {
  test(`text can be read on every ground (${mode})`, () => {
    for (const text of TEXTS)
      for (const ground of GROUNDS)
        expect(pair(text, ground, mode), `${text} on ${ground}`).toBeGreaterThanOrEqual(4.5);
    expect(pair("ground", "accent", mode), "a primary button").toBeGreaterThanOrEqual(4.5);
  });

  test(`marks of charts stand out from the ground (${mode})`, () => {
    for (const mark of MARKS) expect(pair(mark, "ground", mode), mark).toBeGreaterThanOrEqual(3);
  });
}

test("text in a cell can be read on every shade of the scale", () => {
  for (let at = -1.5; at <= 1.5; at += 0.05) {
    const { ground, text } = heatRgb(at);
    expect(contrast(ground, text), String(at)).toBeGreaterThanOrEqual(4.5);
  }
});
