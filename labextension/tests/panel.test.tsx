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
  let guides: number;

  beforeEach(async () => {
    assets = new Standing();
    opened = [];
    guides = 0;
    panel = new SharedPanel({
      assets,
      trans: nullTranslator.load('jupyter_securecollab'),
      onOpen: name => opened.push(name),
      onGuide: () => (guides += 1)
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

  function showRecording(mode: 'flag' | 'block' | 'off', ...why_not: string[]): Promise<void> {
    return show({
      status: 'ready',
      who: bob,
      assets: [],
      recording: { ...recorded, mode, why_not }
    });
  }

  function recordingSays(role: 'status' | 'alert'): string | null | undefined {
    return panel.node.querySelector(`.jp-SecureCollab-recorded[role=${role}]`)?.textContent;
  }

  it('says that executions are recorded, and what happens when they cannot be', async () => {
    await showRecording('flag');
    expect(recordingSays('status')).toMatch(/^Executions are recorded\..*cells still run/);
    await showRecording('block');
    expect(recordingSays('status')).toMatch(/^Executions are recorded\..*is not executed/);
    expect(recordingSays('alert')).toBeUndefined();
  });

  it.each(['flag', 'block'] as const)('says why not all is recorded with %s', async mode => {
    await showRecording(mode, '<b>Another class</b> is in use.', 'And another.');
    expect(recordingSays('alert')).toMatch(
      /^Executions are not, or not all, recorded\.<b>Another class<\/b> is in use\.And another\./
    );
    expect(recordingSays('status')).toBeUndefined();
    expect(panel.node.textContent).not.toMatch(/Executions are recorded|still run|not executed/);
  });

  it('says that nothing is recorded where it is switched off', async () => {
    await showRecording('off', 'An administrator switched it off.');
    expect(recordingSays('alert')).toMatch(
      /^Executions are not recorded\.An administrator switched it off\./
    );
  });

  it('says that it is advisory on a server of one’s own', async () => {
    const recording = { ...recorded, advisory: true };
    await show({ status: 'ready', who: bob, assets: [], recording });
    expect(recordingSays('status')).toMatch(
      /^Executions are recorded, advisory \(this server is yours\)\./
    );
  });

  it.each([
    [1, /1 record waits, since/],
    [17, /17 records wait, since/]
  ])('says what is kept here while the vault is away: %d', async (waiting, says) => {
    const recording = { ...recorded, advisory: true, waiting, since: '2026-11-23T12:00:00Z' };
    await show({ status: 'failed', error: new VaultError('unavailable'), recording });
    expect(recordingSays('status')).toMatch(
      /^Executions are kept here until the vault takes them\./
    );
    expect(recordingSays('status')).toMatch(says);
    expect(panel.node.querySelectorAll('.jp-SecureCollab-problem')).toHaveLength(1);
    await show({
      status: 'failed',
      error: new VaultError('unavailable'),
      recording: { ...recording, why_not: ['4 records were lost.'] }
    });
    expect(recordingSays('alert')).toMatch(/not, or not all, recorded\.4 records were lost/);
  });

  it('says nothing of recording where the server says nothing', async () => {
    await show({ status: 'failed', error: new VaultError('unavailable'), recording: null });
    expect(panel.node.querySelector('.jp-SecureCollab-recorded')).toBeNull();
  });

  it('leads to the guide', async () => {
    await showRecording('flag');
    panel.node.querySelector<HTMLElement>('.jp-SecureCollab-recorded button')?.click();
    expect(guides).toBe(1);
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
    await show({ status: 'failed', error: new VaultError('missing'), recording: null });
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
    await show({
      status: 'failed',
      error: new VaultError('denied', HOSTILE, 'Ask a steward.'),
      recording: null
    });
    expect(panel.node.querySelector('[role=alert]')?.textContent).toBe(`${HOSTILE}Ask a steward.`);
    expect(panel.node.querySelector('img, script')).toBeNull();
  });

  it('says that an unreachable vault is asked again', async () => {
    await show({ status: 'failed', error: new VaultError('unreachable'), recording: null });
    expect(panel.node.querySelector('[role=alert]')?.textContent).toContain('asked again');
  });
});
