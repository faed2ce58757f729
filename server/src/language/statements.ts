/** Small questions about statements that every reader of a tree asks. Knows the tree only. */
import type { DecisionStatement, Option, Statement } from './tree.js';

/** The option of that name; the last one if it is given twice, as a later word counts. */
export function findOption(statement: Statement, name: string): Option | undefined {
  const options = statement.options?.options ?? [];
  for (let index = options.length - 1; index >= 0; index--) {
    if (options[index]?.name.text === name) return options[index];
  }
  return undefined;
}

/** Whether a statement decides the format of layers. */
export function isDecision(statement: Statement): statement is DecisionStatement {
  switch (statement.kind) {
    case 'default':
    case 'layer':
    case 'layers':
    case 'layers matching':
    case 'op':
    case 'between':
      return true;
    default:
      return false;
  }
}
