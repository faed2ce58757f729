/** The status item: what the analysis of the plan in view is doing, and whether speed is to be had here. Knows no numbers. */
import { Disposable, StatusBarAlignment, window, workspace } from 'vscode';
import { activePlan } from './plans-in-view.js';
import type { AnalysisStatus } from './server-session.js';

export class StatusItem implements Disposable {
  private readonly item = window.createStatusBarItem('onnxPrecision.status', StatusBarAlignment.Right, 100);
  private readonly states = new Map<string, AnalysisStatus>();
  /** By path of a plan: what the benchmark said of speed, where the low format gains none; until the plan is changed. */
  private readonly withoutGain = new Map<string, string>();
  private readonly listening: Disposable;

  constructor() {
    this.item.name = 'ONNX Precision';
    this.item.command = 'onnxPrecision.showLog';
    this.listening = Disposable.from(
      window.onDidChangeActiveTextEditor(() => {
        this.update();
      }),
      workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
        if (contentChanges.length > 0 && this.withoutGain.delete(document.uri.fsPath)) this.update();
      }),
    );
  }

  show(status: AnalysisStatus): void {
    this.states.set(status.path, status);
    this.update();
  }

  /** @param noGain why speed is not to be had on this machine; undefined where it is */
  showSpeed({ path, noGain }: { readonly path: string; readonly noGain: string | undefined }): void {
    if (noGain === undefined) this.withoutGain.delete(path);
    else this.withoutGain.set(path, noGain);
    this.update();
  }

  /** For a server that ended: nothing is going on any more. */
  clear(): void {
    this.states.clear();
    this.update();
  }

  dispose(): void {
    this.listening.dispose();
    this.item.dispose();
  }

  private update(): void {
    const plan = activePlan();
    if (plan === undefined) {
      this.item.hide();
      return;
    }
    const path = plan.uri.fsPath;
    const status = this.states.get(path);
    const withoutGain = status?.noGain ?? this.withoutGain.get(path);
    const text = textOf(status, withoutGain !== undefined);
    const lines = [status?.message ?? '', withoutGain ?? ''].filter((line) => line !== '');
    this.item.text = text;
    this.item.tooltip = ['ONNX Precision', ...lines].join('\n');
    this.item.accessibilityInformation = {
      label: ['ONNX Precision', status?.state ?? 'idle', ...lines].join(', '),
    };
    this.item.show();
  }
}

function textOf(status: AnalysisStatus | undefined, isWithoutGain: boolean): string {
  switch (status?.state) {
    case undefined:
    case 'idle':
      return isWithoutGain ? '$(info) Precision: no faster here' : '$(check) Precision';
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
