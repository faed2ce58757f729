import { describe, expect, it } from 'vitest';
import { kernelsOfTrace } from './profile.js';

const TRACE = `[
{"cat" : "Session","pid" :9235,"tid" :9235,"dur" :5712,"ts" :4,"ph" : "X","name" :"model_loading_uri","args" : {}},
{"cat" : "Node","pid" :9235,"tid" :9235,"dur" :1,"ts" :5,"ph" : "X","name" :"conv_fence_before","args" : {"op_name" : "Conv"}},
{"cat" : "Node","pid" :9235,"tid" :9235,"dur" :214,"ts" :6,"ph" : "X","name" :"conv_kernel_time","args" : {"provider" : "CPUExecutionProvider","op_name" : "Conv","input_type_shape" : [{"float":[1,3,48,192]},{"float":[]}],"output_type_shape" : [{"float16":[1,16,24,96]}]}}
]`;

describe('profile of ONNX Runtime', () => {
  it('gives the kernels with their times and shapes', () => {
    expect(kernelsOfTrace(TRACE)).toEqual([
      {
        name: 'conv',
        opType: 'Conv',
        provider: 'CPUExecutionProvider',
        milliseconds: 0.214,
        inputShapes: [
          { type: 'float', dims: [1, 3, 48, 192] },
          { type: 'float', dims: [] },
        ],
        outputShapes: [{ type: 'float16', dims: [1, 16, 24, 96] }],
      },
    ]);
  });

  it('fails where the text is no trace', () => {
    expect(() => kernelsOfTrace('[{"cat":')).toThrow(expect.objectContaining({ kind: 'failed' }));
    expect(() => kernelsOfTrace('{}')).toThrow(expect.objectContaining({ kind: 'failed' }));
  });
});
