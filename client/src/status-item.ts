/** The status item: what the analysis of the plan in view is doing. Knows no numbers. */
import { type Disposable, StatusBarAlignment, window } from 'vscode';
import type { AnalysisStatus } from './server-session.js';

export class StatusItem implements Disposable {
  private readonly item = window.createStatusBarItem('onnxPrecision.status', StatusBarAlignment.Right, 100);
  private readonly states = new Map<string, AnalysisStatus>();
  private readonly listening: Disposable;

  constructor() {
    this.item.name = 'ONNX Precision';
    this.item.command = 'onnxPrecision.showLog';
    this.listening = window.onDidChangeActiveTextEditor(() => {
      this.update();
    });
  }

  show(status: AnalysisStatus): void {
    this.states.set(status.path, status);
    this.update();
  }

  dispose(): void {
    this.listening.dispose();
    this.item.dispose();
  }

  private update(): void {
    const document = window.activeTextEditor?.document;
    if (document?.languageId !== 'onnx-precision') {
      this.item.hide();
      return;
    }
    const status = this.states.get(document.uri.fsPath);
    this.item.text = textOf(status);
    this.item.tooltip = status?.message === '' ? 'ONNX Precision' : status?.message;
    this.item.show();
  }
}

function textOf(status: AnalysisStatus | undefined): string {
  switch (status?.state) {
    case undefined:
    case 'idle':
      return '$(check) Precision';
    case 'waiting':
      return '$(clock) Precision';
    case 'failed':
      return '$(warning) Precision';
    case 'working': {
      const share = status.progress === undefined ? '' : ` ${Math.round(100 * status.progress)} %`;
      return `$(sync~spin) Precision${share}`;
    }
  }
}
