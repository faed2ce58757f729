import { describe, expect, it } from 'vitest';
import { readTrace, type Trace } from './onnx-runtime-trace.js';

const TRACE = `[
{"cat" : "Session","pid" :9235,"tid" :9235,"dur" :5712,"ts" :4,"ph" : "X","name" :"model_loading_uri","args" : {}},
{"cat" : "Node","pid" :9235,"tid" :9235,"dur" :1,"ts" :5,"ph" : "X","name" :"conv_fence_before","args" : {"op_name" : "Conv"}},
{"cat" : "Node","pid" :9235,"tid" :9235,"dur" :214,"ts" :6,"ph" : "X","name" :"conv_kernel_time","args" : {"provider" : "CPUExecutionProvider","op_name" : "Conv","input_type_shape" : [{"float":[1,3,48,192]},{"float":[]}],"output_type_shape" : [{"float16":[1,16,24,96]}]}}
]`;

function traced(text: string): Trace {
  const trace = readTrace(text);
  if ('problem' in trace) throw new Error(trace.problem);
  return trace;
}

function event(cat: string, name: string, ts: number, dur: number, args: object = {}) {
  return { cat, name, ts, dur, ph: 'X', args };
}

/** Milliseconds by name of the kernel and run. */
function times(events: readonly object[]) {
  return traced(JSON.stringify(events)).kernels.map(({ name, run, milliseconds }) => [
    name,
    run,
    milliseconds,
  ]);
}

const webgpu = { provider: 'WebGpuExecutionProvider', op_name: 'Conv' };
const cuda = { provider: 'CUDAExecutionProvider', op_name: 'Conv' };

describe('a trace of ONNX Runtime', () => {
  it('gives the kernels with their times and shapes', () => {
    expect(traced(TRACE).kernels).toEqual([
      {
        name: 'conv',
        opType: 'Conv',
        provider: 'CPUExecutionProvider',
        milliseconds: 0.214,
        run: -1,
        inputShapes: [
          { type: 'float', dims: [1, 3, 48, 192] },
          { type: 'float', dims: [] },
        ],
        outputShapes: [{ type: 'float16', dims: [1, 16, 24, 96] }],
      },
    ]);
  });

  it('has the time of a WebGPU device where there is one, by run, with all programs of a kernel', () => {
    expect(
      times([
        event('Session', 'model_run', 0, 1000),
        event('Node', 'a&b_kernel_time', 10, 5, webgpu),
        event('Node', 'copy_kernel_time', 20, 900, webgpu),
        event('Node', 'cpu_kernel_time', 30, 7, { provider: 'CPUExecutionProvider' }),
        event('Api', 'a&b&Conv&Im2Col', 40, 100),
        event('Api', 'a&b&Conv&MatMul', 150, 200),
        event('Session', 'model_run', 2000, 1000),
        event('Node', 'a&b_kernel_time', 2010, 5, webgpu),
        event('Api', 'a&b&Conv&MatMul', 2040, 50),
      ]),
    ).toEqual([
      ['a&b', 0, 0.3],
      // Waits for the device: what it waits for is counted already.
      ['copy', 0, 0],
      ['cpu', 0, 0.007],
      ['a&b', 1, 0.05],
    ]);
  });

  it('shares the time of a node that runs many times among its kernels', () => {
    expect(
      times([
        event('Session', 'model_run', 0, 1000),
        event('Node', 'loop_kernel_time', 10, 5, webgpu),
        event('Node', 'loop_kernel_time', 20, 5, webgpu),
        event('Api', 'loop&Conv&MatMul', 30, 100),
        event('Api', 'loop&Conv&MatMul', 150, 200),
      ]).map(([, , milliseconds]) => milliseconds),
    ).toEqual([0.15, 0.15]);
  });

  it('has the time of CUDA kernels, which stand behind their node', () => {
    expect(
      times([
        event('Session', 'model_run', 0, 1000),
        event('Node', 'conv_kernel_time', 10, 5, cuda),
        event('Kernel', 'void cudnn::winograd', 400, 120, {
          op_name: 'Conv',
          parent_name: 'conv_kernel_time',
        }),
        event('Kernel', 'void cudnn::epilogue', 530, 30),
        event('Node', 'relu_kernel_time', 20, 4, cuda),
      ]),
    ).toEqual([
      ['conv', 0, 0.15],
      ['relu', 0, 0],
    ]);
  });

  it('says of work that was handed over that it is no more than that', () => {
    const { kernels } = traced(JSON.stringify([event('Node', 'conv_kernel_time', 10, 5, cuda)]));
    expect(kernels.map(({ isHandedOver }) => isHandedOver)).toEqual([true]);
  });

  it('may have names with quotes and line breaks in them', () => {
    const odd = TRACE.replaceAll('conv_', 'a "b"\nc_');
    expect(traced(odd).kernels.map(({ name }) => name)).toEqual(['a "b"\nc']);
  });

  it('is none where the text is no list of events', () => {
    expect(readTrace('[{"cat":')).toHaveProperty('problem');
    expect(readTrace('{}')).toHaveProperty('problem');
  });
});
