import { nullTranslator } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';
import { MessageLoop } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import { act } from 'react';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { type AssetSummary, type Level, VaultError } from '../src/api';
import { SharedPanel } from '../src/panel';
import type { ISharedAssets, Shown } from '../src/tokens';
import { asset, bob, HOSTILE, recorded } from './examples';

class Standing implements ISharedAssets {
  shown: Shown = { status: 'loading' };
  readonly changed = new Signal<this, void>(this);
  refresh(): Promise<void> {
    return Promise.resolve();
  }
}

describe('SharedPanel', () => {
  let assets: Standing;
  let panel: SharedPanel;
  let opened: string[];

  beforeEach(async () => {
    assets = new Standing();
    opened = [];
    panel = new SharedPanel({
      assets,
      trans: nullTranslator.load('jupyter_securecollab'),
      onOpen: name => opened.push(name)
    });
    await act(async () => {
      Widget.attach(panel, document.body);
      MessageLoop.flush();
      await Promise.resolve();
    });
  });

  afterEach(() => {
    act(() => {
      panel.dispose();
    });
  });

  async function show(shown: Shown): Promise<void> {
    await act(async () => {
      assets.shown = shown;
      assets.changed.emit();
      MessageLoop.flush();
      await Promise.resolve();
    });
  }

  function showList(...list: AssetSummary[]): Promise<void> {
    return show({ status: 'ready', who: bob, assets: list, recording: recorded });
  }

  function list(label: string): HTMLElement | null {
    return panel.node.querySelector<HTMLElement>(`[role=listbox][aria-label="${label}"]`);
  }

  function rows(label: string): HTMLElement[] {
    return [...(list(label)?.querySelectorAll<HTMLElement>('[role=option]') ?? [])];
  }

  function focus(row: HTMLElement | undefined): void {
    act(() => {
      row?.focus();
    });
  }

  function press(key: string): void {
    act(() => {
      document.activeElement?.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
    });
  }

  function stops(label: string): (string | null | undefined)[] {
    return rows(label)
      .filter(row => row.tabIndex === 0)
      .map(row => row.querySelector('.jp-SecureCollab-name')?.textContent);
  }

  it('says whether what is executed is recorded, and why not', async () => {
    await showList();
    expect(panel.node.textContent).toContain('What you execute here is recorded.');
    const recording = { mode: 'flag' as const, why_not: ['<b>Another class</b> is in use.'] };
    await show({ status: 'ready', who: bob, assets: [], recording });
    const alert = panel.node.querySelector('[role=alert]');
    expect(alert?.textContent).toContain(
      'not, or not all, recorded.<b>Another class</b> is in use.'
    );
    expect(panel.node.textContent).not.toContain('What you execute here is recorded.');
  });

  it('says that it is asking before it has an answer', () => {
    expect(panel.node.querySelector('[role=status]')?.textContent).toContain('Asking');
    expect(panel.node.querySelector('[role=listbox]')).toBeNull();
  });

  it('says who you are, how far you read, and that embedded is no wall', async () => {
    await showList();
    const header = panel.node.querySelector('.jp-SecureCollab-header')?.textContent;
    expect(header).toContain('bob');
    expect(header).toContain('you read up to');
    expect(header).toContain('internal');
    expect(header).toContain('not a wall between people on this server');
  });

  it('does not call a vault service embedded', async () => {
    await show({
      status: 'ready',
      who: { ...bob, deployment: 'service' },
      assets: [],
      recording: recorded
    });
    expect(panel.node.textContent).not.toContain('Embedded');
  });

  it('keeps what is shared with me apart from what is mine', async () => {
    await showList(
      asset({ name: 'oncology/patients' }),
      asset({ name: 'bob/notes', mine: true, owner: 'bob' })
    );
    expect(rows('Shared with me').map(row => row.textContent)).toEqual([
      expect.stringMatching(/^oncology\/patients.*from alice/)
    ]);
    expect(rows('Mine').map(row => row.textContent)).toEqual([
      expect.stringMatching(/^bob\/notes/)
    ]);
    expect(rows('Mine')[0]?.textContent).not.toContain('from');
  });

  it('says so when there is nothing', async () => {
    await showList();
    expect(panel.node.textContent).toContain('Nothing is shared with you yet');
    expect(panel.node.textContent).toContain('%share');
  });

  it('tells levels by word and shape, not by colour alone', async () => {
    const levels: Level[] = ['public', 'internal', 'confidential', 'secret'];
    await showList(...levels.map(level => asset({ name: `levels/${level}`, up_to: level })));
    const chips = rows('Shared with me').map(row => row.querySelector('.jp-SecureCollab-level'));
    expect(chips.map(chip => chip?.textContent)).toEqual(levels);
    expect(new Set(chips.map(chip => chip?.querySelector('path')?.getAttribute('d'))).size).toBe(4);
  });

  it('says when access ends, and nothing when it does not', async () => {
    await showList(
      asset({ name: 'a/ends', until: '2026-12-24T12:00:00Z' }),
      asset({ name: 'a/stays' })
    );
    const [ends, stays] = rows('Shared with me').map(row => row.textContent);
    expect(ends).toMatch(/until .*2026/);
    expect(stays).not.toContain('until');
  });

  it('opens what is clicked', async () => {
    await showList(asset({ name: 'a/one' }), asset({ name: 'a/two' }));
    rows('Shared with me')[1]?.click();
    expect(opened).toEqual(['a/two']);
  });

  it('is usable by keyboard: one stop for Tab, arrows inside, Enter opens', async () => {
    await showList(asset({ name: 'a/one' }), asset({ name: 'a/two' }), asset({ name: 'a/three' }));
    expect(stops('Shared with me')).toEqual(['a/one']);
    focus(rows('Shared with me')[0]);
    for (const [key, name] of [
      ['ArrowDown', 'a/two'],
      ['End', 'a/three'],
      ['ArrowDown', 'a/three'],
      ['ArrowUp', 'a/two'],
      ['Home', 'a/one'],
      ['ArrowUp', 'a/one'],
      ['x', 'a/one'],
      ['ArrowDown', 'a/two']
    ] as const) {
      press(key);
      expect(document.activeElement?.textContent).toContain(name);
      expect(stops('Shared with me')).toEqual([name]);
    }
    expect(opened).toEqual([]);
    press('Enter');
    expect(opened).toEqual(['a/two']);
  });

  it('keeps the place when the list changes around it', async () => {
    await showList(asset({ name: 'a/one' }), asset({ name: 'a/two' }));
    focus(rows('Shared with me')[1]);
    await showList(asset({ name: 'a/new' }), asset({ name: 'a/one' }), asset({ name: 'a/two' }));
    expect(document.activeElement?.textContent).toContain('a/two');
    await showList(asset({ name: 'a/new' }));
    expect(stops('Shared with me')).toEqual(['a/new']);
  });

  it('shows markup in names, titles and owners as the text it is', async () => {
    await showList(asset({ name: HOSTILE, title: HOSTILE, owner: HOSTILE }));
    expect(rows('Shared with me')[0]?.textContent).toContain(HOSTILE);
    expect(rows('Shared with me')[0]?.title).toBe(HOSTILE);
    expect(panel.node.querySelector('img, script')).toBeNull();
    expect(globalThis).not.toHaveProperty('ran');
  });

  it('says how to get the server half when it is missing', async () => {
    await showList(asset());
    await show({ status: 'failed', error: new VaultError('missing') });
    expect(panel.node.querySelector('[role=alert]')?.textContent).toContain('server half');
    expect(panel.node.querySelector('[role=alert]')?.textContent).toContain(
      'jupyter server extension list'
    );
    expect(panel.node.querySelector('[role=listbox]')).toBeNull();
    expect(panel.content.isHidden).toBe(true);
    await showList(asset());
    expect(panel.content.isHidden).toBe(false);
  });

  it('passes on why the vault refuses and what to do, as text', async () => {
    await show({ status: 'failed', error: new VaultError('denied', HOSTILE, 'Ask a steward.') });
    expect(panel.node.querySelector('[role=alert]')?.textContent).toBe(`${HOSTILE}Ask a steward.`);
    expect(panel.node.querySelector('img, script')).toBeNull();
  });

  it('says that an unreachable vault is asked again', async () => {
    await show({ status: 'failed', error: new VaultError('unreachable') });
    expect(panel.node.querySelector('[role=alert]')?.textContent).toContain('asked again');
  });
});
