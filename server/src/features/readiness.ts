/**
 * Gets open plans ready to be asked about, in slices: their newest texts parsed, their models learnt, both bound. Whoever asks waits
 * for that in turns, so that nobody else does. Knows no feature.
 */
import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { Steps } from '../onnx/index.js';
import { isolated } from './isolate.js';
import type { OpenPlan, OpenPlans } from './open-plan.js';
import type { Haste, Turns } from './turns.js';

/** What an answer is made from: the text alone, the model that it names as well, or the plan bound to it. */
export type Needs = 'text' | 'model' | 'plan';

export interface ReadinessParts {
  readonly plans: OpenPlans;
  readonly turns: Turns;
  readonly findDocument: (uri: string) => TextDocument | undefined;
  readonly log: (message: string) => void;
}

/** How waiting ended: with what is at hand now to be looked at again, or with an error, after which the work goes on. */
export type Waited = 'look again' | 'go on';

export class Readiness {
  /** What is being done, by what it is, for all who wait for it. */
  private readonly underWay = new Map<string, Promise<Waited>>();

  constructor(private readonly parts: ReadinessParts) {}

  /**
   * What to wait for before what is needed of a plan is at hand; undefined if it is. To be called in a turn, and again
   * after each wait: the text or the model may have changed meanwhile. Never rejects.
   */
  before(uri: string, needs: Needs = 'plan'): Promise<Waited> | undefined {
    return isolated('readiness', this.parts.log, undefined, () => this.wait(uri, needs))();
  }

  private wait(uri: string, needs: Needs): Promise<Waited> | undefined {
    const { plans, turns, findDocument } = this.parts;
    const document = findDocument(uri);
    if (document === undefined) return undefined;
    const { version } = document;
    const isWanted = (): boolean => findDocument(uri)?.version === version;
    const ofVersion = (what: string, steps: Steps<void>): Promise<Waited> =>
      this.once(`${what} of ${uri}, version ${version}`, () =>
        turns.takeSteps(`${what} of ${uri}`, steps, isWanted),
      );
    const parsing = plans.parsingSteps(document);
    if (parsing !== undefined) return ofVersion('parsing', parsing);
    if (needs === 'text') return undefined;
    const model = plans.modelToLearn(document);
    if (model !== undefined) {
      const name = `learning of ${model.path}`;
      return this.once(name, () => turns.takeSteps(name, model.steps));
    }
    const binding = needs === 'model' ? undefined : plans.bindingSteps(document);
    return binding === undefined ? undefined : ofVersion('binding', binding);
  }

  /** Does a piece of work in a turn in which all about the open plan is at hand; not at all if the plan is closed. */
  async take(name: string, uri: string, work: (open: OpenPlan) => void, haste?: Haste): Promise<void> {
    const { plans, turns, findDocument } = this.parts;
    let waited: Waited = 'look again';
    while (true) {
      const look = (): { readonly wait: Promise<Waited> | undefined } => {
        const before = waited === 'go on' ? undefined : this.before(uri);
        const document = findDocument(uri);
        if (before === undefined && document !== undefined) work(plans.open(document));
        return { wait: before };
      };
      const { wait } = await turns.take(name, look, haste);
      if (wait === undefined) return;
      waited = await wait;
    }
  }

  /** The same for long work, a slice at a time: begun anew where the text has changed under it. */
  async takeSteps(
    name: string,
    uri: string,
    work: (open: OpenPlan) => Steps<void>,
    haste: Haste,
  ): Promise<void> {
    const { turns, findDocument } = this.parts;
    function* steps(open: OpenPlan): Steps<'done'> {
      yield* work(open);
      return 'done';
    }
    while (findDocument(uri) !== undefined) {
      const ready: OpenPlan[] = [];
      await this.take(name, uri, (open) => ready.push(open), haste);
      const [open] = ready;
      if (open === undefined) return;
      const { version } = open.document;
      const isWanted = (): boolean => findDocument(uri)?.version === version;
      if ((await turns.takeSteps(name, steps(open), isWanted, haste)) === 'done') return;
    }
  }

  private once(name: string, begin: () => Promise<unknown>): Promise<Waited> {
    let work = this.underWay.get(name);
    if (work === undefined) {
      work = begin()
        .then(
          (): Waited => 'look again',
          (error: unknown): Waited => {
            // Whoever needs what failed meets the error itself, where it is kept from everything else.
            this.parts.log(`${name}: ${String(error)}`);
            return 'go on';
          },
        )
        .finally(() => this.underWay.delete(name));
      this.underWay.set(name, work);
    }
    return work;
  }
}
