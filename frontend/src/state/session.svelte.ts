import { change, read, setGuard, type Schemas } from "../api/client";

/** Who looks at this, and how it is shown to them. */
class Session {
  me = $state<Schemas["Me"] | null>(null);
  theme = $state<"auto" | "light" | "dark">("auto");

  async begin(): Promise<void> {
    const link = new URLSearchParams(location.hash.slice(1)).get("link");
    if (link) {
      history.replaceState(null, "", location.pathname + location.search);
      await this.signIn(link).catch(() => undefined);
    }
    this.take(await read("/api/v1/session"));
  }

  async signIn(token: string): Promise<void> {
    this.take(await change<Schemas["Me"]>("/api/v1/session", { token }));
  }

  async signOut(): Promise<void> {
    await change("/api/v1/session", null, "DELETE");
    this.take(await read("/api/v1/session"));
  }

  may(action: string): boolean {
    return this.me?.may?.includes(action) ?? false;
  }

  show(theme: "auto" | "light" | "dark"): void {
    this.theme = theme;
    if (theme === "auto") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = theme;
    try {
      localStorage.setItem("theme", theme);
    } catch {
      // A browser that keeps nothing shows it as the system does next time.
    }
  }

  private take(me: Schemas["Me"]): void {
    this.me = me;
    setGuard(me.guard || "local");
  }
}

export const session = new Session();
