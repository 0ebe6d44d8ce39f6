import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { nullTranslator } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';
import { BoxPanel, Widget } from '@lumino/widgets';
import { beforeEach, describe, expect, it } from 'vitest';

import { Notice, tellNotebooks } from '../src/notice';
import type { ISharedAssets, Shown } from '../src/tokens';
import { bob, recorded } from './examples';

const trans = nullTranslator.load('jupyter_securecollab');

class Standing implements ISharedAssets {
  shown: Shown = { status: 'loading' };
  readonly changed = new Signal<this, void>(this);
  refresh(): Promise<void> {
    return Promise.resolve();
  }
}

/** As much of a notebook's panel as the notice touches. */
class Panel extends Widget {
  readonly contentHeader = new BoxPanel();
  readonly context: { path: string };
  constructor(path: string) {
    super();
    this.context = { path };
  }
}

class Tracker {
  readonly widgetAdded = new Signal<this, NotebookPanel>(this);
}

describe('tellNotebooks', () => {
  let assets: Standing;
  let tracker: Tracker;

  beforeEach(() => {
    assets = new Standing();
    tracker = new Tracker();
    tellNotebooks(tracker as unknown as INotebookTracker, assets, trans);
  });

  function open(path: string): Panel {
    const panel = new Panel(path);
    tracker.widgetAdded.emit(panel as unknown as NotebookPanel);
    return panel;
  }

  function answer(mode: 'flag' | 'block' | 'off'): void {
    assets.shown = { status: 'ready', who: bob, assets: [], recording: { ...recorded, mode } };
    assets.changed.emit();
  }

  it('waits for the vault to say whether anything is recorded', () => {
    const panel = open('a.ipynb');
    expect(panel.contentHeader.widgets).toHaveLength(0);
    answer('flag');
    expect(panel.contentHeader.widgets[0]?.node.textContent).toContain('is recorded');
    expect(panel.contentHeader.widgets[0]?.node.textContent).toContain('Neither the code');
  });

  it('says it once for each notebook', () => {
    answer('block');
    const [first, again, other] = [open('a.ipynb'), open('a.ipynb'), open('b.ipynb')];
    answer('block');
    expect([first, again, other].map(one => one.contentHeader.widgets.length)).toEqual([1, 0, 1]);
  });

  it('says nothing where nothing is recorded', () => {
    answer('off');
    expect(open('a.ipynb').contentHeader.widgets).toHaveLength(0);
  });

  it('goes when it is understood', () => {
    const notice = new Notice('<b>text</b>', trans);
    expect(notice.node.querySelector('b')).toBeNull();
    notice.node.querySelector('button')?.click();
    expect(notice.isDisposed).toBe(true);
  });
});
