import { describe, expect, it } from 'vitest';

import text from '../../docs/guide/what-is-recorded.md';
import { withoutLinks } from '../src/guide';

describe('the guide', () => {
  it('is the one of the documentation, without links to pages that are not here', () => {
    expect(text).toContain('# What is recorded of what you execute');
    expect(text).toContain('](../operate/settings.md)');
    expect(withoutLinks(text)).not.toMatch(/\.md\)|\]\(#/);
    expect(withoutLinks(text)).toContain('settings');
  });

  it('keeps links that lead somewhere', () => {
    expect(withoutLinks('[a](https://a.example/b) [c](d.md#e) [f](#g)')).toBe(
      '[a](https://a.example/b) c f'
    );
  });
});
