/** The formatter: what it changes, what it leaves, and that it never changes what a plan says. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyTexts, validPlans } from './testing/arbitrary-plan.js';
import { formatText } from './format-text.js';
import { parse } from './parse.js';
import { meaningOf } from './testing/tree-meaning.js';

function checkFormat(before: string, after: string): void {
  expect(formatText(before)).toBe(after);
  expect(formatText(after)).toBe(after);
}

describe('formatText', () => {
  it('puts one space between words and none before colons and commas', () => {
    checkFormat(
      'input   "x"  from\t"*.npy"{axis:0}\nop Conv ,Gemm:fp16 {reason : "a  b",pinned:true}\n',
      'input "x" from "*.npy" { axis: 0 }\nop Conv, Gemm: fp16 { reason: "a  b", pinned: true }\n',
    );
  });

  it('closes up calls, lists and indices', () => {
    checkFormat(
      'dim  "x" [ 0 ]=3\ntolerance pck ( 0.05 )>=0.9\ninput "x" = uniform( 0 ,1 )\ninput "p" from "*.png" {mean:[ 1,2 ]}\n',
      'dim "x"[0] = 3\ntolerance pck(0.05) >= 0.9\ninput "x" = uniform(0, 1)\ninput "p" from "*.png" { mean: [1, 2] }\n',
    );
  });

  it('keeps groups, with one blank line between them, and ends with a line break', () => {
    checkFormat('\n\n# head\n\n\n\nmodel "m"   \n  default: fp16', '# head\n\nmodel "m"\ndefault: fp16\n');
    checkFormat('model "m"\n\n\n', 'model "m"\n');
  });

  it('keeps comments where they are, one space after the statement', () => {
    checkFormat('  # alone  \nmodel "m"# why\n', '# alone\nmodel "m" # why\n');
  });

  it('indents what goes on from the line above', () => {
    checkFormat(
      'layer "a",# first\n"b"  ,\n      "c": fp16 {\nreason: "x",\n# note\npinned: true,\n}\ninput "i" from "*.png" {\nmean: [1,\n2]\n}\n',
      'layer "a", # first\n  "b",\n  "c": fp16 {\n  reason: "x",\n  # note\n  pinned: true,\n}\ninput "i" from "*.png" {\n  mean: [1,\n    2]\n}\n',
    );
  });

  it('leaves a line with a syntax error exactly as it is', () => {
    checkFormat(
      'model   "m"\n  layer   "a  fp16   # x  \nlayr  "b" :fp16\ndefault :fp16\n',
      'model "m"\n  layer   "a  fp16   # x  \nlayr  "b" :fp16\ndefault: fp16\n',
    );
  });

  it('formats a line whose names are unknown: only its grammar matters', () => {
    checkFormat('default :fp61\n', 'default: fp61\n');
  });

  it('keeps the line breaks of the file', () => {
    checkFormat('model  "m"\r\n\r\n\r\ndefault: fp16', 'model "m"\r\n\r\ndefault: fp16\r\n');
  });

  it('leaves nothing of a file that is blank', () => {
    checkFormat('', '');
    checkFormat(' \n\n', '');
  });
});

describe('formatText, for any text', () => {
  it('is idempotent', () => {
    fc.assert(
      fc.property(anyTexts, (text) => {
        const once = formatText(text);
        expect(formatText(once)).toBe(once);
      }),
      { numRuns: 1000 },
    );
  });

  it('keeps what the text says and what is wrong with it', () => {
    fc.assert(
      fc.property(anyTexts, (text) => {
        const before = parse(text);
        const after = parse(formatText(text));
        expect(meaningOf(after)).toEqual(meaningOf(before));
        expect(after.diagnostics.map((diagnostic) => diagnostic.code)).toEqual(
          before.diagnostics.map((diagnostic) => diagnostic.code),
        );
      }),
      { numRuns: 1000 },
    );
  });

  it('keeps every word, comment and sign', () => {
    fc.assert(
      fc.property(anyTexts, (text) => {
        const words = (plan: string): string[] =>
          parse(plan)
            .tokens.filter((token) => token.kind !== 'space' && token.kind !== 'newline')
            .map((token) => plan.slice(token.start, token.end));
        expect(words(formatText(text))).toEqual(words(text));
      }),
      { numRuns: 500 },
    );
  });
});

describe('formatText, for a valid plan', () => {
  it('leaves no blank at the end of a line, and no two blank lines in a row', () => {
    fc.assert(
      fc.property(validPlans, (text) => {
        expect(formatText(text)).not.toMatch(/[ \t](?:\r?\n|$)|(?:\r?\n){3}/u);
      }),
      { numRuns: 500 },
    );
  });
});
