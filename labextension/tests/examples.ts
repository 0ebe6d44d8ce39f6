/** Values as the vault sends them. */
import type { AssetSummary, RecordingState, Vault, Who } from '../src/api';

export const HOSTILE =
  '<img src=x onerror="globalThis.ran = true"><script>globalThis.ran = true</script>';

export const bob: Who = {
  name: 'bob',
  clearance: 'internal',
  roles: ['member'],
  groups: ['analysts'],
  vault: 'here',
  deployment: 'embedded',
  log_key: 'securecollab+0badc0de+key',
  default_up_to: 'internal'
};

export const recorded: RecordingState = {
  mode: 'flag',
  why_not: [],
  code: 'off',
  advisory: false,
  waiting: 0,
  since: null,
  newest: null
};

export function asset(changes: Partial<AssetSummary> = {}): AssetSummary {
  return {
    id: changes.name ?? 'a1',
    name: 'oncology/patients',
    kind: 'frame',
    owner: 'alice',
    title: '',
    up_to: 'internal',
    can: 'open',
    mine: false,
    number: 1,
    changed: '2026-10-01T12:00:00.000Z',
    until: null,
    ...changes
  };
}

/** A vault that answers what it is told to, when it is told to, and counts the questions. */
export class ScriptedVault implements Vault {
  asked = 0;
  list: readonly AssetSummary[] | Error = [];
  /** Resolve to let a question through; by default every question passes at once. */
  gate: Promise<void> = Promise.resolve();

  me(): Promise<Who> {
    return Promise.resolve(bob);
  }

  recording(): Promise<RecordingState> {
    return Promise.resolve(recorded);
  }

  async assets(): Promise<readonly AssetSummary[]> {
    this.asked += 1;
    const list = this.list;
    await this.gate;
    if (list instanceof Error) {
      throw list;
    }
    return list;
  }
}
