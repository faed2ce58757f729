/**
 * Answers requests about open plans: in turns, not for editors that have changed their mind or the text, and with an error in one
 * feature kept from the others. Knows no feature.
 */
import {
  type CancellationToken,
  type DiagnosticServerCancellationData,
  LSPErrorCodes,
  ResponseError,
} from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { ClientAbilities } from './capabilities.js';
import { isolated, logError } from './isolate.js';
import type { Steps } from '../onnx/index.js';
import type { OpenPlan, OpenPlans } from './open-plan.js';
import type { Needs, Readiness, Waited } from './readiness.js';
import type { Haste, Turns } from './turns.js';
import type { WorkspaceFiles } from './workspace-files.js';

export interface AnswersParts {
  readonly abilities: ClientAbilities;
  readonly files: WorkspaceFiles;
  readonly plans: OpenPlans;
  readonly turns: Turns;
  readonly readiness: Readiness;
  readonly findDocument: (uri: string) => TextDocument | undefined;
  readonly log: (message: string) => void;
}

export interface Question<Answer> {
  /** For the log. */
  readonly name: string;
  /** The answer where there is no such plan, or where the feature fails. */
  readonly nothing: Answer;
  /** Someone waits for it with a finger on a key. */
  readonly isUrgent?: boolean;
  /** What the answer is made from; the plan, if nothing is said. */
  readonly needs?: Needs;
  /** What the editor is told when the text has changed since it asked. */
  readonly whenStale?: 'it knows' | 'ask again';
}

/** Who asks, and whether the answer is still of use. */
interface Asked {
  /** What the question is about, for the log. */
  readonly about: string;
  /** A request whose parameters are no single object comes without one. */
  readonly token: CancellationToken | null;
  readonly isStale: () => boolean;
  /** What to wait for first; looked at in a turn, until there is nothing left. */
  readonly before: () => Promise<Waited> | undefined;
}

export class Answers {
  readonly abilities: ClientAbilities;
  readonly files: WorkspaceFiles;

  constructor(private readonly parts: AnswersParts) {
    this.abilities = parts.abilities;
    this.files = parts.files;
  }

  /** What a feature says of an open plan. Rejects with the protocol's errors for what is stale or cancelled. */
  aboutPlan<Answer>(
    question: Question<Answer>,
    uri: string,
    token: CancellationToken | null,
    answer: (open: OpenPlan) => Answer,
  ): Promise<Answer> {
    return this.inTurn(question, this.asked(question, uri, token), () => {
      const open = this.open(uri);
      return open === undefined ? question.nothing : answer(open);
    });
  }

  /** The same for an answer that is long work: it is put together in slices, and given up where nobody wants it any more. */
  async aboutPlanInSteps<Answer>(
    question: Question<Answer>,
    uri: string,
    token: CancellationToken | null,
    answer: (open: OpenPlan) => Steps<Answer>,
  ): Promise<Answer> {
    const { turns, log } = this.parts;
    const { name, nothing, whenStale } = question;
    const asked = this.asked(question, uri, token);
    const open = await this.inTurn<OpenPlan | undefined>({ ...question, nothing: undefined }, asked, () =>
      this.open(uri),
    );
    if (open === undefined) return nothing;
    function* steps(of: OpenPlan): Steps<{ readonly answer: Answer }> {
      return { answer: yield* answer(of) };
    }
    const isWanted = (): boolean => refusalOf(asked, whenStale) === undefined;
    try {
      const outcome = await turns.takeSteps(`${name} of ${uri}`, steps(open), isWanted, 'long answer');
      if (outcome !== undefined) return outcome.answer;
    } catch (error) {
      logError(name, log, error);
      return nothing;
    }
    throw refusalOf(asked, whenStale) ?? cancelled();
  }

  /** What a feature says of anything else. */
  answer<Answer>(
    question: Question<Answer>,
    about: string,
    token: CancellationToken | null,
    answer: () => Answer,
  ): Promise<Answer> {
    return this.inTurn(question, { about, token, isStale: () => false, before: () => undefined }, answer);
  }

  private open(uri: string): OpenPlan | undefined {
    const document = this.parts.findDocument(uri);
    return document === undefined ? undefined : this.parts.plans.open(document);
  }

  private asked({ needs }: Question<unknown>, uri: string, token: CancellationToken | null): Asked {
    const { findDocument, readiness } = this.parts;
    const version = findDocument(uri)?.version;
    return {
      ...{ about: uri, token },
      isStale: () => findDocument(uri)?.version !== version,
      before: () => readiness.before(uri, needs),
    };
  }

  private async inTurn<Answer>(
    { name, nothing, isUrgent, whenStale }: Question<Answer>,
    asked: Asked,
    answer: () => Answer,
  ): Promise<Answer> {
    const { turns, log } = this.parts;
    const guarded = isolated(name, log, nothing, answer);
    const haste: Haste = isUrgent === true ? 'urgent' : 'ordinary';
    let waited: Waited = 'look again';
    while (true) {
      const look = (): Outcome<Answer> => {
        const refusal = refusalOf(asked, whenStale);
        if (refusal !== undefined) return { refusal };
        const wait = waited === 'go on' ? undefined : asked.before();
        return wait === undefined ? { answer: guarded() } : { wait };
      };
      const outcome = await turns.take(`${name} of ${asked.about}`, look, haste);
      if ('answer' in outcome) return outcome.answer;
      if ('refusal' in outcome) throw outcome.refusal;
      waited = await outcome.wait;
    }
  }
}

/** Why there is nothing to be answered any more. */
function refusalOf({ token, isStale }: Asked, whenStale: Question<unknown>['whenStale']): Error | undefined {
  if (token?.isCancellationRequested === true) return cancelled();
  return isStale() ? stale(whenStale) : undefined;
}

type Outcome<Answer> =
  { readonly answer: Answer } | { readonly refusal: Error } | { readonly wait: Promise<Waited> };

function cancelled(): Error {
  return new ResponseError(LSPErrorCodes.RequestCancelled, 'The request was cancelled.');
}

function stale(whenStale: Question<unknown>['whenStale']): Error {
  const message = 'The plan has changed since the request.';
  if (whenStale !== 'ask again') return new ResponseError(LSPErrorCodes.ContentModified, message);
  const data: DiagnosticServerCancellationData = { retriggerRequest: true };
  return new ResponseError(LSPErrorCodes.ServerCancelled, message, data);
}
