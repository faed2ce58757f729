/** Cases for `gradients/rules/resize`: every mode, every mapping of coordinates, scales and sizes, all ranks that the runtime knows. */
import type { GradientCase } from '../gradient-case.js';
import { inOpsets, integers, type CaseAttributes, type NodeCase } from './node-case.js';

const floats = (values: readonly number[]): string => `float[${values.length}] = ${values.join(' ') || '0'}`;

/** Resized by scales, wherever the opset has them. */
function scaled(
  opset: number,
  shape: readonly number[],
  scales: readonly number[],
  attributes: CaseAttributes,
): NodeCase {
  const input = `float[${shape.join()}]`;
  if (opset < 9) {
    return {
      operator: 'Upsample',
      inputs: [input],
      attributes: { ...attributes, scales: { float: scales } },
    };
  }
  if (opset < 11) {
    return { operator: opset === 9 ? 'Upsample' : 'Resize', inputs: [input, floats(scales)], attributes };
  }
  return { operator: 'Resize', inputs: [input, opset < 13 ? floats([]) : '', floats(scales)], attributes };
}

function sized(
  opset: number,
  shape: readonly number[],
  sizes: readonly number[],
  attributes: CaseAttributes,
  region?: readonly number[],
): NodeCase {
  const none = opset < 13 ? floats([]) : '';
  const roi = region === undefined ? none : floats(region);
  return { operator: 'Resize', inputs: [`float[${shape.join()}]`, roi, none, integers(sizes)], attributes };
}

const shapes = (opset: number, mode: string): readonly NodeCase[] => [
  scaled(opset, [2, 3, 4, 5], [1, 1, 2, 3], { mode }),
  scaled(opset, [1, 2, 4, 5], [1, 1, 1.7, 2.3], { mode }),
  scaled(opset, [1, 2, 4, 5], [1, 1, 1, 2], { mode }),
  ...(opset < 10 ? [] : [scaled(opset, [1, 2, 6, 7], [1, 1, 0.6, 0.5], { mode })]),
  ...(mode === 'cubic' ? [] : [scaled(opset, [4, 5], [2, 1.5], { mode })]),
  // An axis that keeps its length is interpolated where another does not.
  ...(mode === 'nearest' || opset >= 11 ? [scaled(opset, [4, 5, 3], [2, 1.5, 1.2], { mode })] : []).filter(
    () => mode !== 'cubic',
  ),
  ...(mode === 'linear' && opset >= 11
    ? [
        scaled(opset, [4, 5, 3], [1, 1.5, 1.2], { mode }),
        scaled(opset, [1, 2, 4, 5, 3], [1, 1, 2, 1.5, 1.2], { mode }),
        scaled(opset, [1, 4, 5, 3], [1, 2, 1.5, 1], { mode }),
      ]
    : []),
];

function mappings(opset: number, mode: string): readonly NodeCase[] {
  const names = [
    'half_pixel',
    'pytorch_half_pixel',
    'align_corners',
    'asymmetric',
    ...(opset < 13 ? ['tf_half_pixel_for_nn'] : []),
    ...(opset < 19 ? [] : ['half_pixel_symmetric']),
  ];
  return names.flatMap((name) => {
    const attributes = { mode, coordinate_transformation_mode: name };
    return [
      scaled(opset, [1, 2, 4, 5], [1, 1, 1.7, 0.7], attributes),
      sized(opset, [1, 2, 4, 5], [1, 2, 7, 3], attributes),
      ...(mode === 'nearest'
        ? ['floor', 'ceil', 'round_prefer_ceil', 'round_prefer_floor'].map((nearest_mode) =>
            sized(opset, [1, 2, 4, 5], [1, 2, 8, 10], { ...attributes, nearest_mode }),
          )
        : []),
    ];
  });
}

const cropped = (opset: number, mode: string): NodeCase =>
  sized(
    opset,
    [1, 2, 4, 5],
    [1, 2, 7, 6],
    { mode, coordinate_transformation_mode: 'tf_crop_and_resize', extrapolation_value: { float: 3 } },
    [0, 0, 0.2, -0.1, 1, 1, 0.7, 1.3],
  );

const named = (mode: string): readonly NodeCase[] => [
  {
    operator: 'Resize',
    inputs: ['float[1,2,4,5]', '', floats([1.5, 2])],
    attributes: { mode, axes: [3, 2] },
  },
  {
    operator: 'Resize',
    inputs: ['float[1,2,4,5]', '', '', integers([7, 6])],
    attributes: { mode, axes: [2, 3] },
  },
  ...(mode === 'nearest'
    ? []
    : [0, 1].map((exclude_outside) => ({
        operator: 'Resize',
        inputs: ['float[1,2,8,7]', '', floats([1, 1, 0.4, 0.5])],
        attributes: { mode, antialias: 1, exclude_outside },
      }))),
];

export const resizeCases: readonly GradientCase[] = [
  ...inOpsets([7, 9, 10], (opset) => ['nearest', 'linear'].flatMap((mode) => shapes(opset, mode))),
  ...inOpsets([11, 13, 19], (opset) =>
    ['nearest', 'linear', 'cubic'].flatMap((mode) => [
      ...shapes(opset, mode),
      ...mappings(opset, mode),
      cropped(opset, mode),
    ]),
  ),
  ...inOpsets([13, 18], (opset) => [
    scaled(opset, [1, 2, 4, 5], [1, 1, 1.7, 0.7], {
      mode: 'cubic',
      exclude_outside: 1,
      cubic_coeff_a: { float: -0.5 },
    }),
  ]),
  ...inOpsets([18, 22], () => ['nearest', 'linear', 'cubic'].flatMap(named)),
];
