import { CancellationTokenSource, LSPErrorCodes } from 'vscode-languageserver';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { describe, expect, it } from 'vitest';
import { Answers } from './answers.js';
import { OpenPlans } from './open-plan.js';
import { everything, openWorkspace } from './testing.js';
import { Turns } from './turns.js';

describe('turns', () => {
  it('are taken one after the other, the urgent ones first', async () => {
    const log: string[] = [];
    const turns = new Turns(() => undefined);
    const taken = [
      turns.take('first', () => log.push('first')),
      turns.take('second', () => log.push('second')),
      turns.take('urgent', () => log.push('urgent'), true),
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

function answering() {
  const { open, files } = openWorkspace('default: fp16\n');
  const { document } = open;
  const logged: string[] = [];
  const answers = new Answers({
    abilities: everything,
    files,
    plans: new OpenPlans(files),
    turns: new Turns(() => undefined),
    findDocument: (uri) => (uri === document.uri ? document : undefined),
    log: (message) => logged.push(message),
  });
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
