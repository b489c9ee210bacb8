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

/** Where a label begins, and the middle of its line. */
export interface Label {
  text: string;
  x: number;
  y: number;
}

interface Box {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

const STEP = 15;
const LINE = 13;

/**
 * A label for each point, moved up or down until it covers neither another label nor a point, within a picture of this size. At the
 * edges a label stands inwards of its point.
 */
export function spread(
  points: readonly { text: string; x: number; y: number; radius: number }[],
  width: number,
  height: number,
): Label[] {
  const taken: Box[] = points.map(({ x, y, radius }) => ({
    left: x - radius,
    right: x + radius,
    top: y - radius,
    bottom: y + radius,
  }));
  const free = (box: Box): boolean =>
    box.top >= 0 &&
    box.bottom <= height &&
    !taken.some(
      (other) => box.left < other.right && other.left < box.right && box.top < other.bottom && other.top < box.bottom,
    );
  return [...points]
    .sort((one, other) => one.y - other.y)
    .map(({ text, x, y, radius }) => {
      const wide = textWidth(text);
      const left = Math.max(0, Math.min(x - wide / 2, width - wide));
      const above = y - radius - LINE / 2 - 2;
      const below = y + radius + LINE / 2 + 2;
      const tried = Array.from({ length: 12 }, (_, at) => [above - at * STEP, below + at * STEP]).flat();
      const boxAt = (middle: number): Box => ({
        left,
        right: left + wide,
        top: middle - LINE / 2,
        bottom: middle + LINE / 2,
      });
      const middle = tried.find((one) => free(boxAt(one))) ?? above;
      taken.push(boxAt(middle));
      return { text, x: left, y: middle };
    });
}
