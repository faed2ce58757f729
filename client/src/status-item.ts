/** The status item: what the analysis of the plan in view is doing, and whether speed is to be had here. Knows no numbers. */
import { type Disposable, workspace } from 'vscode';
import { type Look, PlanItem } from './plan-item.js';
import type { AnalysisStatus } from './server-session.js';

export class StatusItem implements Disposable {
  /** By path of a plan: what the benchmark said of speed, where the low format gains none; until the plan is changed. */
  private readonly withoutGain = new Map<string, string>();
  private readonly item = new PlanItem<AnalysisStatus>({
    id: 'onnxPrecision.status',
    name: 'ONNX Precision',
    command: 'onnxPrecision.showLog',
    priority: 100,
    lookOf: (path, status) => lookOf(status, status?.noGain ?? this.withoutGain.get(path)),
  });
  private readonly listening = workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
    if (contentChanges.length > 0 && this.withoutGain.delete(document.uri.fsPath)) this.item.update();
  });

  show(status: AnalysisStatus): void {
    this.item.show(status.path, status);
  }

  /** @param noGain why speed is not to be had on this machine; undefined where it is */
  showSpeed({ path, noGain }: { readonly path: string; readonly noGain: string | undefined }): void {
    if (noGain === undefined) this.withoutGain.delete(path);
    else this.withoutGain.set(path, noGain);
    this.item.update();
  }

  clear(): void {
    this.item.clear();
  }

  dispose(): void {
    this.listening.dispose();
    this.item.dispose();
  }
}

function lookOf(status: AnalysisStatus | undefined, withoutGain: string | undefined): Look {
  const lines = [status?.message ?? '', withoutGain ?? ''].filter((line) => line !== '');
  return {
    text: textOf(status, withoutGain !== undefined),
    tooltip: ['ONNX Precision', ...lines].join('\n'),
    accessibility: { label: ['ONNX Precision', status?.state ?? 'idle', ...lines].join(', ') },
  };
}

function textOf(status: AnalysisStatus | undefined, isWithoutGain: boolean): string {
  switch (status?.state) {
    case undefined:
    case 'idle':
      return isWithoutGain ? '$(info) Precision: no gain seen here' : '$(check) Precision';
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
