// Random graphs of smooth operators, each tensor read any number of times: the whole backward graph against central differences.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { checkGradients } from './check-gradients.js';

/** Differences of a deep graph are less sharp than those of one operator. */
const BOUND = 1e-5;

/** What a step makes of two earlier tensors of shape [2,3,4]. */
const steps: readonly ((to: string, a: string, b: string) => string)[] = [
  (to, a) => `${to} = Tanh(${a})`,
  (to, a) => `${to} = Sigmoid(${a})`,
  (to, a) => `${to} = Neg(${a})`,
  (to, a) => `t_${to} = Tanh(${a})\n${to} = Exp(t_${to})`,
  (to, a, b) => `${to} = Add(${a}, ${b})`,
  (to, a, b) => `s_${to} = Sub(${a}, ${b})\n${to} = Tanh(s_${to})`,
  (to, a, b) => `m_${to} = Mul(${a}, ${b})\n${to} = Sigmoid(m_${to})`,
  (to, a, b) => `e_${to} = Exp(${b})\nd_${to} = Div(${a}, e_${to})\n${to} = Tanh(d_${to})`,
  (to, a) => `p_${to} = MatMul(${a}, w)\n${to} = Tanh(p_${to})`,
  (to, a) => `${to} = LayerNormalization(${a}, v) {"epsilon": {"float": 0.5}}`,
  (to, a) => `r_${to} = ReduceMean(${a}) {"axes": [1]}\n${to} = Sub(${a}, r_${to})`,
  (to, a) => `g_${to} = Transpose(${a}) {"perm": [2, 0, 1]}\n${to} = Transpose(g_${to}) {"perm": [1, 2, 0]}`,
  (to, a) => `${to} = Mul(${a}, c)`,
  (to, a, b) => `j_${to} = Concat(${a}, ${b}) {"axis": 2}\n${to} = MatMul(j_${to}, u)`,
];

const graph = fc
  .array(fc.tuple(fc.nat(steps.length - 1), fc.nat(99), fc.nat(99)), { minLength: 1, maxLength: 12 })
  .map((drawn) => {
    const lines = [
      'input x: float[2,3,4]',
      'input w: float[4,4]',
      'input v: float[4]',
      'input c: float[3,1]',
    ];
    lines.push('input u: float[8,4]');
    const tensors = ['x'];
    for (const [at, [step, a, b]] of drawn.entries()) {
      // Mostly what was made last, so that graphs grow deep.
      const from = (choice: number): string => tensors[Math.max(0, tensors.length - 1 - (choice % 4))] ?? 'x';
      lines.push(steps[step]?.(`y${at}`, from(a), from(b)) ?? '');
      tensors.push(`y${at}`);
    }
    const last = tensors.at(-1) ?? '';
    const middle = tensors[Math.ceil(tensors.length / 2)] ?? last;
    const outputs = [...new Set([last, middle])].map((name) => `output ${name}: float`);
    return [...lines, ...outputs].join('\n');
  });

it('the gradients of random graphs are their differences', async () => {
  await fc.assert(
    fc.asyncProperty(graph, async (text) => {
      const { worst, precision, input } = await checkGradients({ operator: 'random graph', text });
      expect(precision).toBe('FP64');
      expect(worst, `gradient of ${input}`).toBeLessThan(BOUND);
    }),
    { numRuns: 60 },
  );
});
