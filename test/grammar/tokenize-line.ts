/**
 * For tests: lines of text against the TextMate grammar, with the engine that editors use. Knows the grammar file and
 * the engine, nothing of the language.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import oniguruma from 'vscode-oniguruma';
import textmate from 'vscode-textmate';

export interface ScopedToken {
  readonly start: number;
  readonly end: number;
  readonly scopes: readonly string[];
}

/** The tokens of each line, the state carried from one line to the next. */
export type LineTokenizer = (lines: readonly string[]) => ScopedToken[][];

const FILES: Readonly<Record<string, string>> = {
  'source.onnx-precision': 'onnx-precision.tmLanguage.json',
  'markdown.onnx-precision.codeblock': 'onnx-precision.markdown.tmLanguage.json',
};

export function syntaxesFile(name: string): string {
  return fileURLToPath(new URL(`../../syntaxes/${name}`, import.meta.url));
}

/** Loads the engine and one grammar; throws if the grammar cannot be loaded. */
export async function loadTokenizer(scope: string): Promise<LineTokenizer> {
  const engine = await readFile(createRequire(import.meta.url).resolve('vscode-oniguruma/release/onig.wasm'));
  await oniguruma.loadWASM(engine.buffer.slice(engine.byteOffset, engine.byteOffset + engine.byteLength));
  const registry = new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: async (wanted) => {
      const file = FILES[wanted];
      if (file === undefined) return null;
      const path = syntaxesFile(file);
      return textmate.parseRawGrammar(await readFile(path, 'utf8'), path);
    },
  });
  const grammar = await registry.loadGrammar(scope);
  if (grammar === null) throw new Error(`no grammar ${scope}`);
  return (lines) => {
    let state = textmate.INITIAL;
    return lines.map((line) => {
      const result = grammar.tokenizeLine(line, state);
      state = result.ruleStack;
      return result.tokens.map((token) => ({
        start: token.startIndex,
        end: token.endIndex,
        scopes: token.scopes,
      }));
    });
  };
}
