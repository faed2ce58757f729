/** Cases for `gradients/rules/einsum`: repeated and summed indices, ellipses, implicit results, what is broadcast. */
import type { GradientCase } from '../gradient-case.js';
import { inOpsets, nodeCase } from './node-case.js';

const SIZES: Readonly<Record<string, string>> = {
  a: '2',
  b: '2',
  c: '3',
  h: '3',
  i: '2',
  j: '3',
  k: '4',
  l: '2',
  I: '2',
  J: '3',
};

const EQUATIONS = [
  'ij,jk->ik',
  'bij,bjk->bik',
  'ij->ji',
  'ii->i',
  'ii',
  'iij->j',
  'ij->i',
  'ij->',
  'i,j->ij',
  'ij,ij->',
  'i,i,i->i',
  'iij,jk->ik',
  'ij , jk',
  'ba',
  'ij,jk,kl->il',
  'bac,hc->bah',
  'ab,cl->ac',
  'IJ,Jk->Ik',
];

function shaped(equation: string): readonly string[] {
  const [left = ''] = equation.replaceAll(' ', '').split('->');
  return left.split(',').map((term) => `float[${Array.from(term, (letter) => SIZES[letter] ?? '1').join()}]`);
}

export const einsumCases: readonly GradientCase[] = [
  ...EQUATIONS.map((equation) =>
    nodeCase({ operator: 'Einsum', inputs: shaped(equation), attributes: { equation } }),
  ),
  ...inOpsets([12, 17], () => [
    {
      operator: 'Einsum',
      inputs: ['float[2,3,2,4]', 'float[2,3,4,2]'],
      attributes: { equation: '...ij,...jk->...ik' },
    },
    { operator: 'Einsum', inputs: ['float[1,2,3]', 'float[4,3,2]'], attributes: { equation: '...ij,...jk' } },
    { operator: 'Einsum', inputs: ['float[2,3,4]'], attributes: { equation: 'i...->...' } },
  ]),
];
