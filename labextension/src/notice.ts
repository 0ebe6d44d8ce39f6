/**
 * Says at the top of a notebook, once, that what is executed is recorded and what is kept of it.
 */
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import type { ISharedAssets } from './tokens';

/** A line of text with a button that takes it away. */
export class Notice extends Widget {
  constructor(text: string, trans: TranslationBundle) {
    super();
    this.addClass('jp-SecureCollab-notice');
    this.node.setAttribute('role', 'status');
    const close = document.createElement('button');
    close.textContent = trans.__('Understood');
    close.addEventListener('click', () => {
      this.dispose();
    });
    this.node.append(document.createTextNode(text), close);
  }
}

/** Give each notebook its notice when it is opened first, once it is known whether anything is recorded. */
export function tellNotebooks(
  notebooks: INotebookTracker,
  assets: ISharedAssets,
  trans: TranslationBundle
): void {
  const told = new Set<string>();
  const waiting = new Set<NotebookPanel>();

  const tell = (): void => {
    if (assets.shown.status !== 'ready' || assets.shown.recording.mode === 'off') {
      return;
    }
    for (const panel of waiting) {
      if (!panel.isDisposed && !told.has(panel.context.path)) {
        told.add(panel.context.path);
        panel.contentHeader.addWidget(new Notice(recordedText(trans), trans));
      }
    }
    waiting.clear();
  };

  notebooks.widgetAdded.connect((_, panel) => {
    waiting.add(panel);
    tell();
  });
  assets.changed.connect(tell);
}

function recordedText(trans: TranslationBundle): string {
  return trans.__(
    'What you execute here is recorded: who, where, when, length and keyed hash of the code, how it went, ' +
      'what shared data was opened. Neither the code nor what it prints is kept.'
  );
}
