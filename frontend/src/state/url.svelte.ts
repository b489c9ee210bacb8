import type { Screen } from "../words/en";
import { words } from "../words/en";

/** The address is the state: screen, item, and everything asked for. A link pasted elsewhere opens the same view. */
export interface Place {
  screen: Screen;
  item: string;
  query: Record<string, string>;
}

export const FILTERS = [
  "feature",
  "team",
  "customer",
  "user",
  "workflow",
  "environment",
  "model",
  "provider",
  "rung",
] as const;

export function parsePlace(pathname: string, search: string): Place {
  const [first = "", second = ""] = pathname.replace(/^\/+/, "").split("/");
  const screen = first in words.screens ? (first as Screen) : "overview";
  return { screen, item: decodeURIComponent(second), query: Object.fromEntries(new URLSearchParams(search)) };
}

export function placeAddress(place: Place): string {
  const path =
    place.screen === "overview" ? "/" : `/${place.screen}${place.item ? `/${encodeURIComponent(place.item)}` : ""}`;
  const asked = new URLSearchParams(Object.entries(place.query).filter(([, value]) => value !== ""));
  // The few characters that the time grammar uses stay readable.
  const text = asked.toString().replace(/%3A/g, ":").replace(/%2C/g, ",");
  return text ? `${path}?${text}` : path;
}

/** A single-file report, or no page at all, has no address to keep. */
const offline = "__breakeven" in globalThis || typeof location === "undefined";

class Where {
  place = $state<Place>(
    offline ? { screen: "overview", item: "", query: {} } : parsePlace(location.pathname, location.search),
  );

  /** What every report is asked for: period, comparison, filters. */
  get asked(): Record<string, string> {
    const { period, vs, by } = this.place.query;
    const filters = Object.fromEntries(
      FILTERS.flatMap((name) => (this.place.query[name] ? [[name, this.place.query[name]]] : [])),
    );
    return { ...(period ? { period } : {}), ...(vs ? { vs } : {}), ...(by ? { by } : {}), ...filters } as Record<
      string,
      string
    >;
  }

  /** Whether all time is asked about: there is nothing before it to compare with. */
  get unbounded(): boolean {
    return this.place.query["period"]?.trim().toLowerCase() === "all";
  }

  /** What is asked for, compared with the period before where nothing else is said and there is one. */
  get compared(): Record<string, string> {
    const { vs = "previous", ...asked } = this.asked;
    return this.unbounded && vs === "previous" ? asked : { vs, ...asked };
  }

  /** The same without comparison and grouping, for what knows neither. */
  get plain(): Record<string, string> {
    return Object.fromEntries(Object.entries(this.asked).filter(([name]) => name !== "vs" && name !== "by"));
  }

  go(change: Partial<Place>, options: { replace?: boolean } = {}): void {
    this.place = { ...this.place, item: "", ...change };
    if (offline) return;
    const target = placeAddress(this.place);
    if (options.replace) history.replaceState(null, "", target);
    else history.pushState(null, "", target);
  }

  set(query: Record<string, string | undefined>, options: { replace?: boolean } = {}): void {
    const next = Object.fromEntries(
      Object.entries({ ...this.place.query, ...query }).filter((entry): entry is [string, string] => Boolean(entry[1])),
    );
    this.go({ item: this.place.item, query: next }, options);
  }

  back(): void {
    this.place = parsePlace(location.pathname, location.search);
  }
}

export const where = new Where();
if (!offline && typeof addEventListener === "function") addEventListener("popstate", () => where.back());
