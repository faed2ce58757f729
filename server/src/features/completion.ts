/** Completion: what may stand at the cursor, as edits of exactly the text that it replaces. */
import {
  type CompletionItem,
  CompletionItemKind,
  type CompletionList,
  InsertTextFormat,
  type Position,
} from 'vscode-languageserver';
import {
  ACCUMULATIONS,
  FORMATS,
  GENERATORS,
  METRICS,
  OBJECTIVES,
  type OptionTerm,
  quote,
  STATEMENTS,
  TARGETS,
  type Term,
  type ValueShape,
} from '../language/index.js';
import type { ClientAbilities } from './capabilities.js';
import { offeredNames, type OfferedName } from './completion-names.js';
import { offeredPaths } from './completion-paths.js';
import { completionPlace, type CompletionPlace, type Wanted } from './completion-place.js';
import { formatFigures } from './format-figures.js';
import { matchingNames } from './matching-names.js';
import type { OpenPlan } from './open-plan.js';
import { protocolRange } from './positions.js';
import { generatorForm, metricForm, statementForm } from './written-forms.js';

/** Characters behind which an editor asks by itself. */
export const COMPLETION_TRIGGERS = ['"', '/', ':', '{', ' '];

/** One thing to offer, before it is known where. */
interface Offer {
  readonly label: string;
  readonly kind: CompletionItemKind;
  readonly detail?: string;
  readonly documentation?: string;
  /** What is inserted, if not the label; in snippet syntax where `isSnippet` is set. */
  readonly insert?: string;
  readonly isSnippet?: boolean;
  /** A string, to be put into quotes where there are none yet. */
  readonly isString?: boolean;
}

interface Offers {
  readonly items: readonly Offer[];
  readonly hasMore: boolean;
}

/**
 * @param trigger the character of `COMPLETION_TRIGGERS` because of which the editor asks, if so
 * @param targetsWanted called where somebody is to choose a target
 */
export function completionOf(
  open: OpenPlan,
  position: Position,
  { takesSnippets }: Pick<ClientAbilities, 'takesSnippets'>,
  trigger?: string,
  targetsWanted: () => void = () => undefined,
): CompletionList {
  const offset = open.document.offsetAt(position);
  const place = completionPlace(open.tree, offset);
  const nothing: CompletionList = { isIncomplete: false, items: [] };
  if (place === undefined) return nothing;
  // A list that opens at each blank between statements, or in text, would be in the way.
  if (place.wanted.some(({ kind }) => kind === 'target')) targetsWanted();
  if (trigger === ' ' && (place.inString || place.wanted.some(({ kind }) => kind === 'statement')))
    return nothing;
  const offers = place.wanted.map((wanted) => offersFor(wanted, place, open, takesSnippets));
  const items = offers
    .flatMap((one) => one.items)
    .filter(({ isString }) => !place.inString || isString === true);
  return {
    isIncomplete: offers.some(({ hasMore }) => hasMore),
    items: items.map((offer, index) => protocolItem(offer, index, place, open)),
  };
}

function protocolItem(
  offer: Offer,
  index: number,
  place: CompletionPlace,
  { document, tree }: OpenPlan,
): CompletionItem {
  const { label, kind, detail, documentation, insert = label, isSnippet, isString } = offer;
  const inserted = isString !== true || place.inString ? insert : `"${insert}"`;
  const before = tree.text.charAt(place.replaced.start - 1);
  // Behind a colon or a comma that was just typed a blank is missing; the list would be gone once it is typed.
  const gap = !place.inString && (before === ':' || before === ',' || before === '{') ? ' ' : '';
  const item: CompletionItem = {
    label,
    kind,
    sortText: String(index).padStart(5, '0'),
    // Editors match what is typed with this: it has no quotes and blanks that may not have been typed.
    filterText: isString === true && !place.inString && place.typed.startsWith('"') ? quote(label) : label,
    textEdit: {
      range: protocolRange(document, place.replaced),
      newText: `${gap}${inserted}${place.closesString ? '"' : ''}`,
    },
  };
  if (detail !== undefined) item.detail = detail;
  if (documentation !== undefined) item.documentation = documentation;
  if (isSnippet === true) item.insertTextFormat = InsertTextFormat.Snippet;
  return item;
}

function offersFor(wanted: Wanted, place: CompletionPlace, open: OpenPlan, takesSnippets: boolean): Offers {
  switch (wanted.kind) {
    case 'statement':
      return all(statementOffers(open, takesSnippets));
    case 'words':
      return all(wanted.words.map((word) => ({ label: word, kind: CompletionItemKind.Keyword })));
    case 'format':
      return all(formatOffers());
    case 'accumulation':
      return all(valueOffers(ACCUMULATIONS, takesSnippets));
    case 'target':
      return targetOffers(open);
    case 'objective':
      return all(termOffers(OBJECTIVES));
    case 'generator':
      return all(
        GENERATORS.map(({ name, summary }) => ({
          label: name,
          kind: CompletionItemKind.Function,
          detail: summary,
          ...written(generatorForm(name), takesSnippets),
        })),
      );
    case 'metric':
      return all(metricOffers(place, open, takesSnippets));
    case 'option':
      return all(optionOffers(wanted.allowed));
    case 'value':
      return all(valueOffers(wanted.shape, takesSnippets));
    case 'path':
      return pathOffers(wanted.extensions, place, open);
    default:
      return nameOffers(wanted.kind, place, open);
  }
}

function all(items: readonly Offer[]): Offers {
  return { items, hasMore: false };
}

/** The form with places to fill in, for editors that can; otherwise the same with what would stand there. */
function written(snippet: string, takesSnippets: boolean): Pick<Offer, 'insert' | 'isSnippet'> {
  if (takesSnippets) return { insert: snippet, isSnippet: true };
  return { insert: snippet.replace(/\$\{\d+:([^}]*)\}|\$\d+/gu, '$1') };
}

function statementOffers({ tree }: OpenPlan, takesSnippets: boolean): readonly Offer[] {
  const hasModel = tree.statements.some(({ kind }) => kind === 'model');
  return STATEMENTS.filter(({ kind }) => kind !== 'model' || !hasModel).map(
    ({ kind, keyword, form, summary }) => ({
      label: kind,
      kind: CompletionItemKind.Keyword,
      detail: form,
      documentation: summary,
      // Without places to fill in, a form is text to be deleted: the keyword alone leads on.
      ...(takesSnippets
        ? { insert: statementForm(kind), isSnippet: true }
        : { insert: kind === 'default' || kind === 'accumulate' ? `${keyword}: ` : `${kind} ` }),
    }),
  );
}

function formatOffers(): readonly Offer[] {
  return FORMATS.map(({ name, summary }) => ({
    label: name,
    kind: CompletionItemKind.EnumMember,
    detail: formatFigures(name) ?? summary,
    documentation: summary,
  }));
}

function termOffers(terms: readonly Term[]): readonly Offer[] {
  return terms.map(({ name, summary }) => ({
    label: name,
    kind: CompletionItemKind.EnumMember,
    detail: summary,
  }));
}

/** The targets, with what this machine makes of each; while it was not looked at all of them, the editor asks again. */
function targetOffers({ files }: OpenPlan): Offers {
  const found = TARGETS.map((term) => ({
    term,
    found: files.findTarget({ name: term.name, threads: undefined }),
  }));
  const items = found.map(({ term: { name, summary }, found: state }): Offer => {
    const detail =
      state === undefined
        ? summary
        : state.usable
          ? `on this machine · ${summary}`
          : `not on this machine · ${summary}`;
    const documentation =
      state === undefined ? undefined : [state.summary, state.advice].filter(Boolean).join(' ');
    return {
      ...{ label: name, kind: CompletionItemKind.EnumMember, detail },
      ...(documentation === undefined ? {} : { documentation }),
    };
  });
  return { items, hasMore: found.some(({ found: state }) => state === undefined) };
}

function metricOffers(place: CompletionPlace, { tree }: OpenPlan, takesSnippets: boolean): readonly Offer[] {
  const { text } = tree;
  const end = text.indexOf('\n', place.replaced.end);
  const rest = text.slice(place.replaced.end, end < 0 ? undefined : end).trim();
  // Where a comparison follows already, only the name is missing.
  const isNameOnly = rest !== '' && !rest.startsWith('#');
  const own = tree.statements.flatMap((statement): Offer[] =>
    statement.kind === 'metric' && statement.name !== undefined
      ? [{ label: statement.name.text, kind: CompletionItemKind.Function, detail: 'a metric of your own' }]
      : [],
  );
  const known = METRICS.map((metric) => ({
    label: metric.name,
    kind: CompletionItemKind.Function,
    detail: `${metric.operator === '<=' ? 'less' : 'more'} is better`,
    documentation: metric.summary,
    ...(isNameOnly ? {} : written(metricForm(metric), takesSnippets)),
  }));
  return [...own, ...known];
}

function optionOffers(options: readonly OptionTerm[]): readonly Offer[] {
  return options.map(({ name, summary, source }) => ({
    label: name,
    kind: CompletionItemKind.Property,
    documentation: source === undefined ? summary : `${summary}\n\nFrom ${source}`,
    insert: `${name}: `,
  }));
}

function valueOffers(shape: ValueShape, takesSnippets: boolean): readonly Offer[] {
  if (shape.kind === 'format') return formatOffers();
  if (shape.kind !== 'choice') return [];
  const words = shape.words.map((word): Offer => ({ label: word, kind: CompletionItemKind.EnumMember }));
  const calls = (shape.calls ?? []).map(({ name, parameters }): Offer => {
    const places = parameters.map((parameter, index) => `\${${index + 1}:${parameter}}`).join(', ');
    return {
      label: `${name}(${parameters.join(', ')})`,
      kind: CompletionItemKind.Function,
      ...(takesSnippets ? { insert: `${name}(${places})`, isSnippet: true } : { insert: `${name}()` }),
    };
  });
  return [...words, ...calls];
}

function pathOffers(extensions: readonly string[], place: CompletionPlace, open: OpenPlan): Offers {
  if (open.path === undefined) return all([]);
  const typed = place.inString ? place.typed : '';
  return stringOffers(offeredPaths(open.files, open.path, typed, extensions), CompletionItemKind.File, place);
}

function nameOffers(
  kind: 'layer' | 'glob' | 'operator' | 'input' | 'output' | 'dimension',
  place: CompletionPlace,
  open: OpenPlan,
): Offers {
  const { model } = open;
  if (model === undefined) return all([]);
  const names = offeredNames(model);
  switch (kind) {
    case 'layer':
      return stringOffers(names.layers, CompletionItemKind.Variable, place);
    case 'glob':
      return stringOffers(names.globs, CompletionItemKind.Variable, place);
    case 'input':
      return stringOffers(names.inputs, CompletionItemKind.Variable, place);
    case 'output':
      return stringOffers(names.outputs, CompletionItemKind.Variable, place);
    case 'operator':
      return all(
        names.operators
          .filter(({ text }) => !place.before.includes(text))
          .map(({ text, detail }) => ({ label: text, kind: CompletionItemKind.Class, detail })),
      );
    case 'dimension':
      return all(dimensionOffers(names.dimensions, place, open));
  }
}

/** Strings, without those that the statement has already. */
function stringOffers(
  names: readonly OfferedName[],
  kind: CompletionItemKind,
  place: CompletionPlace,
): Offers {
  const typed = place.typed.replace(/^"/u, '');
  const { found, hasMore } = matchingNames(names, typed);
  const items = found
    .filter(({ text }) => !place.before.includes(`"${text}"`))
    .map(({ text, detail }) => ({ label: text, kind, detail, isString: true }));
  return { items, hasMore };
}

/** The dimensions that no statement binds yet; in quotes only those that need them. */
function dimensionOffers(
  names: readonly OfferedName[],
  place: CompletionPlace,
  { tree }: OpenPlan,
): readonly Offer[] {
  const bound = new Set(
    tree.statements.flatMap((statement) =>
      statement.kind === 'dim' && statement.value !== undefined
        ? [
            tree.text.slice(
              statement.name?.range.start,
              (statement.axis?.range.end ?? -1) + 1 || statement.name?.range.end,
            ),
          ]
        : [],
    ),
  );
  return names
    .filter(({ text }) => !bound.has(text))
    .flatMap(({ text, detail }): Offer[] => {
      if (!place.inString)
        return [{ label: text, kind: CompletionItemKind.Variable, detail, insert: `${text} = ` }];
      const content = /^"(.*)"$/su.exec(text)?.[1];
      return content === undefined
        ? []
        : [{ label: content, kind: CompletionItemKind.Variable, detail, isString: true }];
    });
}
