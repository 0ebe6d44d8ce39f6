import { defineConfig } from 'vitest/config';

// What JupyterLab's builder does with Markdown.
const markdown = {
  name: 'markdown',
  transform: (text, id) => (id.endsWith('.md') ? `export default ${JSON.stringify(text)}` : null)
};

export default defineConfig({
  plugins: [markdown],
  test: {
    environment: 'jsdom',
    include: ['tests/**/*.test.{ts,tsx}'],
    setupFiles: ['tests/setup.ts'],
    // JupyterLab's packages are written for a bundler: they import styles, and files without extensions.
    server: { deps: { inline: [/@jupyter/, /@lumino/, /@microsoft/] } }
  }
});
