/** Properties of binding and of edits, over random models and plans. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyEdits, isDecision, parse, quote } from '../language/index.js';
import { bindAny, bindText, edited, makeModel, NETWORK, worldFiles } from './testing/fixture.js';
import { flipLayer } from './edits/flip.js';
import { OptionsOfFormats } from './edits/asked-options.js';
import type { DecidedFormat } from './edits/fold.js';
import { indexNodeNames, writeName } from './model/node-names.js';
import type { LayerDecision, PlanFiles, TracedPlan } from './types.js';
import { foldPlan, writeDecisions } from './edits/write-decisions.js';

const UNARY = ['Relu', 'Sigmoid', 'Tanh', 'Softmax', 'Celu', 'Identity', 'com.x.Op'];
/** Few names, so that nodes share them, are named like outputs, and hold what patterns are made of. */
const NAMES = ['', '', 'a', 'a/b', 'a/b/c', '/a', 'b', 't1', 't2', 'x > y', 'x*', '{a,b}', 'é "q"', 'a/d/c'];

/** A chain of nodes; each also is an output, so that none is left out. */
const models = fc
  .array(fc.record({ operator: fc.constantFrom(...UNARY), name: fc.constantFrom(...NAMES) }), {
    minLength: 1,
    maxLength: 14,
  })
  .map((nodes) =>
    [
      'input x float 4',
      ...nodes.map(({ operator, name }, index) => {
        const input = index === 0 ? 'x' : `t${index - 1}`;
        return `${operator} ${quote(name)} ${input} -> t${index}`;
      }),
      ...nodes.map((_node, index) => `output t${index} float`),
    ].join('\n'),
  );

const FORMATS: readonly DecidedFormat[] = ['fp32', 'fp16', 'original', 'bf16'];
const formats = fc.constantFrom(...FORMATS);
const layerNames = fc.constantFrom(
  'a',
  'a/b',
  'a/b/c',
  '/a',
  'b',
  't0',
  't1',
  't2',
  't3',
  't5',
  'x \\> y',
  'x*',
  '{a,b}',
  'é "q"',
  'nobody',
);
const globs = fc.constantFrom(
  '**',
  '*',
  'a/**',
  '**/b',
  't?',
  'a/*',
  '[ab]*',
  '{t1,t2,a/b}',
  '/**',
  'x\\*',
  'none*',
);
const options = fc.constantFrom(
  '',
  '',
  '',
  ' { pinned: true }',
  ' { reason: "because" }',
  ' { overflow: saturate }',
  ' { rounding: stochastic, weights: int8 }',
);
const comments = fc.constantFrom('', '', '', ' # on the line');

const decisionHeads = fc.oneof(
  fc.constant('default'),
  fc
    .uniqueArray(layerNames, { minLength: 1, maxLength: 3 })
    .map((names) => `layer ${names.map(quote).join(', ')}`),
  fc.array(globs, { minLength: 1, maxLength: 2 }).map((list) => `layers ${list.map(quote).join(', ')}`),
  fc
    .array(fc.constantFrom(...UNARY, 'LSTM'), { minLength: 1, maxLength: 2 })
    .map((types) => `op ${types.join(', ')}`),
  fc.tuple(layerNames, layerNames).map(([from, to]) => `between ${quote(from)} and ${quote(to)}`),
);
const decisions = fc
  .tuple(decisionHeads, formats, options, comments)
  .map(([head, format, option, comment]) => `${head}: ${format}${option}${comment}`);
const lines = fc.oneof(
  { weight: 8, arbitrary: decisions },
  {
    weight: 1,
    arbitrary: fc.constantFrom('', '# a comment', 'include "f.precision"', 'layer "a" {', 'target cpu'),
  },
);
const bodies = fc.array(lines, { maxLength: 14 }).map((list) => list.map((line) => `${line}\n`).join(''));

const worlds = fc.record({ model: models, fragment: bodies.map(withoutIncludes), body: bodies });

function withoutIncludes(text: string): string {
  return text.replaceAll('include "f.precision"\n', '');
}

interface World {
  readonly files: PlanFiles;
  readonly text: string;
}

function open({ model, fragment, body }: { model: string; fragment: string; body: string }): World {
  return {
    files: worldFiles({ model: makeModel(model), files: { 'f.precision': fragment } }),
    text: `model "m.onnx"\n${body}`,
  };
}

/** What of a decision a reader of the plan sees. */
function outcome({ wanted, pinned, overflow }: LayerDecision): string {
  return `${wanted} ${pinned} ${overflow}`;
}

function outcomes(plan: TracedPlan): readonly string[] {
  return plan.decisions.map(outcome);
}

/** A node without a name may write a tensor that another node is named after: then no name means it. */
function isAddressed(plan: TracedPlan, index: number): boolean {
  const layer = plan.layers[index];
  const found = layer && indexNodeNames(plan.model).find(layer.name);
  return found?.kind === 'node' && found.node === layer?.nodeIndex;
}

/** "The later statement wins", written down as simply as it can be, from the matches of each statement. */
function naive(plan: TracedPlan): readonly string[] {
  return plan.layers.map((_layer, index) => {
    let winner: TracedPlan['statements'][number] | undefined;
    for (const bound of plan.statements) {
      if (bound.statement.kind === 'default') {
        winner = bound;
      }
    }
    for (const bound of plan.statements) {
      if (bound.statement.kind !== 'default' && bound.matches.includes(index)) {
        winner = bound;
      }
    }
    return `${winner?.wanted ?? 'original'} ${winner?.pinned ?? false}`;
  });
}

describe('binding', () => {
  it('lets the later statement win', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const { files, text } = open(world);
        const { plan } = bindText(text, files);
        expect(plan.decisions.map(({ wanted, pinned }) => `${wanted} ${pinned}`)).toEqual(naive(plan));
        plan.statements.forEach((bound) => {
          for (const layer of bound.decides) {
            expect(plan.decisions[layer]?.source?.range).toEqual(bound.statement.range);
          }
        });
      }),
      { numRuns: 300 },
    );
  });

  it('calls needless only what changes nothing when it goes, alone or all together', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const { files, text } = open(world);
        const before = bindText(text, files);
        const needless = before.plan.diagnostics.filter((one) => one.unnecessary === true);
        const removals = needless.map((one) => one.fixes?.[0]?.edits ?? []);
        for (const edits of [...removals, removals.flat()]) {
          expect(outcomes(edited(before, edits, files).plan)).toEqual(outcomes(before.plan));
        }
        for (const bound of before.plan.statements) {
          if (!bound.include && bound.matches.length > 0 && bound.decides.length === 0) {
            expect(needless.map((one) => one.range)).toContainEqual(bound.statement.range);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it('never throws, whatever the text', () => {
    const files = worldFiles({ files: { 'f.precision': 'layer "stem/conv": fp16\n' } });
    const words = fc.constantFrom(
      ...[
        'model',
        '"m.onnx"',
        'include',
        '"f.precision"',
        'input',
        '"x"',
        'from',
        '=',
        'uniform',
        '(',
        '0',
        ')',
        'dim',
        'batch',
      ],
      ...[
        '[',
        ']',
        'target',
        'cpu',
        'tolerance',
        'nme',
        '<=',
        '1e-3',
        '{',
        '}',
        'points',
        ':',
        '0..32',
        ',',
        'layer',
        'layers',
      ],
      ...[
        '"stem/conv"',
        '"**"',
        'matching',
        '"(a|b)*"',
        'op',
        'Conv',
        'between',
        'and',
        'fp16',
        'int8',
        '\n',
        '#',
        '"',
        '\\',
        'inf',
      ],
    );
    const soup = fc.array(words, { maxLength: 60 }).map((list) => list.join(' '));
    fc.assert(
      fc.property(fc.oneof(soup, soup, fc.string({ unit: 'binary' })), (text) => {
        bindAny(text, files);
        bindAny(`model "m.onnx"\n${text}`, files);
      }),
      { numRuns: 400 },
    );
  });
});

describe('a flip of a layer', () => {
  it('gives that layer the format and changes nothing else', () => {
    fc.assert(
      fc.property(worlds, fc.nat(), formats, (world, choice, format) => {
        const { files, text } = open(world);
        const before = bindText(text, files);
        const index = choice % Math.max(before.plan.layers.length, 1);
        fc.pre(isAddressed(before.plan, index));
        const name = before.plan.layers[index]?.name ?? '';
        const after = edited(before, flipLayer(before.plan, before.tree, name, format), files);
        after.plan.decisions.forEach((decision, other) => {
          const was = before.plan.decisions[other];
          if (other === index) {
            expect(decision.wanted).toBe(format);
          } else {
            expect(was && outcome(decision)).toBe(was && outcome(was));
          }
        });
      }),
      { numRuns: 500 },
    );
  });
});

describe('writing decisions', () => {
  const targets = fc.array(formats, { minLength: 20, maxLength: 20 });

  it('decides exactly as asked, but for what is pinned; keeps comments and all other statements; is done after once', () => {
    fc.assert(
      fc.property(worlds, targets, (world, wishes) => {
        const { files, text } = open(world);
        const before = bindText(text, files);
        fc.pre(before.plan.layers.every((_layer, index) => isAddressed(before.plan, index)));
        const wanted = new Map(
          before.plan.layers.map((layer, index) => [layer.name, wishes[index % 20] ?? 'fp16']),
        );
        const after = edited(before, writeDecisions(before.tree, before.plan, wanted), files);
        const [asked, written] = [before.plan, after.plan].map((plan) => new OptionsOfFormats(plan));
        after.plan.decisions.forEach((decision, index) => {
          const was = before.plan.decisions[index];
          const expected = was?.pinned === true ? was.wanted : wanted.get(decision.layer.name);
          expect(written?.of(index, expected ?? 'original').options).toEqual(
            asked?.of(index, expected ?? 'original').options,
          );
          expect([decision.layer.name, decision.wanted, decision.pinned]).toEqual([
            decision.layer.name,
            expected,
            was?.pinned,
          ]);
        });
        expect(commentsOf(after.text)).toEqual(commentsOf(before.text));
        expect(othersOf(after.text)).toEqual(othersOf(before.text));
        const again = applyEdits(after.text, writeDecisions(after.tree, after.plan, wanted));
        expect(again).toBe(after.text);
      }),
      { numRuns: 500 },
    );
  });

  it('folds to the same decisions in no more statements', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const { files, text } = open({
          ...world,
          fragment: '',
          body: world.body.replaceAll(/ \{.*\}|#.*/g, ''),
        });
        const before = bindText(text, files);
        fc.pre(before.plan.layers.every((_layer, index) => isAddressed(before.plan, index)));
        const after = edited(before, foldPlan(before.tree, before.plan), files);
        expect(outcomes(after.plan)).toEqual(outcomes(before.plan));
        expect(foldPlan(after.tree, after.plan)).toEqual([]);
        const kinds = new Set(before.plan.statements.map((bound) => bound.statement.kind));
        if (!kinds.has('layers') && !kinds.has('between')) {
          const count = (plan: TracedPlan): number =>
            plan.statements
              .filter((bound) => bound.matches.length > 0)
              .reduce((sum, bound) => sum + partsOf(bound.statement), 0);
          expect(count(after.plan)).toBeLessThanOrEqual(count(before.plan));
        }
      }),
      { numRuns: 300 },
    );
  });

  function partsOf(statement: TracedPlan['statements'][number]['statement']): number {
    return statement.kind === 'op'
      ? statement.types.length
      : statement.kind === 'layer'
        ? statement.names.length
        : 1;
  }

  function commentsOf(text: string): readonly string[] {
    return parse(text)
      .tokens.filter((token) => token.kind === 'comment')
      .map((token) => text.slice(token.start, token.end).trim())
      .sort();
  }

  function othersOf(text: string): readonly string[] {
    return parse(text)
      .statements.filter((statement) => !isDecision(statement))
      .map((statement) => text.slice(statement.range.start, statement.range.end));
  }
});

describe('names in plans', () => {
  it('mean the node that they were written for', () => {
    const parts = fc.constantFrom(' > ', '\\', ' ', '>', '/', 'a', ' \\> ', '"');
    const names = fc.array(parts, { minLength: 1, maxLength: 8 }).map((list) => list.join(''));
    fc.assert(
      fc.property(names, names, (one, other) => {
        fc.pre(one !== other);
        const model = makeModel(
          `input x float 4\nRelu ${quote(one)} x -> y\nRelu ${quote(other)} y -> z\noutput z float`,
        );
        const text = `model "m.onnx"\nlayer ${quote(writeName(other))}: fp16\n`;
        const { plan } = bindText(text, worldFiles({ model }));
        expect(plan.decisions.map((decision) => decision.wanted)).toEqual(['original', 'fp16']);
      }),
    );
  });
});

describe('the test network', () => {
  it('has layers of every kind that the fixtures speak of', () => {
    expect(bindText('model "m.onnx"\n', worldFiles({ model: NETWORK })).plan.layers).toHaveLength(9);
  });
});
