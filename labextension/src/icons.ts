/**
 * Our own pictograms. One shape per level, so that a level is never told by colour alone.
 */
import { LabIcon } from '@jupyterlab/ui-components';

import type { Level } from './api';

function icon(name: string, drawing: string): LabIcon {
  return new LabIcon({
    name: `jupyter-securecollab:${name}`,
    svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24"><g class="jp-icon3" fill="#616161">${drawing}</g></svg>`
  });
}

const padlock =
  '<path d="M17 9V7a5 5 0 0 0-10 0v2H5v12h14V9h-2zM9 7a3 3 0 0 1 6 0v2H9V7zm4 9.7V19h-2v-2.3a2 2 0 1 1 2 0z"/>';

export const panelIcon = icon(
  'panel',
  '<path d="M12 2 4 5v6c0 5 3.4 9.7 8 11 4.6-1.3 8-6 8-11V5l-8-3zm6 9c0 3.9-2.5 7.6-6 8.9-3.5-1.3-6-5-6-8.9V6.4l6-2.3 6 2.3V11z"/>' +
    '<path d="M15.2 6.8a1.9 1.9 0 0 0-1.8 2.5l-2.9 1.7a1.9 1.9 0 1 0 0 2l2.9 1.7a1.9 1.9 0 1 0 .6-1l-2.8-1.7 2.8-1.7a1.9 1.9 0 1 0 1.2-3.5z"/>'
);

export const levelIcons: Readonly<Record<Level, LabIcon>> = {
  public: icon(
    'public',
    '<path d="M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zm6.5 8h-3a14 14 0 0 0-1.2-5.1A7 7 0 0 1 18.5 11zM12 5.2c.8 1.2 1.4 3.2 1.5 5.8h-3c.1-2.6.7-4.6 1.5-5.8zM9.7 5.9A14 14 0 0 0 8.5 11h-3a7 7 0 0 1 4.2-5.1zM5.5 13h3c.1 2 .6 3.7 1.2 5.1A7 7 0 0 1 5.5 13zm6.5 5.8c-.8-1.2-1.4-3.2-1.5-5.8h3c-.1 2.6-.7 4.6-1.5 5.8zm2.3-.7c.6-1.4 1.1-3.1 1.2-5.1h3a7 7 0 0 1-4.2 5.1z"/>'
  ),
  internal: icon(
    'internal',
    '<path d="M4 21V3h9v5h7v13H4zM6 5v2h2V5H6zm3 0v2h2V5H9zM6 9v2h2V9H6zm3 0v2h2V9H9zm-3 4v2h2v-2H6zm3 0v2h2v-2H9zm4-3v9h5v-9h-5zm1.5 2h2v2h-2v-2zm0 3.5h2v2h-2v-2z"/>'
  ),
  confidential: icon('confidential', padlock),
  secret: icon(
    'secret',
    '<path d="M2.7 2 1.3 3.4l3.6 3.6A13 13 0 0 0 1 12c1.7 4.4 6 7.5 11 7.5 1.8 0 3.4-.4 4.9-1.1l3.7 3.7 1.4-1.4L2.7 2zM12 17a5 5 0 0 1-4.6-7l1.6 1.6A3 3 0 0 0 12.4 15l1.6 1.6c-.6.2-1.3.4-2 .4zm0-12.5c-1.3 0-2.6.2-3.8.6L10.3 7.3A5 5 0 0 1 16.7 13.7l3 3A13 13 0 0 0 23 12c-1.7-4.4-6-7.5-11-7.5z"/>'
  )
};

/** A sheet with lines and the dot of a recorder. */
export const recordedIcon = icon(
  'recorded',
  '<path d="M5 3h14v9.3a6 6 0 0 0-2-.3V5H7v14h4.3c.2.7.5 1.4.9 2H5V3zm3.5 4h7v2h-7V7zm0 4h4v2h-4v-2z"/><circle cx="17" cy="18" r="4"/>'
);

/** The same, struck out. */
export const notRecordedIcon = icon(
  'not-recorded',
  '<path d="M5 3h14v9.3a6 6 0 0 0-2-.3V5H7v14h4.3c.2.7.5 1.4.9 2H5V3zm3.5 4h7v2h-7V7zm0 4h4v2h-4v-2z"/>' +
    '<path d="m13.4 15.8 1.4-1.4 2.2 2.2 2.2-2.2 1.4 1.4-2.2 2.2 2.2 2.2-1.4 1.4-2.2-2.2-2.2 2.2-1.4-1.4 2.2-2.2z"/>'
);
