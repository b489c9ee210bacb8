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
} as const;

/** Room for the longest label on the left; the library's own guess cuts long ones. */
export function leftMargin(labels: readonly string[], width: number): number {
  const longest = Math.max(0, ...labels.map((label) => label.length));
  return Math.min(Math.round(longest * 6.8) + 14, Math.round(width * 0.45));
}
