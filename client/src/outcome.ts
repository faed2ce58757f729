/**
 * What the server answers to a command that works on a model: read here from what came over the wire, shown elsewhere.
 * Knows neither VS Code nor what any command does.
 */

export interface Outcome {
  readonly status: 'done' | 'refused' | 'cancelled';
  readonly severity: 'information' | 'warning' | 'error';
  /** One sentence or two for people. */
  readonly message: string;
  /** A whole page without scripts and requests. */
  readonly report: { readonly title: string; readonly page: string } | undefined;
  /** URI of the file that was written. */
  readonly written: string | undefined;
  /** For what was timed: the path of the plan, and the sentence to show where the low format gains nothing here. */
  readonly speed: { readonly path: string; readonly noGain: string | undefined } | undefined;
}

/** Undefined for the answers of other commands, such as a flip. */
export function readOutcome(answer: unknown): Outcome | undefined {
  const { status, severity, message, report, written, speed } = fieldsOf(answer);
  if (status !== 'done' && status !== 'refused' && status !== 'cancelled') return undefined;
  if (typeof message !== 'string') return undefined;
  const { title, page } = fieldsOf(report);
  const { path, noGain } = fieldsOf(speed);
  return {
    status,
    severity: severity === 'warning' || severity === 'error' ? severity : 'information',
    message,
    report: typeof title === 'string' && typeof page === 'string' ? { title, page } : undefined,
    written: typeof written === 'string' ? written : undefined,
    speed:
      typeof path === 'string'
        ? { path, noGain: typeof noGain === 'string' ? noGain : undefined }
        : undefined,
  };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
