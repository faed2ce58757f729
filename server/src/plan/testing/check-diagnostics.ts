/** Checks of a plan's diagnostics against marks under its text. Used by tests only. */
import { expect } from 'vitest';
import { applyEdits, type Diagnostic } from '../../language/index.js';
import {
  bindAny,
  describeDiagnostics,
  describeMark,
  readMarks,
  worldFiles,
  type PlanWorld,
} from './fixture.js';

/** Everything else that the plan needs, so that only what is tested is remarked on. */
export const FED = `input "x" = zeros
input "ids" = integers(0, 9)
dim batch = 1
`;

export function checkDiagnostics(fixture: string, world: PlanWorld = {}): readonly Diagnostic[] {
  const { text, marks } = readMarks(fixture);
  const plan = bindAny(text, worldFiles(world));
  expect(
    describeDiagnostics(
      text,
      plan.diagnostics.filter((one) => one.path === undefined),
    ),
  ).toEqual(marks.map((mark) => describeMark(text, mark.start, mark.end, mark.code)).sort());
  for (const { start, code, message } of marks) {
    const messages = plan.diagnostics.filter((one) => one.range.start === start && one.code === code);
    if (message !== undefined) {
      expect(messages.map((one) => one.message).join('\n')).toContain(message);
    }
  }
  return plan.diagnostics;
}

/** The same with the model and all inputs given. */
export function checkBound(fixture: string, world: PlanWorld = {}): readonly Diagnostic[] {
  return checkDiagnostics(`model "m.onnx"\n${FED}${fixture.replace(/^\n/, '')}`, world);
}

/** Applies the fix of that title to a bound plan; the text after the given inputs. */
export function checkFix(
  text: string,
  code: string,
  title: string,
  after: string,
  world: PlanWorld = {},
): void {
  const whole = `model "m.onnx"\n${FED}${text}`;
  const { diagnostics } = bindAny(whole, worldFiles(world));
  const fix = diagnostics.find((one) => one.code === code)?.fixes?.find((one) => one.title === title);
  expect(fix, JSON.stringify(diagnostics)).toBeDefined();
  expect(applyEdits(whole, fix?.edits ?? [])).toBe(`model "m.onnx"\n${FED}${after}`);
}
