import type { Schemas } from "../api/client";

/** Where a figure comes from. Reports tell different parts of it; what one does not tell is not shown. */
export type Trail = Partial<Schemas["Trail"]> & Record<string, unknown>;

class Panel {
  title = $state("");
  trail = $state.raw<Trail | null>(null);
  private from: HTMLElement | null = null;

  show(title: string, trail: object): void {
    this.from = document.activeElement as HTMLElement | null;
    this.title = title;
    this.trail = trail as Trail;
  }

  close(): void {
    this.trail = null;
    this.from?.focus();
  }
}

export const panel = new Panel();
