/** What all charts share. Colours are variables of the page, so that they follow its appearance and its print. */
export const color = {
  value: "var(--value)",
  cost: "var(--cost)",
  good: "var(--good)",
  bad: "var(--bad)",
  neutral: "var(--neutral)",
  line: "var(--line)",
  text: "var(--text)",
  quiet: "var(--quiet)",
  accent: "var(--accent)",
} as const;

const LETTER = 6.9;

/** About how wide a text is drawn, in pixels; a little too much rather than too little. */
export function textWidth(text: string): number {
  return Math.ceil(text.length * LETTER);
}

/** Room for the longest label on the left; the library's own guess cuts long ones. */
export function leftMargin(labels: readonly string[], width: number): number {
  const longest = Math.max(0, ...labels.map(textWidth));
  return Math.min(longest + 14, Math.round(width * 0.45));
}

export interface Label {
  text: string;
  x: number;
  y: number;
  anchor: "start" | "end" | "middle";
}

/**
 * Labels of points moved up or down until none covers another, within a picture of this size. A label stands on the side of its
 * point that has more room.
 */
export function spread(
  points: readonly { text: string; x: number; y: number }[],
  width: number,
  height: number,
): Label[] {
  const step = 15;
  const placed: Label[] = [];
  for (const point of [...points].sort((left, right) => left.y - right.y)) {
    const wide = textWidth(point.text);
    const anchor = point.x - wide / 2 < 0 ? "start" : point.x + wide / 2 > width ? "end" : "middle";
    const from = (x: number): number => (anchor === "start" ? x : anchor === "end" ? x - wide : x - wide / 2);
    const x = Math.min(Math.max(point.x, 0), width);
    const covers = (y: number): boolean =>
      placed.some((other) => {
        const otherWide = textWidth(other.text);
        const start =
          other.anchor === "start" ? other.x : other.anchor === "end" ? other.x - otherWide : other.x - otherWide / 2;
        return Math.abs(other.y - y) < step && from(x) < start + otherWide && start < from(x) + wide;
      });
    let y = Math.max(10, point.y);
    while (covers(y) && y < height) y += step;
    placed.push({ text: point.text, x, y: Math.min(y, height), anchor });
  }
  return placed;
}
