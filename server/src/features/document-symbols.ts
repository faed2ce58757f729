/** Document symbols: the outline of a plan, its statements under model, inputs, tolerances and decisions. */
import { type DocumentSymbol, type SymbolInformation, SymbolKind } from 'vscode-languageserver';
import { isDecision, type Statement } from '../language/index.js';
import { isStep, type Steps } from '../onnx/index.js';
import type { ClientAbilities } from './capabilities.js';
import type { OpenPlan } from './open-plan.js';
import { Positions } from './positions.js';

const GROUPS = ['Model', 'Inputs', 'Tolerances', 'Decisions'] as const;

type Group = (typeof GROUPS)[number];

/** What a name is not shown with: other blanks than single ones, and what leads to what follows. */
const UNEVEN = /\s\s|[^\S ]|[ :]$/u;

/** An editor lays out every name, however long. */
const MOST_CHARACTERS = 120;

export function* documentSymbolSteps(
  open: OpenPlan,
  { showsSymbolTree }: Pick<ClientAbilities, 'showsSymbolTree'>,
): Steps<DocumentSymbol[] | SymbolInformation[]> {
  const members = new Map<Group, Statement[]>(GROUPS.map((name) => [name, []]));
  for (const statement of open.tree.statements) {
    const group = groupOf(statement);
    if (group !== undefined) members.get(group)?.push(statement);
  }
  const positions = new Positions(open.document);
  const groups: DocumentSymbol[] = [];
  for (const [name, statements] of members) {
    const [first] = statements;
    const last = statements.at(-1);
    if (first === undefined || last === undefined) continue;
    const children: DocumentSymbol[] = [];
    for (const [index, statement] of statements.entries()) {
      if (isStep(index)) yield;
      children.push(symbolOf(statement, open, positions));
    }
    groups.push({
      ...{ name, children },
      kind: SymbolKind.Namespace,
      // Groups may overlap where a plan mixes them: each reaches from its first statement to its last.
      range: positions.range({ start: first.range.start, end: last.range.end }),
      selectionRange: positions.range(first.keyword.range),
    });
  }
  yield;
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

function symbolOf(statement: Statement, { tree }: OpenPlan, positions: Positions): DocumentSymbol {
  const { range, keyword, options } = statement;
  const colon = isDecision(statement) ? statement.format : undefined;
  const end = colon?.range.start ?? options?.range.start ?? range.end;
  const head = tree.text.slice(range.start, Math.min(end, range.start + MOST_CHARACTERS + 1));
  const name = UNEVEN.test(head) ? head.replace(/\s+/gu, ' ').replace(/[ :]+$/u, '') : head;
  const symbol: DocumentSymbol = {
    name: name.length > MOST_CHARACTERS ? `${name.slice(0, MOST_CHARACTERS)}…` : name,
    kind: kindOf(statement),
    range: positions.range(range),
    selectionRange: positions.range(keyword.range),
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
