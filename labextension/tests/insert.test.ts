import { describe, expect, it } from 'vitest';

import { openSource } from '../src/insert';
import { HOSTILE } from './examples';

describe('openSource', () => {
  it.each([
    ['oncology/patients', 'patients = %open oncology/patients'],
    ['lab/risk-model.v2', 'risk_model_v2 = %open lab/risk-model.v2'],
    ['lab/2024', '_2024 = %open lab/2024'],
    ['lab/class', 'class_ = %open lab/class'],
    ['lab/None', 'None_ = %open lab/None']
  ])('assigns %s to a name Python accepts', (name, source) => {
    expect(openSource(name)).toBe(source);
  });

  it.each([
    HOSTILE,
    '',
    'patients',
    'a/b/c',
    'a/../b',
    'a/b\n!rm -rf ~',
    'a/b {1+1}',
    'a/b $HOME',
    'a/b?',
    "a/b' + 'c",
    'größe/maß'
  ])('makes no code of %j', name => {
    expect(openSource(name)).toBeNull();
  });
});
