/**
 * The report beside the plan: one panel that shows the newest report of the server. The page has no scripts, and nothing that
 * it could ask for is allowed. Knows nothing of what a report says.
 */
import { randomBytes } from 'node:crypto';
import { type Disposable, ViewColumn, type WebviewPanel, window } from 'vscode';
import { lockedPage } from './locked-page.js';

export interface ReportPage {
  readonly title: string;
  readonly page: string;
}

export class ReportPanel implements Disposable {
  private panel: WebviewPanel | undefined;

  show({ title, page }: ReportPage): void {
    const column = this.panel?.viewColumn ?? ViewColumn.Beside;
    this.panel ??= this.open(title);
    this.panel.title = title;
    this.panel.webview.html = lockedPage(page, randomBytes(16).toString('base64'));
    // Whoever types in the plan goes on typing there.
    this.panel.reveal(column, true);
  }

  dispose(): void {
    this.panel?.dispose();
  }

  private open(title: string): WebviewPanel {
    const place = { viewColumn: ViewColumn.Beside, preserveFocus: true };
    const panel = window.createWebviewPanel('onnxPrecision.report', title, place, {
      enableScripts: false,
      enableForms: false,
      localResourceRoots: [],
      enableFindWidget: true,
    });
    panel.onDidDispose(() => {
      this.panel = undefined;
    });
    return panel;
  }
}
