import { pulse } from "./pulse.svelte";
import { Fault, faultOf, read, type Answer, type Query, type ReadPath } from "../api/client";

/** One report as a component shows it: asked again whenever what it depends on changes; the last answer stays until the next is there. */
export class Report<Path extends ReadPath> {
  answer = $state.raw<Answer<Path> | null>(null);
  fault = $state.raw<Fault | null>(null);
  loading = $state(true);
  /** Whether the question is an old one, asked again because something new has come in: then nothing flickers. */
  quiet = $state(false);
  private running: AbortController | null = null;

  constructor(
    readonly path: Path,
    query: () => Query | null,
    parts: () => Record<string, string> = () => ({}),
    options: { live?: boolean } = {},
  ) {
    let before = "";
    if (options.live) $effect(() => pulse.follow());
    $effect(() => {
      const asked = query();
      const filled = parts();
      if (options.live) void pulse.version;
      const now = JSON.stringify([asked, filled]);
      this.quiet = now === before;
      before = now;
      if (asked) void this.ask(asked, filled);
      return () => this.running?.abort();
    });
  }

  async ask(query: Query, parts: Record<string, string>): Promise<void> {
    this.running?.abort();
    const running = (this.running = new AbortController());
    this.loading = true;
    try {
      const answer = await read(this.path, query, parts, running.signal);
      if (running.signal.aborted) return;
      this.answer = answer;
      this.fault = null;
    } catch (error) {
      if (running.signal.aborted) return;
      const busy = error instanceof Fault && error.status === 503;
      if (!(busy && this.quiet && this.answer)) this.fault = faultOf(error, "unreachable");
    }
    this.loading = false;
  }
}
