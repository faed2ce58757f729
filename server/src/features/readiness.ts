/**
 * Gets open plans ready to be asked about, in slices: their models learnt, their newest texts bound. Whoever asks waits
 * for that in turns, so that nobody else does. Knows no feature.
 */
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { isolated } from './isolate.js';
import type { OpenPlan, OpenPlans } from './open-plan.js';
import type { Turns } from './turns.js';

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
   * What to wait for before a plan's model is at hand, and the plan bound to it; undefined if it is. To be called in a turn,
   * and again after each wait: the text or the model may have changed meanwhile. Never rejects.
   */
  before(uri: string, needs: 'model' | 'plan' = 'plan'): Promise<Waited> | undefined {
    return isolated('readiness', this.parts.log, undefined, () => this.wait(uri, needs))();
  }

  private wait(uri: string, needs: 'model' | 'plan'): Promise<Waited> | undefined {
    const { plans, turns, findDocument } = this.parts;
    const document = findDocument(uri);
    if (document === undefined) return undefined;
    const model = plans.modelToLearn(document);
    if (model !== undefined) {
      const name = `learning of ${model.path}`;
      return this.once(name, () => turns.takeSteps(name, model.steps));
    }
    const binding = needs === 'model' ? undefined : plans.bindingSteps(document);
    if (binding === undefined) return undefined;
    const { version } = document;
    const isWanted = (): boolean => findDocument(uri)?.version === version;
    return this.once(`binding of ${uri}, version ${version}`, () =>
      turns.takeSteps(`binding of ${uri}`, binding, isWanted),
    );
  }

  /** Does a piece of work in a turn in which all about the open plan is at hand; not at all if the plan is closed. */
  async take(name: string, uri: string, work: (open: OpenPlan) => void): Promise<void> {
    const { plans, turns, findDocument } = this.parts;
    let waited: Waited = 'look again';
    while (true) {
      const { wait } = await turns.take(name, () => {
        const before = waited === 'go on' ? undefined : this.before(uri);
        const document = findDocument(uri);
        if (before === undefined && document !== undefined) work(plans.open(document));
        return { wait: before };
      });
      if (wait === undefined) return;
      waited = await wait;
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
