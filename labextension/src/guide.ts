/**
 * The guide about what is recorded, as a page in JupyterLab: people read it where they are told, also without network.
 */
import { MainAreaWidget } from '@jupyterlab/apputils';
import { type IRenderMimeRegistry, MimeModel } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';

import text from '../../docs/guide/what-is-recorded.md';
import { recordedIcon } from './icons';

const TYPE = 'text/markdown';

/** A new page that shows the guide. */
export function guidePage(
  rendermime: IRenderMimeRegistry,
  trans: TranslationBundle
): MainAreaWidget {
  const content = rendermime.createRenderer(TYPE);
  content.addClass('jp-SecureCollab-guide');
  content.node.tabIndex = 0; // so that the keyboard scrolls it
  const page = new MainAreaWidget({
    content,
    reveal: content.renderModel(new MimeModel({ data: { [TYPE]: withoutLinks(text) } }))
  });
  page.id = 'jupyter-securecollab-guide';
  page.title.label = trans.__('What Is Recorded');
  page.title.icon = recordedIcon;
  page.title.closable = true;
  return page;
}

/** The other pages that it names are not in here, and links to its own parts would change JupyterLab's address. */
export function withoutLinks(markdown: string): string {
  return markdown.replace(/\[([^\]]*)\]\((?:#|[^)]*\.md)[^)]*\)/g, '$1');
}
