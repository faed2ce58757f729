/** Which of many names what is typed may become. Knows names only. */

/** How many are given at once: an editor slows down under more, and nobody reads them. */
const MOST_OFFERED = 500;

export interface MatchingNames<Name> {
  /** The best first: those that begin with what is typed, then those that hold it, then those with its letters in order. */
  readonly found: readonly Name[];
  /** There are more than are given. */
  readonly hasMore: boolean;
}

/** All names if they are few, so that the editor can filter by itself; otherwise the ones that match best. */
export function matchingNames<Name extends { readonly text: string }>(
  names: readonly Name[],
  typed: string,
  most = MOST_OFFERED,
): MatchingNames<Name> {
  if (names.length <= most) return { found: names, hasMore: false };
  const wanted = typed.toLowerCase();
  const ranks: Name[][] = [[], [], []];
  for (const name of names) {
    const rank = rankOf(name.text.toLowerCase(), wanted);
    if (rank !== undefined) ranks[rank]?.push(name);
  }
  return { found: ranks.flat().slice(0, most), hasMore: true };
}

function rankOf(name: string, wanted: string): number | undefined {
  const at = name.indexOf(wanted);
  if (at >= 0) return at === 0 ? 0 : 1;
  let position = 0;
  for (const letter of wanted) {
    position = name.indexOf(letter, position) + 1;
    if (position === 0) return undefined;
  }
  return 2;
}
