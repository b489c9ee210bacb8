import { readdirSync, readFileSync } from "node:fs";
import { parse } from "svelte/compiler";
import { expect, test } from "vitest";

const SPOKEN = new Set(["title", "caption", "label", "aria-label", "placeholder", "sentence", "alt"]);
const here = new URL("../", import.meta.url);
const files = ["", "parts/", "screens/"].flatMap((folder) =>
  readdirSync(new URL(folder, here))
    .filter((name) => name.endsWith(".svelte"))
    .map((name) => folder + name),
);

/** Every text that a template holds itself: between tags, and in attributes that are shown or read out. */
function texts(node: unknown, found: string[] = []): string[] {
  if (Array.isArray(node)) for (const one of node) texts(one, found);
  else if (node && typeof node === "object") {
    const { type, data, name, value } = node as { type?: string; data?: string; name?: string; value?: unknown };
    if (type === "Text" && data) found.push(data);
    else if (type === "Attribute") {
      if (SPOKEN.has(name ?? "")) texts(value, found);
    } else if (type === "StyleSheet" || type === "Script") return found;
    else for (const one of Object.values(node)) texts(one, found);
  }
  return found;
}

test.each(files)("%s takes its words from the catalogue", (file) => {
  const tree = parse(readFileSync(new URL(file, here), "utf8"), { modern: true });
  const own = texts(tree.fragment)
    .map((text) => text.trim())
    .filter((text) => /[A-Za-z]{2,}/.test(text) && !text.startsWith("/"));
  expect(own).toEqual([]);
});
