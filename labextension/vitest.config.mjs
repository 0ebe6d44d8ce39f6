import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    environment: 'jsdom',
    include: ['tests/**/*.test.{ts,tsx}'],
    setupFiles: ['tests/setup.ts'],
    // JupyterLab's packages are written for a bundler: they import styles, and files without extensions.
    server: { deps: { inline: [/@jupyter/, /@lumino/, /@microsoft/] } }
  }
});
