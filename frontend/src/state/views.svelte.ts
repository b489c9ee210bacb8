/** Views of the calls that somebody keeps, in the browser: a name and what is asked. */
export interface View {
  name: string;
  query: string;
  sort: string;
}

const KEY = "breakeven.views";

export function parseViews(text: string | null): View[] {
  try {
    const found: unknown = JSON.parse(text ?? "[]");
    if (!Array.isArray(found)) return [];
    return found.filter(
      (one): one is View =>
        typeof one?.name === "string" && typeof one?.query === "string" && typeof one?.sort === "string",
    );
  } catch {
    return [];
  }
}

/** The list with this view in it; one of the same name is replaced. */
export function withView(views: readonly View[], view: View): View[] {
  return [...views.filter((one) => one.name !== view.name), view].sort((a, b) => a.name.localeCompare(b.name));
}

class Views {
  all = $state.raw<readonly View[]>(typeof localStorage === "undefined" ? [] : parseViews(localStorage.getItem(KEY)));

  save(view: View): void {
    this.take(withView(this.all, view));
  }

  forget(name: string): void {
    this.take(this.all.filter((one) => one.name !== name));
  }

  private take(views: readonly View[]): void {
    this.all = views;
    try {
      localStorage.setItem(KEY, JSON.stringify(views));
    } catch {
      // A browser that keeps nothing forgets the view with the page.
    }
  }
}

export const views = new Views();
