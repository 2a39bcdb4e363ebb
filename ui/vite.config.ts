// Builds the console into ui/dist: index.html at its top, hashed files under assets/. Nothing inline (the daemon's
// content security policy refuses it), no source maps (they would be embedded in the binary).
import { defineConfig } from 'vite';

export default defineConfig({
  base: '/console/',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: ['chrome123', 'firefox128', 'safari17.5'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
  },
});
