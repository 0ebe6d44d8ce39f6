/**
 * Wiring only: the list of shared assets, the sidebar that shows it, and the commands.
 */
import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, type MainAreaWidget, Notification } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ITranslator, nullTranslator, type TranslationBundle } from '@jupyterlab/translation';
import { refreshIcon } from '@jupyterlab/ui-components';

import { ServerVault } from './api';
import { guidePage } from './guide';
import { panelIcon, recordedIcon } from './icons';
import { insertCell, openSource } from './insert';
import { SharedAssets } from './model';
import { tellNotebooks } from './notice';
import { SharedPanel } from './panel';
import { CHANGED_EVENT, Commands, ISharedAssets, PLUGIN_ID, TRANSLATION_DOMAIN } from './tokens';
import { Understood } from './understood';

const plugin: JupyterFrontEndPlugin<ISharedAssets> = {
  id: PLUGIN_ID,
  description: 'What is shared with you and what you share, in the sidebar.',
  autoStart: true,
  provides: ISharedAssets,
  requires: [INotebookTracker, IRenderMimeRegistry],
  optional: [ITranslator, ICommandPalette, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    notebooks: INotebookTracker,
    rendermime: IRenderMimeRegistry,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null
  ): ISharedAssets => {
    const trans = (translator ?? nullTranslator).load(TRANSLATION_DOMAIN);
    const assets = new SharedAssets(new ServerVault(app.serviceManager.serverSettings));
    app.serviceManager.events.stream.connect((_, event) => {
      if (event.schema_id === CHANGED_EVENT) {
        void assets.refresh();
      }
    });

    const onGuide = (): void => void app.commands.execute(Commands.showGuide);
    const panel = new SharedPanel({
      assets,
      trans,
      onOpen: name => void app.commands.execute(Commands.insertOpen, { name }),
      onGuide
    });
    app.shell.add(panel, 'left', { rank: 600 });
    restorer?.add(panel, panel.id);

    tellNotebooks({ notebooks, assets, understood: new Understood(), trans, onGuide });
    addCommands(app, { assets, panel, notebooks, rendermime, trans });
    for (const command of [Commands.show, Commands.refresh, Commands.showGuide]) {
      palette?.addItem({ command, category: trans.__('Secure collaboration') });
    }
    return assets;
  }
};

interface Parts {
  assets: ISharedAssets;
  panel: SharedPanel;
  notebooks: INotebookTracker;
  rendermime: IRenderMimeRegistry;
  trans: TranslationBundle;
}

function addCommands(app: JupyterFrontEnd, parts: Parts): void {
  const { assets, panel, notebooks, rendermime, trans } = parts;
  let guide: MainAreaWidget | null = null;
  app.commands.addCommand(Commands.show, {
    label: trans.__('Secure Collaboration'),
    caption: trans.__('Show what is shared with you and what you share'),
    icon: panelIcon,
    execute: () => {
      app.shell.activateById(panel.id);
    }
  });
  app.commands.addCommand(Commands.refresh, {
    label: trans.__('Refresh Secure Collaboration'),
    icon: refreshIcon,
    execute: () => assets.refresh()
  });
  app.commands.addCommand(Commands.insertOpen, {
    label: trans.__('Insert a Cell that Opens Something Shared'),
    execute: ({ name }) => {
      insertOpen(typeof name === 'string' ? name : '', notebooks, trans);
    }
  });
  app.commands.addCommand(Commands.showGuide, {
    label: trans.__('What Is Recorded of Executions'),
    icon: recordedIcon,
    execute: () => {
      if (guide === null || guide.isDisposed) {
        guide = guidePage(rendermime, trans);
        app.shell.add(guide, 'main');
      }
      app.shell.activateById(guide.id);
    }
  });
}

function insertOpen(name: string, notebooks: INotebookTracker, trans: TranslationBundle): void {
  const source = openSource(name);
  if (source === null) {
    Notification.error(trans.__('This is not a name that can be opened.'));
  } else if (notebooks.currentWidget === null) {
    Notification.info(
      trans.__('Open a notebook first: a cell that opens your choice is inserted there.')
    );
  } else {
    insertCell(notebooks.currentWidget, source);
  }
}

export { ISharedAssets };
export default plugin;
