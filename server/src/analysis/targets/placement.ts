/**
 * Where a model really ran: which of its kernels were those of the target and which ran elsewhere because the target
 * has none for them. ONNX Runtime does not tell by itself. Knows profiles; no plan.
 */
import { PROVIDERS, type ProfiledKernel, type Provider } from '../../runtime/index.js';

export interface Elsewhere {
  /** As ONNX Runtime names it. */
  readonly provider: string;
  readonly opType: string;
  /** The element type of its first input that has one, such as `float16`. */
  readonly type: string;
  readonly kernels: number;
}

export interface Placement {
  readonly onTarget: number;
  /** Most kernels first. */
  readonly elsewhere: readonly Elsewhere[];
  /** Casts and copies that neither the model nor the plan asked for are among these: what moves data to another provider. */
  readonly copies: number;
}

/** What ONNX Runtime calls its providers in a profile. */
export const PROVIDER_NAMES: Readonly<Record<Provider, string>> = {
  cpu: 'CPUExecutionProvider',
  webgpu: 'WebGpuExecutionProvider',
  cuda: 'CUDAExecutionProvider',
  tensorrt: 'TensorrtExecutionProvider',
  dml: 'DmlExecutionProvider',
  coreml: 'CoreMLExecutionProvider',
};

/** Moves a tensor between the memories of two providers. */
const COPIES: ReadonlySet<string> = new Set(['MemcpyToHost', 'MemcpyFromHost']);

/** The kernels of one run, by where they ran. */
export function placementOf(kernels: readonly ProfiledKernel[], target: Provider): Placement {
  const found = new Map<string, Elsewhere>();
  let [onTarget, copies] = [0, 0];
  for (const { provider, opType, inputShapes, outputShapes } of kernels) {
    if (COPIES.has(opType)) {
      copies += 1;
    } else if (provider === PROVIDER_NAMES[target]) {
      onTarget += 1;
    } else {
      const type = inputShapes[0]?.type ?? outputShapes[0]?.type ?? '';
      const key = `${provider} ${opType} ${type}`;
      found.set(key, { provider, opType, type, kernels: (found.get(key)?.kernels ?? 0) + 1 });
    }
  }
  const elsewhere = [...found.values()].sort((a, b) => b.kernels - a.kernels);
  return { onTarget, elsewhere, copies };
}

/** The one provider of all kernels; undefined where there is none, or more than one. */
export function providerOfKernels(kernels: readonly ProfiledKernel[]): Provider | undefined {
  const names = new Set(kernels.filter(({ opType }) => !COPIES.has(opType)).map(({ provider }) => provider));
  const [only] = names;
  if (only === undefined || names.size > 1) return undefined;
  return PROVIDERS.find((provider) => PROVIDER_NAMES[provider] === only);
}

/** A sentence for each kind of kernel that did not run on the target; empty where all did. */
export function placementNotes({ onTarget, elsewhere }: Placement, target: Provider): readonly string[] {
  const total = elsewhere.reduce((sum, one) => sum + one.kernels, onTarget);
  return elsewhere.map(({ provider, opType, type, kernels }) => {
    const ran = `${kernels} of ${total} kernels, ${opType}${type === '' ? '' : ` in ${type}`}, ran on ${provider}`;
    // Every target has them: they stand beside what it has no kernel for.
    const isBeside = opType === 'Cast' && elsewhere.some((one) => one.opType !== 'Cast');
    return isBeside ? `${ran}, beside others there.` : `${ran}: ${target} has none for it.`;
  });
}
