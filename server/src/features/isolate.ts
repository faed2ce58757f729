/** Keeps an error in one feature from reaching the others. */

/** Wraps a handler: an error is a bug of ours, is logged with the handler's name, and is answered with `nothing`. */
export function isolated<Parameters extends readonly unknown[], Answer>(
  name: string,
  log: (message: string) => void,
  nothing: Answer,
  handler: (...parameters: Parameters) => Answer,
): (...parameters: Parameters) => Answer {
  return (...parameters) => {
    try {
      return handler(...parameters);
    } catch (error) {
      logError(name, log, error);
      return nothing;
    }
  };
}

/** Logs an error with where it comes from. */
export function logError(name: string, log: (message: string) => void, error: unknown): void {
  log(`${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
}
