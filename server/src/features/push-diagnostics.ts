/**
 * Sends diagnostics to clients that do not ask for them: of every open plan, a moment after the last change, since any of
 * them may include the document that changed. Knows neither what a diagnostic is about nor the connection.
 */

/** Half-typed words do not flash, and a burst of changes is one check. */
const delayMilliseconds = 150;

export class DiagnosticsPush {
  private timer: NodeJS.Timeout | undefined;

  /** @param sendAll checks every open plan and sends what it finds */
  constructor(private readonly sendAll: () => void) {}

  /** Something that diagnostics depend on has changed. */
  changed(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(this.sendAll, delayMilliseconds);
  }
}
