/**
 * The vault's routes that the sidebar needs. Types come from the server's OpenAPI document.
 *
 * Proofs of the audit log that come with each answer are checked by the Python client, not here.
 */
import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import type { components } from './protocol';

type Schemas = components['schemas'];
export type AssetSummary = Schemas['AssetSummary'];
export type Level = AssetSummary['up_to'];
export type Who = Schemas['Who'];
export type RecordingState = Schemas['RecordingState'];

/**
 * The vault refused, or could not be asked. `code` is the wire code, or one of two of our own:
 * `missing` (this server has no vault) and `unreachable` (no answer, or none that makes sense).
 */
export class VaultError extends Error {
  constructor(
    readonly code: string,
    message = '',
    readonly nextStep = ''
  ) {
    super(message);
  }
}

export interface Vault {
  me(): Promise<Who>;
  assets(): Promise<readonly AssetSummary[]>;
  recording(): Promise<RecordingState>;
}

/** Talks to the vault of the Jupyter server that served this page, as the person signed in there. */
export class ServerVault implements Vault {
  constructor(private readonly settings: ServerConnection.ISettings) {}

  me(): Promise<Who> {
    return this.get<Who>('me');
  }

  assets(): Promise<readonly AssetSummary[]> {
    return this.get<readonly AssetSummary[]>('assets');
  }

  recording(): Promise<RecordingState> {
    return this.get<RecordingState>('recording');
  }

  private async get<T>(route: string): Promise<T> {
    const url = URLExt.join(this.settings.baseUrl, 'securecollab/api/v1', route);
    // Not `no-store`: for that, JupyterLab adds a number to the query, and the vault refuses parameters it does not know.
    const asked = ServerConnection.makeRequest(url, { cache: 'no-cache' }, this.settings);
    const response = await asked.catch(() => null);
    const body = response && (await bodyOf(response));
    if (response?.ok && body?.result !== undefined) {
      return body.result as T;
    }
    if (body?.error) {
      throw new VaultError(body.error.code, body.error.message, body.error.next_step);
    }
    throw new VaultError(response?.status === 404 ? 'missing' : 'unreachable');
  }
}

interface Body {
  result?: unknown;
  error?: Schemas['ErrorBody'];
}

async function bodyOf(response: Response): Promise<Body | null> {
  try {
    return (await response.json()) as Body | null;
  } catch {
    return null; // a login page or a proxy's own error page
  }
}
