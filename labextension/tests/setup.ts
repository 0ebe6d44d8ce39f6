/** What JupyterLab's packages expect of a browser and jsdom does not have. */
Object.assign(globalThis, {
  DragEvent: class extends Event {},
  ResizeObserver: class {
    observe(): void {}
    disconnect(): void {}
  },
  matchMedia: (media: string) => ({ media, matches: false, addEventListener: () => undefined }),
  requestIdleCallback: (callback: () => void) => setTimeout(callback, 0),
  IS_REACT_ACT_ENVIRONMENT: true
});
