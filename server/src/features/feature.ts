/** What a feature is to a connection: what it makes the server capable of, and how it answers. Knows no feature. */
import type {
  CancellationToken,
  Connection,
  ProtocolRequestType,
  ServerCapabilities,
  TextDocumentIdentifier,
} from 'vscode-languageserver';
import type { Steps } from '../onnx/index.js';
import type { Answers, Question } from './answers.js';
import type { ClientAbilities } from './capabilities.js';
import type { OpenPlan } from './open-plan.js';

export interface Feature {
  /** This feature's part of what the server tells a client that it offers. */
  capabilities(abilities: ClientAbilities): ServerCapabilities;
  /** Begins to answer. */
  register(connection: Connection, answers: Answers): void;
}

/** An answer that is found in one turn, or one that is long work where a plan is long. */
type Answering<Parameters, Answer> =
  | { readonly answer: (open: OpenPlan, parameters: Parameters, abilities: ClientAbilities) => Answer }
  | { readonly steps: (open: OpenPlan, parameters: Parameters, abilities: ClientAbilities) => Steps<Answer> };

type PlanFeature<Parameters, Answer, Partial, Data, Options> = Question<NoInfer<Answer>> &
  Answering<Parameters, Answer> & {
    readonly type: ProtocolRequestType<Parameters, Answer, Partial, Data, Options>;
    readonly capabilities: (abilities: ClientAbilities) => ServerCapabilities;
  };

/** A feature that answers one kind of request about one open plan. */
export function planFeature<
  Parameters extends { readonly textDocument: TextDocumentIdentifier },
  Answer,
  Partial,
  Data,
  Options,
>(feature: PlanFeature<Parameters, Answer, Partial, Data, Options>): Feature {
  return {
    capabilities: feature.capabilities,
    register: (connection, answers) => {
      // By its method: the overload for types cannot be matched while what is answered is still open.
      connection.onRequest(feature.type.method, (parameters: Parameters, token: CancellationToken) => {
        const { uri } = parameters.textDocument;
        if ('steps' in feature) {
          const { steps } = feature;
          return answers.aboutPlanInSteps(feature, uri, token, (open) =>
            steps(open, parameters, answers.abilities),
          );
        }
        const { answer } = feature;
        return answers.aboutPlan(feature, uri, token, (open) => answer(open, parameters, answers.abilities));
      });
    },
  };
}
