/**
 * The options of a statement: known to it, each once, with values that they take. Knows the tables of options, not
 * what an option does.
 */
import { checkValue } from './check-values.js';
import { type Complaints, excerpt, listed } from './complaints.js';
import type { TextRange } from './diagnostic.js';
import { suggestName } from './suggest.js';
import type { Option, OptionList } from './tree.js';
import type { OptionTerm } from './vocabulary.js';

/** `owner` is the word that the options belong to: a keyword or the name of a metric. */
export function checkOptions(
  owner: string,
  list: OptionList | undefined,
  allowed: readonly OptionTerm[],
  complaints: Complaints,
): void {
  if (list === undefined) return;
  const seen = new Set<string>();
  for (const option of list.options) {
    const term = allowed.find((candidate) => candidate.name === option.name.text);
    if (term === undefined) {
      // An option without a value is still being written: the parser has spoken of it.
      if (option.value !== undefined) reportUnknown(owner, option, allowed, complaints);
      continue;
    }
    if (seen.has(term.name)) {
      complaints.add('duplicate', 'warning', option.range, () => ({
        message: `\`${term.name}\` is already given in these braces; the last one counts.`,
      }));
    }
    seen.add(term.name);
    if (option.value !== undefined) checkValue(`\`${term.name}\``, option.value, term.value, complaints);
  }
}

function reportUnknown(
  owner: string,
  option: Option,
  allowed: readonly OptionTerm[],
  complaints: Complaints,
): void {
  const { range, text }: { range: TextRange; text: string } = option.name;
  complaints.error('option-unknown', range, () => {
    const names = allowed.map((term) => term.name);
    const has = names.length === 0 ? 'It has no options.' : `It has ${listed(names, 'and')}.`;
    return {
      message: `\`${excerpt(owner)}\` has no option \`${excerpt(text)}\`. ${has}`,
      fixes: suggestName(text, range, names),
    };
  });
}
