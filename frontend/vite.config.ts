import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

// The built files go into the Python package; their names hold a hash, so that they may be kept for ever.
export default defineConfig({
  plugins: [svelte()],
  build: {
    outDir: "../src/breakeven/web/static",
    emptyOutDir: true,
    target: "es2023",
    modulePreload: { polyfill: false },
  },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
