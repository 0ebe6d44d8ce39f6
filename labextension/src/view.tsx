/**
 * What the sidebar shows, as React components of plain values. All text of others is text, never markup.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import { fileIcon, spreadsheetIcon, treeViewIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { AssetSummary, Level, RecordingState, VaultError, Who } from './api';
import { levelIcons, notRecordedIcon, recordedIcon } from './icons';
import type { Shown } from './tokens';

const kindIcons = { frame: spreadsheetIcon, model: treeViewIcon, file: fileIcon };

interface HeaderProps {
  shown: Shown;
  trans: TranslationBundle;
  onGuide: () => void;
}

/** Who you are here and how far that carries, or what is wrong and what to do about it. */
export function Header(props: HeaderProps): React.JSX.Element {
  const { shown, trans, onGuide } = props;
  switch (shown.status) {
    case 'loading':
      return <div role="status">{trans.__('Asking the vault…')}</div>;
    case 'failed':
      return (
        <>
          <Problem error={shown.error} trans={trans} />
          {shown.recording && <Recorded state={shown.recording} trans={trans} onGuide={onGuide} />}
        </>
      );
    case 'ready':
      return (
        <>
          <Identity who={shown.who} trans={trans} />
          <Recorded state={shown.recording} trans={trans} onGuide={onGuide} />
        </>
      );
  }
}

function Identity(props: { who: Who; trans: TranslationBundle }): React.JSX.Element {
  const { who, trans } = props;
  return (
    <div>
      <div className="jp-SecureCollab-who">
        <strong>{who.name}</strong>
        <span>{trans.__('you read up to')}</span>
        <LevelChip level={who.clearance} trans={trans} />
      </div>
      <div className="jp-SecureCollab-note">{deploymentNote(who.deployment, trans)}</div>
    </div>
  );
}

interface RecordedProps {
  state: RecordingState;
  trans: TranslationBundle;
  onGuide: () => void;
}

/** Whether what is executed is recorded; if not, or not all, why. */
function Recorded(props: RecordedProps): React.JSX.Element {
  const { state, trans, onGuide } = props;
  const whole = state.why_not.length === 0;
  const icon = whole ? recordedIcon : notRecordedIcon;
  return (
    <div
      className={`jp-SecureCollab-recorded${whole ? '' : ' jp-SecureCollab-problem'}`}
      role={whole ? 'status' : 'alert'}
    >
      <icon.react tag="span" className="jp-SecureCollab-kind" aria-hidden="true" />
      <div>
        <strong>{recordedTitle(state, trans)}</strong>
        {(whole ? recordedRules(state, trans) : state.why_not).map(text => (
          <div key={text}>{text}</div>
        ))}
        <button type="button" className="jp-SecureCollab-link" onClick={onGuide}>
          {trans.__('What exactly is recorded')}
        </button>
      </div>
    </div>
  );
}

function recordedTitle(state: RecordingState, trans: TranslationBundle): string {
  if (state.mode === 'off') {
    return trans.__('Executions are not recorded.');
  }
  if (state.why_not.length > 0) {
    return trans.__('Executions are not, or not all, recorded.');
  }
  if (state.since) {
    return trans.__('Executions are kept here until the vault takes them.');
  }
  return state.advisory
    ? trans.__('Executions are recorded, advisory (this server is yours).')
    : trans.__('Executions are recorded.');
}

function recordedRules(state: RecordingState, trans: TranslationBundle): string[] {
  if (state.since) {
    const since = new Date(state.since).toLocaleString();
    const records = trans._n('%1 record waits', '%1 records wait', state.waiting);
    return [trans.__('%1, since %2.', records, since)];
  }
  return [
    state.mode === 'block'
      ? trans.__('What cannot be recorded is not executed.')
      : trans.__('When the vault cannot write, cells still run and are recorded later.')
  ];
}

function deploymentNote(deployment: Who['deployment'], trans: TranslationBundle): string {
  return deployment === 'embedded'
    ? trans.__(
        'Embedded vault: it protects stored data and records who opened what. ' +
          'It is not a wall between people on this server.'
      )
    : trans.__('Vault service: keys are kept apart from the servers people work on.');
}

function Problem(props: { error: VaultError; trans: TranslationBundle }): React.JSX.Element {
  const [message, nextStep] = explain(props.error, props.trans);
  return (
    <div className="jp-SecureCollab-problem" role="alert">
      <strong>{message}</strong>
      <div>{nextStep}</div>
    </div>
  );
}

function explain(error: VaultError, trans: TranslationBundle): [string, string] {
  switch (error.code) {
    case 'missing':
      return [
        trans.__('The server half of Secure collaboration is not running.'),
        trans.__(
          'Install jupyter-securecollab where this Jupyter server runs, check that ' +
            '"jupyter server extension list" shows it enabled, and start the server again.'
        )
      ];
    case 'unreachable':
      return [trans.__('The vault does not answer.'), trans.__('It is asked again every minute.')];
    default:
      return [error.message, error.nextStep];
  }
}

/** A level as shape, colour and word. */
export function LevelChip(props: { level: Level; trans: TranslationBundle }): React.JSX.Element {
  const { level, trans } = props;
  const words: Record<Level, string> = {
    public: trans.__('public'),
    internal: trans.__('internal'),
    confidential: trans.__('confidential'),
    secret: trans.__('secret')
  };
  const icon = levelIcons[level];
  return (
    <span className="jp-SecureCollab-level" data-level={level}>
      <icon.react tag="span" aria-hidden="true" />
      {words[level]}
    </span>
  );
}

interface ListProps {
  assets: readonly AssetSummary[];
  label: string;
  empty: string;
  trans: TranslationBundle;
  onOpen: (name: string) => void;
}

/**
 * A list box: one stop for Tab, arrows, Home and End move inside, Enter or a click opens.
 * The place is remembered by asset, so that a refresh does not move it.
 */
export function AssetList(props: ListProps): React.JSX.Element {
  const { assets, label, empty, trans, onOpen } = props;
  const [current, setCurrent] = React.useState('');
  const here = Math.max(
    0,
    assets.findIndex(asset => asset.id === current)
  );
  const rows = React.useRef<HTMLUListElement>(null);

  const onKeyDown = (event: React.KeyboardEvent): void => {
    const target = destination(event.key, here, assets.length);
    if (event.key === 'Enter') {
      onOpen(assets[here]?.name ?? '');
    } else if (target !== null) {
      setCurrent(assets[target]?.id ?? '');
      rows.current?.querySelectorAll<HTMLElement>('[role=option]')[target]?.focus();
    } else {
      return;
    }
    event.preventDefault();
  };

  if (assets.length === 0) {
    return <div className="jp-SecureCollab-note">{empty}</div>;
  }
  return (
    <ul
      ref={rows}
      className="jp-SecureCollab-list"
      role="listbox"
      aria-label={label}
      onKeyDown={onKeyDown}
    >
      {assets.map((asset, index) => (
        <AssetRow
          key={asset.id}
          asset={asset}
          current={index === here}
          trans={trans}
          onFocus={() => {
            setCurrent(asset.id);
          }}
          onOpen={onOpen}
        />
      ))}
    </ul>
  );
}

function destination(key: string, here: number, length: number): number | null {
  switch (key) {
    case 'ArrowDown':
      return Math.min(here + 1, length - 1);
    case 'ArrowUp':
      return Math.max(here - 1, 0);
    case 'Home':
      return 0;
    case 'End':
      return length - 1;
    default:
      return null;
  }
}

interface RowProps {
  asset: AssetSummary;
  current: boolean;
  trans: TranslationBundle;
  onFocus: () => void;
  onOpen: (name: string) => void;
}

function AssetRow(props: RowProps): React.JSX.Element {
  const { asset, current, trans, onFocus, onOpen } = props;
  const kinds = { frame: trans.__('frame'), model: trans.__('model'), file: trans.__('file') };
  const icon = kindIcons[asset.kind];
  const [project, name] = asset.name.split('/');
  return (
    <li
      className="jp-SecureCollab-row"
      role="option"
      aria-selected={current}
      tabIndex={current ? 0 : -1}
      title={asset.title}
      onFocus={onFocus}
      onClick={() => {
        onOpen(asset.name);
      }}
    >
      <icon.react tag="span" className="jp-SecureCollab-kind" aria-hidden="true" />
      <span className="jp-SecureCollab-name">
        {project}/<wbr />
        {name}
      </span>
      <LevelChip level={asset.up_to} trans={trans} />
      <span className="jp-SecureCollab-detail">
        {[
          kinds[asset.kind],
          asset.mine ? '' : trans.__('from %1', asset.owner),
          ending(asset.until, trans)
        ]
          .filter(Boolean)
          .join(' · ')}
      </span>
    </li>
  );
}

function ending(until: string | null | undefined, trans: TranslationBundle): string {
  if (!until) {
    return '';
  }
  const time = new Date(until).toLocaleString(undefined, {
    dateStyle: 'medium',
    timeStyle: 'short'
  });
  return trans.__('until %1', time);
}
