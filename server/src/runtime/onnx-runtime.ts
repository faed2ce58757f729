/** Loads ONNX Runtime inside the compute process and says what it is. Knows nothing of tensors and sessions. */
import { availableParallelism, cpus } from 'node:os';
import type * as OnnxRuntime from 'onnxruntime-node';
import { graphicsDevices } from './graphics-devices.js';
import { RuntimeFailure, type RuntimeInformation } from './types.js';

export type Library = typeof OnnxRuntime;

/**
 * Loads the native library.
 * @throws {RuntimeFailure} `unavailable` with the platform, where there is no binary that fits
 */
export async function loadLibrary(): Promise<Library> {
  // From 1.29 on ONNX Runtime reports models to Microsoft by default, by name and hash; it asks this variable first.
  process.env['ORT_DISABLE_TELEMETRY'] = '1';
  // Its native part takes a Float16Array, which Node 24 has, for an empty array (microsoft/onnxruntime#32323);
  // where there is no such class it uses Uint16Array.
  Reflect.deleteProperty(globalThis, 'Float16Array');
  try {
    const library = await import('onnxruntime-node');
    // Its warnings are about the models of others and would fill the log; errors come back as exceptions.
    library.env.logLevel = 'fatal';
    return library;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RuntimeFailure(
      'unavailable',
      `ONNX Runtime does not load on ${process.platform}-${process.arch}, Node ${process.versions.node} ` +
        `(modules ${process.versions.modules}): ${reason}`,
    );
  }
}

/** What this process computes with. */
export function describe(library: Library): RuntimeInformation {
  return {
    onnxRuntime: library.env.versions.node ?? library.env.versions.common,
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
    device: cpus()[0]?.model.trim() ?? 'unknown processor',
    cores: availableParallelism(),
    graphics: graphicsDevices(),
    providers: providersOf(library, true),
    unbundled: providersOf(library, false),
  };
}

function providersOf(library: Library, isBundled: boolean): readonly string[] {
  return library
    .listSupportedBackends()
    .flatMap(({ name, bundled }) => (bundled === isBundled ? [name] : []));
}
