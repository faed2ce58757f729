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
import { isolated } from './isolate.js';
import type { OpenPlan, OpenPlans } from './open-plan.js';
import type { Readiness, Waited } from './readiness.js';
import type { Turns } from './turns.js';
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
  /** What the answer is made from: the text alone, the model as well, or the plan bound to it, as if nothing is said. */
  readonly needs?: 'text' | 'model' | 'plan';
  /** What the editor is told when the text has changed since it asked. */
  readonly whenStale?: 'it knows' | 'ask again';
}

export class Answers {
  readonly abilities: ClientAbilities;
  readonly files: WorkspaceFiles;

  constructor(private readonly parts: AnswersParts) {
    this.abilities = parts.abilities;
    this.files = parts.files;
  }

  /**
   * What a feature says of an open plan. A request whose parameters are no single object comes without a token. Rejects
   * with the protocol's errors for what is stale or cancelled.
   */
  aboutPlan<Answer>(
    question: Question<Answer>,
    uri: string,
    token: CancellationToken | null,
    answer: (open: OpenPlan) => Answer,
  ): Promise<Answer> {
    const { findDocument, plans, readiness } = this.parts;
    const asked = findDocument(uri)?.version;
    const isStale = (): boolean => findDocument(uri)?.version !== asked;
    const { needs = 'plan' } = question;
    return this.answer(
      question,
      uri,
      token,
      isStale,
      () => {
        const document = findDocument(uri);
        return document === undefined ? question.nothing : answer(plans.open(document));
      },
      () => (needs === 'text' ? undefined : readiness.before(uri, needs)),
    );
  }

  /**
   * What a feature says of anything; `about` is for the log.
   *
   * @param before what to wait for first; looked at in a turn, until there is nothing left
   */
  async answer<Answer>(
    { name, nothing, isUrgent, whenStale }: Question<Answer>,
    about: string,
    token: CancellationToken | null,
    isStale: () => boolean,
    answer: () => Answer,
    before: () => Promise<Waited> | undefined = () => undefined,
  ): Promise<Answer> {
    const { turns, log } = this.parts;
    const guarded = isolated(name, log, nothing, answer);
    let waited: Waited = 'look again';
    while (true) {
      const outcome = await turns.take(
        `${name} of ${about}`,
        (): Outcome<Answer> => {
          if (token?.isCancellationRequested === true) return { refusal: cancelled() };
          if (isStale()) return { refusal: stale(whenStale) };
          const wait = waited === 'go on' ? undefined : before();
          return wait === undefined ? { answer: guarded() } : { wait };
        },
        isUrgent,
      );
      if ('answer' in outcome) return outcome.answer;
      if ('refusal' in outcome) throw outcome.refusal;
      waited = await outcome.wait;
    }
  }
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
