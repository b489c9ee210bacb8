import { words, type Screen } from "../words/en";
import { where } from "./url.svelte";

class Keys {
  help = $state(false);
  going = false;
}
export const keys = new Keys();

function typing(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName))
  );
}

/** The keys of the whole page; what is typed into a field is left alone. */
export function shortcut(event: KeyboardEvent): void {
  if (event.key === "Escape") keys.help = false;
  if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
  if (keys.going) {
    keys.going = false;
    const found = Object.entries(words.screens).find(([, about]) => about.key === event.key);
    if (found) {
      event.preventDefault();
      where.go({ screen: found[0] as Screen });
      document.getElementById("answer")?.focus();
    }
  } else if (event.key === "g") keys.going = true;
  else if (event.key === "?") keys.help = !keys.help;
  else if (event.key === "/") {
    event.preventDefault();
    // The screen's own query before the filter that every screen has.
    document
      .querySelector<HTMLElement>("main [data-filter], :root:not(:has(main [data-filter])) [data-filter]")
      ?.focus();
  }
}
