import { ServerConnection } from '@jupyterlab/services';
import { describe, expect, it } from 'vitest';

import { ServerVault, VaultError } from '../src/api';
import { asset, bob } from './examples';

/** A vault behind a server that gives one answer; `asked` is what it was asked. */
function answering(status: number, body: string): { vault: ServerVault; asked: string[] } {
  const asked: string[] = [];
  const settings = ServerConnection.makeSettings({
    baseUrl: 'http://hub.example/user/bob/',
    fetch: (input: RequestInfo | URL) => {
      asked.push(new Request(input).url);
      return Promise.resolve(new Response(body, { status }));
    }
  });
  return { vault: new ServerVault(settings), asked };
}

function enveloped(result: unknown): string {
  return JSON.stringify({ result, log: { checkpoint: '', consistency: [] } });
}

async function failure(promise: Promise<unknown>): Promise<VaultError> {
  const error: unknown = await promise.then(
    () => new Error('nothing failed'),
    (reason: unknown) => reason
  );
  expect(error).toBeInstanceOf(VaultError);
  return error as VaultError;
}

describe('ServerVault', () => {
  it('asks below the base URL of its own server', async () => {
    const { vault, asked } = answering(200, enveloped([asset()]));
    expect(await vault.assets()).toEqual([asset()]);
    expect(asked).toEqual(['http://hub.example/user/bob/securecollab/api/v1/assets']);
  });

  it('takes the answer out of its envelope', async () => {
    expect(await answering(200, enveloped(bob)).vault.me()).toEqual(bob);
  });

  it('says what the vault said when it refuses', async () => {
    const refusal = { code: 'not_signed_in', message: 'no identity', next_step: 'Sign in again.' };
    const error = await failure(answering(401, JSON.stringify({ error: refusal })).vault.me());
    expect([error.code, error.message, error.nextStep]).toEqual([
      'not_signed_in',
      'no identity',
      'Sign in again.'
    ]);
  });

  it.each([
    [404, '{"message": "Not Found"}', 'missing'],
    [404, '<html>', 'missing'],
    [502, '<html>bad gateway', 'unreachable'],
    [200, '<html>a login page', 'unreachable'],
    [200, 'null', 'unreachable'],
    [200, '{}', 'unreachable']
  ])('tells a server without a vault from one that fails: %i %s', async (status, body, code) => {
    expect((await failure(answering(status, body).vault.me())).code).toBe(code);
  });

  it('does not take an asset that is not there for a server that has no vault', async () => {
    const body = JSON.stringify({
      error: { code: 'not_found', message: 'no such thing', next_step: '' }
    });
    expect((await failure(answering(404, body).vault.assets())).code).toBe('not_found');
  });

  it('is unreachable when there is no answer at all', async () => {
    const settings = ServerConnection.makeSettings({
      fetch: () => Promise.reject(new TypeError('offline'))
    });
    expect((await failure(new ServerVault(settings).me())).code).toBe('unreachable');
  });
});
