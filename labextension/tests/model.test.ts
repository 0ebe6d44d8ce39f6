import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { VaultError } from '../src/api';
import { SharedAssets } from '../src/model';
import { asset, recorded, ScriptedVault } from './examples';

describe('SharedAssets', () => {
  let vault: ScriptedVault;
  let assets: SharedAssets;

  beforeEach(() => {
    vault = new ScriptedVault();
    assets = new SharedAssets(vault);
  });

  afterEach(() => {
    assets.dispose();
  });

  function names(): string[] {
    return assets.shown.status === 'ready' ? assets.shown.assets.map(one => one.name) : [];
  }

  it('is loading until the vault has answered', async () => {
    expect(assets.shown.status).toBe('loading');
    await assets.refresh();
    expect(assets.shown.status).toBe('ready');
  });

  it('tells its listeners of the new list', async () => {
    const seen: string[][] = [];
    assets.changed.connect(() => {
      seen.push(names());
    });
    vault.list = [asset()];
    await assets.refresh();
    expect(seen).toEqual([['oncology/patients']]);
  });

  it('asks once more when something changed while it was asking, however often', async () => {
    let open = (): void => undefined;
    vault.gate = new Promise(resolve => {
      open = resolve;
    });
    const first = assets.refresh();
    vault.list = [asset()];
    const later = [assets.refresh(), assets.refresh(), assets.refresh()];
    open();
    await Promise.all([first, ...later]);
    expect(vault.asked).toBe(2);
    expect(names()).toEqual(['oncology/patients']);
  });

  it('shows no list it cannot vouch for: a failure replaces it', async () => {
    vault.list = [asset()];
    await assets.refresh();
    vault.list = new VaultError('not_signed_in', 'no identity', 'Sign in again.');
    await assets.refresh();
    expect(assets.shown).toMatchObject({
      status: 'failed',
      error: { code: 'not_signed_in' },
      recording: recorded
    });
    vault.recording = () => Promise.reject(new VaultError('unavailable'));
    await assets.refresh();
    expect(assets.shown).toMatchObject({ status: 'failed', recording: null });
  });

  it('recovers when the vault does', async () => {
    vault.list = new TypeError('anything');
    await assets.refresh();
    expect(assets.shown).toMatchObject({ status: 'failed', error: { code: 'unreachable' } });
    vault.list = [asset()];
    await assets.refresh();
    expect(names()).toEqual(['oncology/patients']);
  });
});
