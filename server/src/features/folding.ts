/** Folding: comments of several lines, statements of several lines, and groups that blank lines part. */
import { type FoldingRange, FoldingRangeKind } from 'vscode-languageserver';
import { isStep, type Steps } from '../onnx/index.js';
import type { OpenPlan } from './open-plan.js';

/** @param most as many as the editor takes; the first ones are given. */
export function* foldingRangeSteps({ document, tree }: OpenPlan, most = 5000): Steps<FoldingRange[]> {
  const ranges: FoldingRange[] = [];
  const add = (startLine: number, endLine: number, kind?: FoldingRangeKind): void => {
    if (endLine <= startLine) return;
    ranges.push(kind === undefined ? { startLine, endLine } : { startLine, endLine, kind });
  };
  let line = 0;
  /** Whether the line holds a comment, and whether it holds anything else. */
  let hasComment = false;
  let hasMore = false;
  let commentFrom: number | undefined;
  let groupFrom: number | undefined;
  const endComment = (end: number): void => {
    if (commentFrom !== undefined) add(commentFrom, end, FoldingRangeKind.Comment);
    commentFrom = undefined;
  };
  const endLine = (): void => {
    const isComment = hasComment && !hasMore;
    if (!isComment) endComment(line - 1);
    else commentFrom ??= line;
    if (!hasComment && !hasMore) {
      if (groupFrom !== undefined) add(groupFrom, line - 1);
      groupFrom = undefined;
    } else if (hasMore) {
      // A comment above a group is its title and stays in sight.
      groupFrom ??= line;
    }
    line++;
    hasComment = false;
    hasMore = false;
  };
  for (const [index, { kind }] of (yield* tree.tokenSteps()).entries()) {
    if (isStep(index)) yield;
    if (kind === 'newline') endLine();
    else if (kind === 'comment') hasComment = true;
    else if (kind !== 'space') hasMore = true;
  }
  endLine();
  endComment(line - 1);
  if (groupFrom !== undefined) add(groupFrom, line - 1);
  const groups = new Set(ranges.map(({ startLine }) => startLine));
  for (const [index, { range }] of tree.statements.entries()) {
    if (isStep(index)) yield;
    const start = document.positionAt(range.start).line;
    // An editor shows one fold a line: the group's, where a group begins with a long statement.
    if (!groups.has(start)) add(start, document.positionAt(range.end).line);
  }
  return ranges.sort((a, b) => a.startLine - b.startLine).slice(0, most);
}
