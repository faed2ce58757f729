/**
 * The settings of a session that are worth trying on a target: threads, optimisation levels and options of the provider. Runs nothing.
 */
import type { OptimizationLevel, Provider, ProviderOptions, SessionRequest } from '../../runtime/index.js';

export interface SessionSettings {
  readonly provider: Provider;
  readonly options: ProviderOptions;
  /** Intra-op threads. */
  readonly threads: number;
  readonly optimization: OptimizationLevel;
}

/** Highest first. */
export const LEVELS: readonly OptimizationLevel[] = ['all', 'extended', 'basic', 'disabled'];

/** What is worth trying of the options that ONNX Runtime's interface for Node takes; the rest is about devices and checks. */
const TRIED_OPTIONS: Readonly<Partial<Record<Provider, readonly ProviderOptions[]>>> = {
  webgpu: [{ preferredLayout: 'NCHW' }, { preferredLayout: 'NHWC' }],
  coreml: [{ coreMlFlags: 16 }],
};

/** The usual settings first. */
export function candidatesOf(usual: SessionSettings): readonly SessionSettings[] {
  const { provider, options, threads: cores } = usual;
  const threads = provider === 'cpu' ? threadCounts(cores) : [cores];
  const choices = [options, ...(TRIED_OPTIONS[provider] ?? []).map((one) => ({ ...one, ...options }))];
  const all = choices
    .filter((one, at) => choices.findIndex((other) => sameOptions(one, other)) === at)
    .flatMap((own) =>
      threads.flatMap((count) =>
        LEVELS.map((optimization) => ({ provider, options: own, threads: count, optimization })),
      ),
    );
  const others = all.filter(
    (one) => !(sameOptions(one.options, options) && one.threads === cores && one.optimization === 'all'),
  );
  return [usual, ...others];
}

export function sameSettings(one: SessionSettings, other: SessionSettings): boolean {
  return (
    one.threads === other.threads &&
    one.optimization === other.optimization &&
    sameOptions(one.options, other.options)
  );
}

export function sameOptions(one: ProviderOptions, other: ProviderOptions): boolean {
  const text = (options: ProviderOptions): string =>
    JSON.stringify(Object.entries(options).sort(([a], [b]) => (a < b ? -1 : 1)));
  return text(one) === text(other);
}

/** A session as in production. */
export function requestOf(path: string, settings: SessionSettings): SessionRequest {
  const { options: providerOptions, provider, threads, optimization } = settings;
  return { model: { path }, provider, providerOptions, threads, optimization, timing: true };
}

/** 1, 2, 4, ... and all cores. */
export function threadCounts(cores: number): readonly number[] {
  const counts: number[] = [];
  for (let count = 1; count < cores; count *= 2) counts.push(count);
  return [...counts, cores];
}
