/** Generators of samples: known, with as many values as they take, and values that make sense. */
import { checkNumber, countMessage, span } from './check-values.js';
import { type Complaints, excerpt, listed } from './complaints.js';
import { suggestName } from './suggest.js';
import type { CallValue, NumberLiteral, Value, Word } from './tree.js';
import { GENERATORS } from './vocabulary.js';

const NAMES = GENERATORS.map((generator) => generator.name);

export function checkGenerator(generator: Word | CallValue, complaints: Complaints): void {
  const name = generator.kind === 'call' ? generator.name : generator;
  const term = GENERATORS.find((candidate) => candidate.name === name.text);
  if (term === undefined) {
    complaints.error('generator', name.range, () => ({
      message: `\`${excerpt(name.text)}\` is no generator. Generators are ${listed(NAMES, 'and')}.`,
      fixes: suggestName(name.text, name.range, NAMES),
    }));
    return;
  }
  const items = generator.kind === 'call' ? generator.items : [];
  const owner = `\`${term.name}\``;
  if (items.length !== term.parameters.length) {
    complaints.error('generator', generator.range, () => ({ message: countMessage(owner, term.parameters) }));
    return;
  }
  for (const item of items) checkNumber(owner, item, { whole: term.name === 'integers' }, complaints);
  checkMeaning(term.name, items, complaints);
}

function checkMeaning(name: string, items: readonly Value[], complaints: Complaints): void {
  const [first, second] = items;
  if (!isFinite(first) || !isFinite(second)) return;
  if (name === 'normal' && second.value < 0) {
    complaints.error('generator', second.range, () => ({ message: 'A standard deviation is 0 or more.' }));
  }
  if ((name === 'uniform' || name === 'integers') && first.value > second.value) {
    complaints.error('generator', span(first.range, second.range), () => ({
      message: 'The lower bound is above the upper one.',
      fixes: [
        {
          title: 'Swap the bounds',
          edits: [
            { range: first.range, newText: second.text },
            { range: second.range, newText: first.text },
          ],
        },
      ],
    }));
  }
}

function isFinite(value: Value | undefined): value is NumberLiteral {
  return value?.kind === 'number' && Number.isFinite(value.value);
}
