/**
 * The sidebar "Secure collaboration": who you are, what is shared with you, what is yours.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, SidePanel, UseSignal } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import * as React from 'react';

import { panelIcon } from './icons';
import { type ISharedAssets, PANEL_ID } from './tokens';
import { AssetList, Header } from './view';

export interface PanelOptions {
  assets: ISharedAssets;
  trans: TranslationBundle;
  onOpen: (name: string) => void;
  onGuide: () => void;
}

export class SharedPanel extends SidePanel {
  constructor(private readonly options: PanelOptions) {
    super();
    const { assets, trans, onGuide } = options;
    this.id = PANEL_ID;
    this.addClass('jp-SecureCollab');
    this.title.icon = panelIcon;
    this.title.caption = trans.__('Secure collaboration');
    this.node.tabIndex = -1;
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Secure collaboration'));

    const header = this.follow(() => (
      <Header shown={assets.shown} trans={trans} onGuide={onGuide} />
    ));
    header.addClass('jp-SecureCollab-header');
    this.header.addWidget(header);
    this.addSection(trans.__('Shared with me'), false, trans.__('Nothing is shared with you yet.'));
    this.addSection(
      trans.__('Mine'),
      true,
      trans.__('Share something with %share, and it stands here.')
    );

    const showSections = (): void => {
      this.content.setHidden(assets.shown.status !== 'ready');
    };
    assets.changed.connect(showSections);
    this.disposed.connect(() => assets.changed.disconnect(showSections));
    showSections();
  }

  /** Whoever comes by command continues with the keyboard: at the first list, or where it will be. */
  protected override onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    // The command palette, when it closes, gives the focus to the notebook: come after it.
    requestAnimationFrame(() => {
      const row = this.node.querySelector<HTMLElement>('[role=option][tabindex="0"]');
      (row ?? this.node).focus();
    });
  }

  private addSection(label: string, mine: boolean, empty: string): void {
    const { assets, trans, onOpen } = this.options;
    const section = this.follow(() =>
      assets.shown.status === 'ready' ? (
        <AssetList
          assets={assets.shown.assets.filter(asset => asset.mine === mine)}
          label={label}
          empty={empty}
          trans={trans}
          onOpen={onOpen}
        />
      ) : null
    );
    section.title.label = label;
    this.addWidget(section);
  }

  private follow(render: () => React.JSX.Element | null): ReactWidget {
    return ReactWidget.create(<UseSignal signal={this.options.assets.changed}>{render}</UseSignal>);
  }
}
