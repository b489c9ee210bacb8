import { read } from "../api/client";

const EVERY_MS = 800;

/** Whether something new has come into the ledger. It is asked only while somebody looks at what may change by it. */
class Pulse {
  version = $state(0);
  private seen: number | null = null;
  private followers = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  follow(): () => void {
    this.followers += 1;
    if (this.followers === 1 && !("__breakeven" in globalThis)) void this.look();
    return () => {
      this.followers -= 1;
      if (this.followers === 0) clearTimeout(this.timer);
    };
  }

  private wait(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.look(), EVERY_MS);
  }

  private async look(): Promise<void> {
    if (!document.hidden) {
      // A service that is away is told by the reports themselves; here it only means nothing new.
      const found = await read("/api/v1/pulse").catch(() => null);
      if (found && this.seen !== null && found.version !== this.seen) this.version += 1;
      if (found) this.seen = found.version;
    }
    if (this.followers > 0) this.wait();
  }
}

export const pulse = new Pulse();
