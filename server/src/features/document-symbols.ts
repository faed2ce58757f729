/** Document symbols: the outline of a plan, its statements under model, inputs, tolerances and decisions. */
import { type DocumentSymbol, type SymbolInformation, SymbolKind } from 'vscode-languageserver';
import { isDecision, type Statement } from '../language/index.js';
import type { ClientAbilities } from './capabilities.js';
import { protocolRange } from './diagnostics.js';
import type { OpenPlan } from './open-plan.js';

const GROUPS = ['Model', 'Inputs', 'Tolerances', 'Decisions'] as const;

type Group = (typeof GROUPS)[number];

/** An editor lays out every name, however long. */
const MOST_CHARACTERS = 120;

export function documentSymbolsOf(
  open: OpenPlan,
  { showsSymbolTree }: Pick<ClientAbilities, 'showsSymbolTree'>,
): DocumentSymbol[] | SymbolInformation[] {
  const groups = GROUPS.flatMap((name): DocumentSymbol[] => {
    const statements = open.tree.statements.filter((statement) => groupOf(statement) === name);
    const [first] = statements;
    const last = statements.at(-1);
    if (first === undefined || last === undefined) return [];
    // Groups may overlap where a plan mixes them: each reaches from its first statement to its last.
    const range = { start: first.range.start, end: last.range.end };
    return [
      {
        name,
        kind: SymbolKind.Namespace,
        range: protocolRange(open.document, range),
        selectionRange: protocolRange(open.document, first.keyword.range),
        children: statements.map((statement) => symbolOf(statement, open)),
      },
    ];
  });
  if (showsSymbolTree) return groups;
  const { uri } = open.document;
  return groups.flatMap(({ name: containerName, children = [] }) =>
    children.map(({ name, kind, range }) => ({ name, kind, containerName, location: { uri, range } })),
  );
}

function groupOf(statement: Statement): Group | undefined {
  if (isDecision(statement) || statement.kind === 'accumulate') return 'Decisions';
  switch (statement.kind) {
    case 'model':
    case 'include':
    case 'target':
    case 'objective':
    case 'latency':
      return 'Model';
    case 'input':
    case 'dim':
    case 'state':
    case 'labels':
      return 'Inputs';
    case 'tolerance':
    case 'metric':
      return 'Tolerances';
    case 'unknown':
      return undefined;
  }
}

function symbolOf(statement: Statement, { document, tree }: OpenPlan): DocumentSymbol {
  const { range, keyword, options } = statement;
  const colon = isDecision(statement) ? statement.format : undefined;
  const end = colon?.range.start ?? options?.range.start ?? range.end;
  const head = tree.text.slice(range.start, Math.min(end, range.start + MOST_CHARACTERS + 1));
  const name = head.replace(/\s+/gu, ' ').replace(/[ :]+$/u, '');
  const symbol: DocumentSymbol = {
    name: name.length > MOST_CHARACTERS ? `${name.slice(0, MOST_CHARACTERS)}…` : name,
    kind: kindOf(statement),
    range: protocolRange(document, range),
    selectionRange: protocolRange(document, keyword.range),
  };
  if (colon !== undefined) symbol.detail = colon.text;
  return symbol;
}

function kindOf(statement: Statement): SymbolKind {
  switch (groupOf(statement)) {
    case 'Model':
      return SymbolKind.File;
    case 'Inputs':
      return SymbolKind.Variable;
    case 'Tolerances':
      return SymbolKind.Boolean;
    case 'Decisions':
    case undefined:
      return SymbolKind.Property;
  }
}
