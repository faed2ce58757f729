/** Files of `trtexec --exportProfile` as TensorRT writes them (its sample `trtexec`, `sampleReporting.cpp`), and the names in them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { namesIn } from './tensorrt-names.js';
import { readProfile } from './read-profile.js';

const FILE = `[
  { "count" : 1021 }
, { "name" : "Reformatting CopyNode for Input Tensor 0 to conv1 + relu1", "timeMs" : 18.2049, "averageMs" : 0.0178305, "medianMs" : 0.017408, "percentage" : 5.66 }
, { "name" : "conv1 + relu1", "timeMs" : 98.3, "averageMs" : 0.0963, "medianMs" : 0.096256, "percentage" : 30.6 }
, { "name" : "{ForeignNode[/ln/ReduceMean.../ln/Add_1]}", "timeMs" : 204.2, "averageMs" : 0.2, "percentage" : 63.7 }
]`;

function times(text: string) {
  const profile = readProfile(text);
  if ('problem' in profile) throw new Error(profile.problem);
  return profile.kernels.map(({ milliseconds }) => milliseconds);
}

describe('a profile of trtexec', () => {
  it('has the median of a run, or else the mean, or else the sum over the runs', () => {
    expect(times(FILE)).toEqual([0.017408, 0.096256, 0.2]);
    expect(times('[{ "count" : 4 }, { "name" : "a", "timeMs" : 2.0, "percentage" : 100 }]')).toEqual([0.5]);
  });

  it('is none where a layer has no time, or there is no layer', () => {
    expect(readProfile('[{ "count" : 4 }, { "name" : "a", "averageMs" : "fast" }]')).toHaveProperty(
      'problem',
    );
    expect(readProfile('[{ "averageMs" : 1 }]')).toHaveProperty('problem');
    expect(readProfile('[{ "count" : 4, "timeMs": 0 }]')).toHaveProperty('problem');
  });
});

describe('the names of a layer of an engine', () => {
  it.each([
    ['conv1', ['conv1']],
    ['conv1 + relu1', ['conv1', 'relu1']],
    [
      '/m.0/conv/Conv + PWN(PWN(/m.0/act/Sigmoid), /m.0/act/Mul)',
      ['/m.0/conv/Conv', '/m.0/act/Sigmoid', '/m.0/act/Mul'],
    ],
    ['PWN(PWN(PWN(a), b), c)', ['a', 'b', 'c']],
    ['a || b', ['a', 'b']],
    ['[ONNX Layer: a]\u001e[ONNX Layer: b]', ['a', 'b']],
    ['/model.2/Mul_output_0 copy', ['/model.2/Mul_output_0']],
    ['a (1)', ['a (1)']],
  ])('%j are %j', (name, names) => {
    expect(namesIn(name)).toEqual({ kind: 'layer', names });
  });

  it('tell a change of layout, and whose it is', () => {
    expect(namesIn('Reformatting CopyNode for Output Tensor 1 to conv1 + relu1')).toEqual({
      ...{ kind: 'reformat', side: 'output', tensor: 1 },
      names: ['conv1', 'relu1'],
    });
  });

  it('tell a part of the graph by its ends', () => {
    expect(namesIn('{ForeignNode[/ln/ReduceMean.../ln/Add_1]}')).toEqual({
      ...{ kind: 'part', first: '/ln/ReduceMean', last: '/ln/Add_1' },
    });
  });

  it('are found again however many are fused', () => {
    const name = fc.stringMatching(/^[/a-z][/a-z0-9_.]{0,12}$/);
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 5 }), (names) => {
        const [first = '', ...others] = names;
        const fused = others.reduce((inner, one) => `PWN(${inner}, ${one})`, first);
        expect(namesIn(fused)).toEqual({ kind: 'layer', names });
        expect(namesIn(names.join(' + '))).toEqual({ kind: 'layer', names });
      }),
    );
  });
});
