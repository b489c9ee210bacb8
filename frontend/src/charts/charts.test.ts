import { expect, test } from "vitest";
import bridge from "../golden/bridge.json";
import { fallOf } from "./waterfall";
import { leftMargin, spread, textWidth } from "./theme";

test("the bars of a bridge begin where the one before ended, and end at what is", () => {
  const bars = fallOf(
    { name: bridge.versus_label, amount: bridge.before },
    bridge.bars,
    { name: bridge.label, amount: bridge.after },
    true,
  );
  const moves = bars.slice(1, -1);
  expect(bars).toHaveLength(bridge.bars.length + 2);
  moves.forEach((bar, index) => expect(bar.from).toBe(bars[index]?.to));
  expect(moves.at(-1)?.to).toBeCloseTo(Number(bridge.after), 6);
});

test("what is not known is no bar of a bridge", () => {
  const bars = fallOf(
    { name: "before", amount: "1" },
    [
      { name: "volume", change: "2" },
      { name: "unpriced", change: null },
    ],
    { name: "after", amount: "3" },
    true,
  );
  expect(bars.map((bar) => bar.name)).toEqual(["before", "volume", "after"]);
});

test("labels cover neither each other nor the points, and stay in the picture", () => {
  const points = [
    { text: "Support answers", x: 250, y: 60, radius: 15 },
    { text: "Invoice capture", x: 270, y: 58, radius: 10 },
    { text: "Contract extraction", x: 20, y: 180, radius: 20 },
  ];
  const labels = spread(points, 300, 220);
  for (const label of labels) {
    expect(label.x).toBeGreaterThanOrEqual(0);
    expect(label.x + textWidth(label.text)).toBeLessThanOrEqual(300);
    for (const point of points) {
      const beside = label.x > point.x + point.radius || label.x + textWidth(label.text) < point.x - point.radius;
      expect(beside || Math.abs(label.y - point.y) >= point.radius + 6.5).toBe(true);
    }
  }
  const [first, second] = labels;
  expect(Math.abs((first?.y ?? 0) - (second?.y ?? 0))).toBeGreaterThanOrEqual(13);
});

test("the longest label has room, but never half of the picture", () => {
  expect(leftMargin(["a", "a longer one"], 1000)).toBe(textWidth("a longer one") + 14);
  expect(leftMargin(["a label that is longer than there is room for"], 300)).toBe(135);
});
