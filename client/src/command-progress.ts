/**
 * The progress of work that can be stopped, which is that of commands: a notification with a Cancel button. Left to itself the client's
 * library writes a line in the status bar, where nobody looks for a button. Knows no command.
 */
import { type CancellationToken, type Progress, ProgressLocation, window } from 'vscode';
import type {
  ProgressToken,
  WorkDoneProgressBegin,
  WorkDoneProgressEnd,
  WorkDoneProgressReport,
} from 'vscode-languageclient/node';

type Value = WorkDoneProgressBegin | WorkDoneProgressReport | WorkDoneProgressEnd;

/** One notification. */
interface Shown {
  report(value: WorkDoneProgressReport): void;
  end(): void;
}

export class CommandProgress {
  private readonly shown = new Map<ProgressToken, Shown>();

  /** @param cancel asks the server to stop what goes by a token */
  constructor(private readonly cancel: (token: ProgressToken) => void) {}

  /** @param next what the library does by itself: right for what cannot be stopped, and at the end for its own books */
  handle(token: ProgressToken, value: Value, next: () => void): void {
    const shown = this.shown.get(token);
    if (value.kind === 'begin' && value.cancellable === true) {
      this.shown.set(token, this.show(token, value.title));
    } else if (value.kind === 'report' && shown !== undefined) {
      shown.report(value);
    } else {
      if (value.kind === 'end') this.end(token);
      next();
    }
  }

  /** Ends all of them: for a server that is gone. */
  clear(): void {
    for (const token of [...this.shown.keys()]) this.end(token);
  }

  private end(token: ProgressToken): void {
    this.shown.get(token)?.end();
    this.shown.delete(token);
  }

  private show(token: ProgressToken, title: string): Shown {
    let end = (): void => undefined;
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    let progress: Progress<{ message?: string; increment?: number }> | undefined;
    let percentage = 0;
    const place = { location: ProgressLocation.Notification, title, cancellable: true };
    void window.withProgress(place, (own, stop: CancellationToken) => {
      progress = own;
      stop.onCancellationRequested(() => {
        this.cancel(token);
      });
      return ended;
    });
    return {
      report: ({ message, percentage: now = percentage }) => {
        progress?.report({ increment: now - percentage, ...(message === undefined ? {} : { message }) });
        percentage = now;
      },
      end,
    };
  }
}
