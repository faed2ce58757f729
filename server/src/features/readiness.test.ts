/** Plans that are got ready in turns: once for all who wait, and only what is still wanted. */
import { describe, expect, it } from 'vitest';
import { TextDocument } from 'vscode-languageserver-textdocument';
import type { Steps } from '../onnx/index.js';
import { OpenPlans } from './open-plan.js';
import { Readiness } from './readiness.js';
import { header, longModel, longName, openWorkspace } from './testing.js';
import { Turns } from './turns.js';

const LAYERS = 200;

/** A long plan whose model takes a few steps to learn. */
function opening(learn?: () => Steps<void>) {
  const lines = Array.from({ length: 1000 }, (_, index) => `layer "${longName(index % LAYERS)}": fp16`);
  const { open, files } = openWorkspace(`${header}${lines.join('\n')}\n`, longModel(LAYERS));
  const { document } = open;
  const events: string[] = [];
  let isLearnt = false;
  function* learning(): Steps<void> {
    events.push('learning begins');
    for (let step = 0; step < 3; step++) yield;
    isLearnt = true;
    events.push('learning ends');
  }
  const plans = new OpenPlans({
    ...files,
    openModel: (path) => {
      events.push('model');
      return files.openModel(path);
    },
    modelSteps: () => (isLearnt ? undefined : (learn ?? learning)()),
  });
  // Every look at the clock is a millisecond, so that a slice is six steps or so.
  let clock = 0;
  const turns = new Turns(
    () => undefined,
    () => clock++,
  );
  const logged: string[] = [];
  const log = (message: string): void => void logged.push(message);
  let isOpen = true;
  const findDocument = (uri: string): TextDocument | undefined =>
    isOpen && uri === document.uri ? document : undefined;
  const readiness = new Readiness({ plans, turns, findDocument, log });
  const type = (): void => {
    const end = document.positionAt(document.getText().length);
    TextDocument.update(document, [{ range: { start: end, end }, text: '\n' }], document.version + 1);
  };
  return { readiness, turns, events, logged, uri: document.uri, type, close: () => (isOpen = false) };
}

describe('what is asked of a plan', () => {
  it('waits until its model is learnt and it is bound, while others take their turns', async () => {
    const { readiness, turns, events, uri } = opening();
    const asked = readiness.take('first', uri, ({ plan }) => {
      events.push(`first: ${plan?.layers.length}`);
    });
    const other = turns.take('other', () => events.push('other'));
    const urgent = turns.take('urgent', () => events.push('urgent'), 'urgent');
    await Promise.all([asked, other, urgent]);
    expect(events.filter((event) => event !== 'model')).toEqual([
      'urgent',
      'other',
      'learning begins',
      'learning ends',
      `first: ${LAYERS}`,
    ]);
  });

  it('waits for one learning, however many ask', async () => {
    const { readiness, events, uri } = opening();
    await Promise.all([1, 2, 3].map(() => readiness.take('one', uri, () => undefined)));
    expect(events.filter((event) => event === 'learning begins')).toHaveLength(1);
  });

  it('finds the plan bound: nothing is left to be done in its turn', async () => {
    const { readiness, uri } = opening();
    await readiness.take('one', uri, () => {
      expect(readiness.before(uri)).toBeUndefined();
    });
  });

  it('is about the newest text: the binding of an older one is given up', async () => {
    const { readiness, turns, uri, type } = opening();
    const seen: number[] = [];
    const asked = readiness.take('one', uri, ({ document, plan }) => {
      expect(plan?.statements).toHaveLength(1000);
      seen.push(document.version);
    });
    await turns.take('typing', type);
    await asked;
    expect(seen).toEqual([2]);
  });

  it('is not done for a plan that is closed meanwhile', async () => {
    const { readiness, turns, uri, close } = opening();
    let isDone = false;
    const asked = readiness.take('one', uri, () => {
      isDone = true;
    });
    await turns.take('closing', close);
    await asked;
    expect(isDone).toBe(false);
  });

  it('is done all the same where the learning fails, which is logged', async () => {
    const { readiness, logged, uri } = opening(function* () {
      yield;
      throw new Error('a bug');
    });
    let layers: number | undefined;
    await readiness.take('one', uri, ({ plan }) => {
      layers = plan?.layers.length;
    });
    expect(layers).toBe(LAYERS);
    expect(logged).toEqual([expect.stringMatching(/^learning of .*: Error: a bug$/u)]);
  });

  it('needs the text only, or the model as well, if that is all that it is made from', async () => {
    const { readiness, uri } = opening();
    await readiness.before(uri, 'text');
    expect(readiness.before(uri, 'text')).toBeUndefined();
    await readiness.before(uri, 'model');
    expect(readiness.before(uri, 'model')).toBeUndefined();
    expect(readiness.before(uri)).toBeDefined();
  });
});
