/** What keeps the store from doing its work. Never more than a notice: without it everything is computed again. */

export interface StoreProblem {
  readonly code:
    | 'store-unreadable'
    | 'store-unwritable'
    | 'collection-failed'
    | 'value-too-large'
    | 'not-storable'
    | 'no-folder';
  readonly message: string;
}

/** Passes on the first problem of each code: a full disk fails every time, and once is enough to know. */
export function onceEach(report: (problem: StoreProblem) => void): (problem: StoreProblem) => void {
  const told = new Set<string>();
  return (problem) => {
    if (told.has(problem.code)) return;
    told.add(problem.code);
    report(problem);
  };
}
