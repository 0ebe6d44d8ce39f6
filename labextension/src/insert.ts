/**
 * Writes the cell that opens something shared. Inserts, never runs: running stays the person's own act.
 */
import type { NotebookPanel } from '@jupyterlab/notebook';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*\/([A-Za-z0-9][A-Za-z0-9._-]*)$/;

const KEYWORDS = new Set(
  (
    'False None True and as assert async await break class continue def del elif else except finally for from ' +
    'global if import in is lambda nonlocal not or pass raise return try while with yield'
  ).split(' ')
);

/** `patients = %open oncology/patients`, or null for what is no name: that must never become code. */
export function openSource(name: string): string | null {
  const last = NAME.exec(name)?.[1];
  return last === undefined ? null : `${variable(last)} = %open ${name}`;
}

function variable(text: string): string {
  const word = text.replace(/[^A-Za-z0-9]/g, '_').replace(/^(?=[0-9])/, '_');
  return KEYWORDS.has(word) ? `${word}_` : word;
}

/** A new code cell below the active one, made active. */
export function insertCell(panel: NotebookPanel, source: string): void {
  const notebook = panel.content;
  const index = notebook.activeCellIndex + 1;
  notebook.model?.sharedModel.insertCell(index, {
    cell_type: 'code',
    metadata: { trusted: true },
    source
  });
  notebook.activeCellIndex = index;
  notebook.activate();
}
