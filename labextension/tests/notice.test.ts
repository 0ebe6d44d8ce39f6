import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { nullTranslator } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';
import { BoxPanel, Widget } from '@lumino/widgets';
import { beforeEach, describe, expect, it } from 'vitest';

import { tellNotebooks } from '../src/notice';
import type { ISharedAssets, Shown } from '../src/tokens';
import { Understood } from '../src/understood';
import { bob, recorded } from './examples';

const trans = nullTranslator.load('jupyter_securecollab');
const alice = { ...bob, name: 'alice' };

class Standing implements ISharedAssets {
  shown: Shown = { status: 'loading' };
  readonly changed = new Signal<this, void>(this);
  refresh(): Promise<void> {
    return Promise.resolve();
  }
}

class Context {
  readonly pathChanged = new Signal<this, string>(this);
  constructor(public path: string) {}
}

/** As much of a notebook's panel as the notice touches. */
class Panel extends Widget {
  readonly contentHeader = new BoxPanel();
  readonly context: Context;
  constructor(path: string) {
    super();
    this.context = new Context(path);
  }

  get said(): string[] {
    return this.contentHeader.widgets.map(one => one.node.textContent);
  }

  press(label: string): void {
    const buttons = [...this.contentHeader.node.querySelectorAll('button')];
    buttons.find(one => one.textContent === label)?.click();
  }
}

class Tracker {
  readonly widgetAdded = new Signal<this, NotebookPanel>(this);
  readonly open: Panel[] = [];

  add(path: string): Panel {
    const panel = new Panel(path);
    this.open.push(panel);
    this.widgetAdded.emit(panel as unknown as NotebookPanel);
    return panel;
  }

  forEach(act: (panel: NotebookPanel) => void): void {
    for (const panel of this.open.filter(one => !one.isDisposed)) {
      act(panel as unknown as NotebookPanel);
    }
  }
}

/** A browser's storage, alone in the world. */
function storage(): Pick<Storage, 'getItem' | 'setItem'> {
  const kept = new Map<string, string>();
  return {
    getItem: name => kept.get(name) ?? null,
    setItem: (name, value) => void kept.set(name, value)
  };
}

describe('tellNotebooks', () => {
  let assets: Standing;
  let tracker: Tracker;
  let kept: Pick<Storage, 'getItem' | 'setItem'>;
  let guides: number;

  beforeEach(() => {
    kept = storage();
    guides = 0;
    load();
  });

  /** A page that begins: nothing known of before but what the browser kept. */
  function load(): void {
    assets = new Standing();
    tracker = new Tracker();
    tellNotebooks({
      notebooks: tracker as unknown as INotebookTracker,
      assets,
      understood: new Understood(kept),
      trans,
      onGuide: () => (guides += 1)
    });
  }

  function answer(mode: 'flag' | 'block' | 'off', who = bob, ...why_not: string[]): void {
    assets.shown = { status: 'ready', who, assets: [], recording: { ...recorded, mode, why_not } };
    assets.changed.emit();
  }

  it('waits for the vault to say whether anything is recorded', () => {
    const panel = tracker.add('a.ipynb');
    expect(panel.said).toEqual([]);
    answer('flag');
    expect(panel.said).toEqual([
      expect.stringMatching(/is recorded\.Kept: your name.*Not kept: the code/)
    ]);
  });

  it('says it in every notebook, and in each only once', () => {
    answer('block');
    const panels = ['a.ipynb', 'b.ipynb'].map(path => tracker.add(path));
    answer('block');
    expect(panels.map(one => one.said.length)).toEqual([1, 1]);
  });

  it('says nothing where nothing is recorded, and stops when that begins', () => {
    answer('off', bob, 'An administrator switched it off.');
    const panel = tracker.add('a.ipynb');
    expect(panel.said).toEqual([]);
    answer('flag');
    expect(panel.said).toHaveLength(1);
    answer('off');
    expect(panel.said).toEqual([]);
  });

  it('does not claim that all is recorded while it is not', () => {
    const panel = tracker.add('a.ipynb');
    answer('flag', bob, 'Another class is in use.');
    expect(panel.said[0]).toMatch(/not all of it is just now.*Kept: /);
    answer('flag');
    expect(panel.said).toEqual([
      expect.stringMatching(/^What you execute in this notebook is recorded\./)
    ]);
  });

  it.each([
    [
      'sealed',
      /Kept too: the code itself, sealed so that only the auditors.*Not kept: what the code prints/
    ],
    ['plain', /Kept too: the code itself, as you type it\..*Not kept: what the code prints/]
  ] as const)('says that code is kept %s, also to who understood that it was not', (code, said) => {
    answer('flag');
    const panel = tracker.add('a.ipynb');
    panel.press('Understood');
    expect(panel.said).toEqual([]);
    assets.shown = { status: 'ready', who: bob, assets: [], recording: { ...recorded, code } };
    assets.changed.emit();
    expect(panel.said).toEqual([expect.stringMatching(said)]);
    expect(panel.said[0]).not.toMatch(/Not kept: the code,/);
  });

  it('says that the record of a server of one’s own is advisory, and of no other', () => {
    const panel = tracker.add('a.ipynb');
    answer('flag');
    expect(panel.said[0]).not.toMatch(/advisory/i);
    const recording = { ...recorded, advisory: true };
    assets.shown = { status: 'ready', who: bob, assets: [], recording };
    assets.changed.emit();
    expect(panel.said).toEqual([expect.stringMatching(/Advisory: this server is yours/)]);
  });

  it('leaves what it said standing while the vault does not answer', () => {
    const panel = tracker.add('a.ipynb');
    answer('flag');
    assets.shown = { status: 'loading' };
    assets.changed.emit();
    expect(panel.said).toHaveLength(1);
  });

  it('goes when it is understood, from every view of that notebook, and stays away', () => {
    answer('flag');
    const [view, other, another] = ['a.ipynb', 'a.ipynb', 'b.ipynb'].map(path => tracker.add(path));
    view?.press('Understood');
    answer('flag');
    expect([view, other, another].map(one => one?.said.length)).toEqual([0, 0, 1]);
    load();
    answer('flag');
    expect(tracker.add('a.ipynb').said).toEqual([]);
    expect(tracker.add('b.ipynb').said).toHaveLength(1);
  });

  it('is for each person anew', () => {
    answer('flag');
    tracker.add('a.ipynb').press('Understood');
    load();
    answer('flag', alice);
    expect(tracker.add('a.ipynb').said).toHaveLength(1);
  });

  it('comes back with another name of the notebook', () => {
    answer('flag');
    const panel = tracker.add('a.ipynb');
    panel.press('Understood');
    panel.context.path = 'b.ipynb';
    panel.context.pathChanged.emit('b.ipynb');
    expect(panel.said).toHaveLength(1);
  });

  it('leads to the guide and stays', () => {
    answer('flag');
    const panel = tracker.add('a.ipynb');
    panel.press('What exactly is recorded');
    expect([guides, panel.said.length]).toEqual([1, 1]);
  });
});
