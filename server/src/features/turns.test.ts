import { CancellationTokenSource, LSPErrorCodes } from 'vscode-languageserver';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { describe, expect, it } from 'vitest';
import type { Steps } from '../onnx/index.js';
import { Answers } from './answers.js';
import { OpenPlans } from './open-plan.js';
import { Readiness } from './readiness.js';
import { everything, openWorkspace } from './testing.js';
import { Turns } from './turns.js';

describe('turns', () => {
  it('are taken one after the other, the urgent ones first', async () => {
    const log: string[] = [];
    const turns = new Turns(() => undefined);
    const taken = [
      turns.take('first', () => log.push('first')),
      turns.take('second', () => log.push('second')),
      turns.take('urgent', () => log.push('urgent'), 'urgent'),
    ];
    expect(log).toEqual([]);
    await Promise.all(taken);
    expect(log).toEqual(['urgent', 'first', 'second']);
  });

  it('that are long are reported with their cause', async () => {
    const slow: string[] = [];
    const turns = new Turns((message) => slow.push(message));
    await turns.take('quick', () => undefined);
    await turns.take('slow', () => {
      const end = performance.now() + 60;
      while (performance.now() < end);
    });
    expect(slow).toHaveLength(1);
    expect(slow[0]).toMatch(/^slow took \d+ ms$/u);
  });
});

/** Turns with a clock that only the work moves. */
function timed() {
  let clock = 0;
  const turns = new Turns(
    () => undefined,
    () => clock,
  );
  const log: string[] = [];
  function* steps(count: number): Steps<string> {
    try {
      for (let step = 1; step <= count; step++) {
        clock += 2.5;
        log.push(`step ${step}`);
        yield;
      }
      return 'result';
    } finally {
      log.push('end');
    }
  }
  return { turns, log, steps };
}

describe('long work', () => {
  it('is done in slices of some milliseconds, after everything else', async () => {
    const { turns, log, steps } = timed();
    function* asking(): Steps<string> {
      const work = steps(7);
      for (let step = work.next(); ; step = work.next()) {
        if (step.done === true) return step.value;
        // Something arrives in the middle of each slice.
        if (log.length % 4 === 2) void turns.take('other', () => log.push('other'));
        yield;
      }
    }
    expect(await turns.takeSteps('long', asking())).toBe('result');
    expect(log.join(', ')).toBe('step 1, step 2, step 3, other, step 4, step 5, step 6, other, step 7, end');
  });

  it('takes turns with other long work', async () => {
    const { turns, log, steps } = timed();
    await Promise.all([turns.takeSteps('one', steps(4)), turns.takeSteps('other', steps(4))]);
    expect(log.join(', ')).toBe('step 1, step 2, step 3, step 1, step 2, step 3, step 4, end, step 4, end');
  });

  it('is given up when it is no longer wanted, and cleans up', async () => {
    const { turns, log, steps } = timed();
    const long = turns.takeSteps('long', steps(7), () => !log.includes('step 4'));
    expect(await long).toBeUndefined();
    expect(log.slice(-2)).toEqual(['step 6', 'end']);
  });

  it('fails as a step fails, and the next turn is taken', async () => {
    const { turns } = timed();
    const long = turns.takeSteps(
      'long',
      (function* (): Steps<void> {
        yield;
        throw new Error('a bug');
      })(),
    );
    await expect(long).rejects.toThrow('a bug');
    expect(await turns.take('next', () => 'next')).toBe('next');
  });
});

function answering() {
  const { open, files } = openWorkspace('default: fp16\n');
  const { document } = open;
  const logged: string[] = [];
  const plans = new OpenPlans(files);
  const turns = new Turns(() => undefined);
  const findDocument = (uri: string): TextDocument | undefined =>
    uri === document.uri ? document : undefined;
  const log = (message: string): void => void logged.push(message);
  const readiness = new Readiness({ plans, turns, findDocument, log });
  const answers = new Answers({ abilities: everything, files, plans, turns, readiness, findDocument, log });
  return { answers, document, logged, source: new CancellationTokenSource() };
}

const question = { name: 'hover', nothing: 'nothing' };

describe('answers', () => {
  it('are about the plan as it is open', async () => {
    const { answers, document, source } = answering();
    const answer = answers.aboutPlan(question, document.uri, source.token, ({ tree }) => tree.text);
    expect(await answer).toBe('default: fp16\n');
    expect(await answers.aboutPlan(question, 'file:///closed', source.token, () => '')).toBe('nothing');
  });

  it('are refused where the text changed meanwhile', async () => {
    const { answers, document, source } = answering();
    const known = answers.aboutPlan(question, document.uri, source.token, () => 'stale');
    const again = answers.aboutPlan(
      { ...question, whenStale: 'ask again' },
      document.uri,
      source.token,
      () => 'stale',
    );
    TextDocument.update(document, [{ text: '' }], 2);
    await expect(known).rejects.toMatchObject({ code: LSPErrorCodes.ContentModified });
    await expect(again).rejects.toMatchObject({
      code: LSPErrorCodes.ServerCancelled,
      data: { retriggerRequest: true },
    });
  });

  it('are not worked out for an editor that has cancelled', async () => {
    const { answers, document, source } = answering();
    let worked = false;
    const answer = answers.aboutPlan(question, document.uri, source.token, () => {
      worked = true;
      return '';
    });
    source.cancel();
    await expect(answer).rejects.toMatchObject({ code: LSPErrorCodes.RequestCancelled });
    expect(worked).toBe(false);
  });

  it('with an error in them are nothing, and logged', async () => {
    const { answers, document, source, logged } = answering();
    const answer = answers.aboutPlan(question, document.uri, source.token, () => {
      throw new Error('a bug');
    });
    expect(await answer).toBe('nothing');
    expect(logged[0]).toMatch(/^hover: Error: a bug/u);
  });
});
