/**
 * Remembers, in this browser, which notices a person has understood; never in the notebook, which others read.
 */
import type { Who } from './api';

/** How many notebooks are remembered for one person; those understood longest ago are told again. */
const MOST = 500;

export class Understood {
  /** In this storage, or, where the browser has none for us, until the page is closed. */
  constructor(private readonly storage: Pick<Storage, 'getItem' | 'setItem'> = localStorage) {}

  /** Whether this person has understood that, for the notebook at this path. */
  has(who: Who, path: string, what: string): boolean {
    return this.of(who).some(([where, said]) => where === path && said === what);
  }

  add(who: Who, path: string, what: string): void {
    const others = this.of(who).filter(([where]) => where !== path);
    const all = JSON.stringify([...others, [path, what]].slice(-MOST));
    this.now.set(key(who), all);
    try {
      this.storage.setItem(key(who), all);
    } catch {
      // full or forbidden: it is said again in the next page
    }
  }

  private of(who: Who): [string, string][] {
    try {
      const kept = this.storage.getItem(key(who)) ?? this.now.get(key(who)) ?? '[]';
      const found: unknown = JSON.parse(kept);
      return Array.isArray(found) ? found.filter(isPair) : [];
    } catch {
      return [];
    }
  }

  private readonly now = new Map<string, string>();
}

/** People who share a browser, and servers that share an address, are kept apart. */
function key(who: Who): string {
  return `jupyter-securecollab:understood:${who.log_key}:${who.name}`;
}

function isPair(one: unknown): one is [string, string] {
  return Array.isArray(one) && one.length === 2 && one.every(part => typeof part === 'string');
}
