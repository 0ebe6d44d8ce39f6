/**
 * What the parts of this extension, and other extensions, call each other by.
 */
import { Token } from '@lumino/coreutils';
import type { ISignal } from '@lumino/signaling';

import type { AssetSummary, RecordingState, VaultError, Who } from './api';

export const PLUGIN_ID = 'jupyter-securecollab:plugin';
export const PANEL_ID = 'jupyter-securecollab-panel';
export const TRANSLATION_DOMAIN = 'jupyter_securecollab';

/** Emitted by the server when something changed, to everybody: it never says what. */
export const CHANGED_EVENT = 'https://jupyter-securecollab.readthedocs.io/events/changed/v1';

export const Commands = {
  show: 'securecollab:show',
  refresh: 'securecollab:refresh',
  insertOpen: 'securecollab:insert-open',
  showGuide: 'securecollab:show-guide'
} as const;

/** What the vault last said, or why it could not. A failure never leaves an old list standing. */
export type Shown =
  | { readonly status: 'loading' }
  | {
      readonly status: 'failed';
      readonly error: VaultError;
      /** What the server itself says of recording, where it can without the vault. */
      readonly recording: RecordingState | null;
    }
  | {
      readonly status: 'ready';
      readonly who: Who;
      readonly assets: readonly AssetSummary[];
      readonly recording: RecordingState;
    };

/** The person's own list, kept current. */
export interface ISharedAssets {
  readonly shown: Shown;
  readonly changed: ISignal<ISharedAssets, void>;
  /** Ask the vault again; resolves once an answer newer than this call is shown. Never rejects. */
  refresh(): Promise<void>;
}

export const ISharedAssets = new Token<ISharedAssets>(
  'jupyter-securecollab:ISharedAssets',
  'What is shared with this person, and what they share, kept current.'
);
