import { describe, expect, it } from 'vitest';

import { Understood } from '../src/understood';
import { bob } from './examples';

const WHAT = 'that';

/** A storage that holds one text for everybody. */
function holding(text: string | null): Pick<Storage, 'getItem' | 'setItem'> {
  return {
    getItem: () => text,
    setItem: (_, value) => {
      text = value;
    }
  };
}

describe('Understood', () => {
  it('knows person, vault, notebook and what was said', () => {
    const kept = new Map<string, string>();
    const understood = new Understood({
      getItem: name => kept.get(name) ?? null,
      setItem: (name, value) => void kept.set(name, value)
    });
    understood.add(bob, 'a.ipynb', WHAT);
    expect(understood.has(bob, 'a.ipynb', WHAT)).toBe(true);
    expect(understood.has(bob, 'b.ipynb', WHAT)).toBe(false);
    expect(understood.has(bob, 'a.ipynb', 'something else')).toBe(false);
    expect(understood.has({ ...bob, name: 'alice' }, 'a.ipynb', WHAT)).toBe(false);
    expect(understood.has({ ...bob, log_key: 'another' }, 'a.ipynb', WHAT)).toBe(false);
  });

  it.each(['', '{', 'null', '{"a.ipynb": "that"}', '[["a.ipynb"], 7, "a.ipynb", ["a.ipynb", 1]]'])(
    'takes no harm from %j in its place',
    text => {
      const understood = new Understood(holding(text));
      expect(understood.has(bob, 'a.ipynb', WHAT)).toBe(false);
      understood.add(bob, 'a.ipynb', WHAT);
      expect(understood.has(bob, 'a.ipynb', WHAT)).toBe(true);
    }
  );

  it('lasts for the page where the browser keeps nothing', () => {
    const understood = new Understood({
      getItem: () => null,
      setItem: () => {
        throw new Error('quota');
      }
    });
    understood.add(bob, 'a.ipynb', WHAT);
    expect(understood.has(bob, 'a.ipynb', WHAT)).toBe(true);
  });

  it('forgets the oldest of very many', () => {
    const understood = new Understood(holding(null));
    for (let number = 0; number <= 500; number += 1) {
      understood.add(bob, `${String(number)}.ipynb`, WHAT);
    }
    expect(understood.has(bob, '0.ipynb', WHAT)).toBe(false);
    expect(understood.has(bob, '1.ipynb', WHAT)).toBe(true);
    expect(understood.has(bob, '500.ipynb', WHAT)).toBe(true);
  });
});
