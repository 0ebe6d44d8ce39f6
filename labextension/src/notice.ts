/**
 * Says at the top of a notebook that what is executed is recorded and what is kept of it, until that is understood.
 */
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import type { RecordingState } from './api';
import { recordedIcon } from './icons';
import type { ISharedAssets } from './tokens';
import type { Understood } from './understood';

/** Names what is kept. Whoever understood it is told again when this changes. */
const KEPT = 'code: length and hash';

export interface NoticeParts {
  notebooks: INotebookTracker;
  assets: ISharedAssets;
  understood: Understood;
  trans: TranslationBundle;
  onGuide: () => void;
}

/** Keep a notice on every notebook whose reader has not understood it yet; none where nothing is recorded. */
export function tellNotebooks(parts: NoticeParts): void {
  const { notebooks, assets, understood, trans, onGuide } = parts;
  const notices = new Map<NotebookPanel, Notice>();

  const tell = (): void => {
    const { shown } = assets;
    if (shown.status !== 'ready') {
      return; // until the vault answers again, what it said last stands
    }
    const { who, recording } = shown;
    notebooks.forEach(panel => {
      const { code, advisory } = recording;
      const kept = code === 'off' ? KEPT : `${KEPT}, code ${code}`;
      const wanted = recording.mode !== 'off' && !understood.has(who, panel.context.path, kept);
      const whole = recording.why_not.length === 0;
      const standing = notices.get(panel);
      if (
        wanted &&
        standing?.whole === whole &&
        standing.code === code &&
        standing.advisory === advisory
      ) {
        return;
      }
      notices.get(panel)?.dispose();
      notices.delete(panel);
      if (wanted) {
        const onUnderstood = (): void => {
          understood.add(who, panel.context.path, kept);
          tell();
          panel.activate();
        };
        const notice = new Notice({ whole, code, advisory, trans, onGuide, onUnderstood });
        notices.set(panel, notice);
        panel.contentHeader.addWidget(notice);
      }
    });
  };

  notebooks.widgetAdded.connect((_, panel) => {
    panel.context.pathChanged.connect(tell);
    panel.disposed.connect(() => notices.delete(panel));
    tell();
  });
  assets.changed.connect(tell);
}

interface NoticeOptions {
  /** Whether all that is executed is recorded just now. */
  whole: boolean;
  /** Whether the text of code is kept, and how. */
  code: RecordingState['code'];
  /** Whether it is this person's own server that records: its word, and no more. */
  advisory: boolean;
  trans: TranslationBundle;
  onGuide: () => void;
  onUnderstood: () => void;
}

/** What is kept, with a button that takes the notice away and one that opens the guide. */
export class Notice extends Widget {
  constructor(options: NoticeOptions) {
    super();
    const { whole, code, advisory, trans, onGuide, onUnderstood } = options;
    this.whole = whole;
    this.code = code;
    this.advisory = advisory;
    this.addClass('jp-SecureCollab-notice');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('What is recorded of this notebook'));
    this.box = element('div', 'jp-SecureCollab-noticeBox');
    const icon = element('span', 'jp-SecureCollab-noticeIcon');
    icon.setAttribute('aria-hidden', 'true');
    recordedIcon.element({ container: icon });
    const text = noticeText(whole, code, advisory, trans);
    text.append(button(trans.__('What exactly is recorded'), 'jp-SecureCollab-link', onGuide));
    const understood = button(trans.__('Understood'), 'jp-mod-styled jp-mod-accept', onUnderstood);
    this.box.append(icon, text, understood);
    this.node.append(this.box);
    this.observer = new ResizeObserver(() => {
      this.grow();
    });
    this.observer.observe(this.box);
  }

  readonly whole: boolean;
  readonly code: RecordingState['code'];
  readonly advisory: boolean;

  override dispose(): void {
    this.observer.disconnect();
    super.dispose();
  }

  /** Lumino gives a widget in a column the height that its style demands, whatever its text needs. */
  private grow(): void {
    const height = `${String(this.box.offsetHeight)}px`;
    if (this.node.style.minHeight !== height) {
      this.node.style.minHeight = height;
      this.parent?.fit();
    }
  }

  private readonly box: HTMLElement;
  private readonly observer: ResizeObserver;
}

function noticeText(
  whole: boolean,
  code: RecordingState['code'],
  advisory: boolean,
  trans: TranslationBundle
): HTMLElement {
  const text = element('div', 'jp-SecureCollab-noticeText');
  const title = document.createElement('strong');
  title.textContent = whole
    ? trans.__('What you execute in this notebook is recorded.')
    : trans.__(
        'What you execute in this notebook is to be recorded, but not all of it is just now: ' +
          'the sidebar Secure collaboration says why.'
      );
  const kept = trans.__(
    'Kept: your name and the time, kernel, notebook and cell, length and keyed hash of the code, ' +
      'how it ended and how long it took, names and highest level of the shared data it used.'
  );
  const also = {
    off: [],
    sealed: [trans.__('Kept too: the code itself, sealed so that only the auditors can read it.')],
    plain: [trans.__('Kept too: the code itself, as you type it.')]
  }[code];
  const notKept =
    code === 'off'
      ? trans.__('Not kept: the code, what it prints, what you type in, your data.')
      : trans.__('Not kept: what the code prints, what you answer to its questions, your data.');
  const readers = trans.__(
    '%audit --executions lists yours; auditors and stewards can read everybody’s.'
  );
  const word = advisory
    ? [trans.__('Advisory: this server is yours, so the record is its word and proves nothing.')]
    : [];
  text.append(title, ...[kept, ...also, notKept, ...word, readers].map(line));
  return text;
}

function line(text: string): HTMLElement {
  const made = document.createElement('div');
  made.textContent = text;
  return made;
}

function element(tag: 'div' | 'span', className: string): HTMLElement {
  const made = document.createElement(tag);
  made.className = className;
  return made;
}

function button(label: string, className: string, onClick: () => void): HTMLButtonElement {
  const made = document.createElement('button');
  made.className = className;
  made.type = 'button';
  made.textContent = label;
  made.addEventListener('click', onClick);
  return made;
}
