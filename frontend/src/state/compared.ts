/** Scenarios kept to be compared, as the address holds them: `price:-30%;tokens:+60%|name:flat`. */
export type Kept = Readonly<Record<string, string>>;

/** Three are compared at most: these and the one on the screen. */
export const MOST_KEPT = 2;
const NAMES = new Set(["name", "price", "tokens", "volume", "own_price", "down"]);

export function parseKept(text: string | undefined): Kept[] {
  if (!text) return [];
  return text
    .split("|")
    .slice(0, MOST_KEPT)
    .map((one) =>
      Object.fromEntries(
        one.split(";").flatMap((part) => {
          const [name = "", ...rest] = part.split(":");
          return NAMES.has(name) && rest.length ? [[name, rest.join(":")]] : [];
        }),
      ),
    );
}

export function writeKept(kept: readonly Kept[]): string {
  // An empty scenario (everything as history has it) is written too.
  return kept
    .map(
      (one) =>
        Object.entries(one)
          .map(([name, value]) => `${name}:${value}`)
          .join(";") || "-",
    )
    .join("|");
}
