/** The ground of a cell on a scale around its middle, and the colour of the text that can be read on it. */
export interface Heat {
  ground: string;
  text: string;
}

type Rgb = readonly [number, number, number];
const BAD: Rgb = [240, 146, 128];
const MIDDLE: Rgb = [240, 241, 243];
const GOOD: Rgb = [98, 190, 168];
export const DARK: Rgb = [20, 23, 26];
export const LIGHT: Rgb = [255, 255, 255];

/** Relative luminance, as WCAG 2 defines it. */
export function luminance([red, green, blue]: Rgb): number {
  const linear = (value: number): number => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
}

export function contrast(one: Rgb, other: Rgb): number {
  const [high, low] = [luminance(one), luminance(other)].sort((left, right) => right - left) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

/** `at` runs from −1 (bad) over 0 to 1 (good); what lies beyond is drawn as the end. */
export function heatRgb(at: number): { ground: Rgb; text: Rgb } {
  const by = Math.min(1, Math.abs(at));
  const end = at < 0 ? BAD : GOOD;
  const mixed = MIDDLE.map((value, index) => Math.round(value + ((end[index] ?? 0) - value) * by)) as unknown as Rgb;
  return { ground: mixed, text: contrast(mixed, DARK) >= contrast(mixed, LIGHT) ? DARK : LIGHT };
}

export function heat(at: number): Heat {
  const { ground, text } = heatRgb(at);
  return { ground: `rgb(${ground.join(" ")})`, text: `rgb(${text.join(" ")})` };
}
