/**
 * Keeps the list current: one question to the vault at a time, and one more when something changed meanwhile.
 */
import type { IDisposable } from '@lumino/disposable';
import { Poll } from '@lumino/polling';
import { Signal } from '@lumino/signaling';

import { type Vault, VaultError } from './api';
import type { ISharedAssets, Shown } from './tokens';

/** How often to ask without being told: access also ends by the clock, and events can be missed. */
const EVERY = 60_000;

export class SharedAssets implements ISharedAssets, IDisposable {
  constructor(private readonly vault: Vault) {
    this.poll = new Poll({
      factory: () => this.refresh(),
      frequency: { interval: EVERY, backoff: false },
      standby: 'when-hidden'
    });
  }

  readonly changed = new Signal<this, void>(this);

  get shown(): Shown {
    return this._shown;
  }

  get isDisposed(): boolean {
    return this.poll.isDisposed;
  }

  refresh(): Promise<void> {
    this.stale = true;
    this.running ??= this.ask().finally(() => {
      this.running = null;
    });
    return this.running;
  }

  dispose(): void {
    this.poll.dispose();
    Signal.clearData(this);
  }

  private async ask(): Promise<void> {
    while (this.stale) {
      this.stale = false;
      this._shown = await this.answer();
    }
    this.changed.emit();
  }

  private async answer(): Promise<Shown> {
    const asked = this.vault.recording();
    try {
      const [who, assets, recording] = await Promise.all([
        this.vault.me(),
        this.vault.assets(),
        asked
      ]);
      return { status: 'ready', who, assets, recording };
    } catch (error) {
      return {
        status: 'failed',
        error: error instanceof VaultError ? error : new VaultError('unreachable'),
        recording: await asked.catch(() => null)
      };
    }
  }

  private _shown: Shown = { status: 'loading' };
  private stale = false;
  private running: Promise<void> | null = null;
  private readonly poll: Poll;
}
