import { describe, expect, it } from 'vitest';
import { cleanedMessage } from './native-errors.js';

function checkCleaned(native: string, readable: string): void {
  expect(cleanedMessage(new Error(native))).toBe(readable);
}

describe('messages of ONNX Runtime', () => {
  it('lose the place in its source and the signature', () => {
    checkCleaned(
      '/onnxruntime_src/onnxruntime/core/graph/model.cc:180 onnxruntime::Model::Model(onnx::ModelProto&&, ' +
        'const PathString&, const onnxruntime::logging::Logger&) Unsupported model IR version: 99, max supported IR ' +
        'version: 13\n',
      'Unsupported model IR version: 99, max supported IR version: 13',
    );
  });

  it('keep the node that failed, and lose the condition', () => {
    checkCleaned(
      "Non-zero status code returned while running Reshape node. Name:'r' Status Message: " +
        '/onnxruntime_src/onnxruntime/core/providers/cpu/tensor/reshape_helper.h:47 ' +
        'onnxruntime::ReshapeHelper::ReshapeHelper(const onnxruntime::TensorShape&, onnxruntime::TensorShapeVector&, ' +
        'bool) input_shape_size == size was false. The input tensor cannot be reshaped to the requested shape. ' +
        'Input shape:{2,3}, requested shape:{4}\n',
      "Non-zero status code returned while running Reshape node. Name:'r' Status Message: The input tensor cannot be " +
        'reshaped to the requested shape. Input shape:{2,3}, requested shape:{4}',
    );
  });

  it('lose lambdas, qualifiers and template arguments', () => {
    checkCleaned(
      '/onnxruntime_src/onnxruntime/core/providers/webgpu/webgpu_context.cc:136 ' +
        'onnxruntime::webgpu::WebGpuContext::Initialize(const onnxruntime::webgpu::WebGpuContextConfig&)::<lambda()> ' +
        'adapter_result.status == wgpu::RequestAdapterStatus::Success was false. Failed to get a WebGPU adapter: No ' +
        'supported adapters\n',
      'Failed to get a WebGPU adapter: No supported adapters',
    );
    checkCleaned(
      '/onnxruntime_src/onnxruntime/core/providers/op_kernel.h:12 void onnxruntime::A::operator()(int) const ' +
        '[with T = std::vector<int>] It is so (truly).',
      'It is so (truly).',
    );
  });

  it('lose the name of a function that Microsoft’s compiler gives', () => {
    checkCleaned(
      'D:\\a\\_work\\1\\s\\onnxruntime\\core\\graph\\model.cc:180 onnxruntime::Model::Model Unsupported IR version',
      'Unsupported IR version',
    );
  });

  it('stay as they are without such a place', () => {
    checkCleaned(
      'Got invalid dimensions for input: x\n index: 1 Got: 4',
      'Got invalid dimensions for input: x index: 1 Got: 4',
    );
    expect(cleanedMessage('a string')).toBe('a string');
  });
});
