/** Sessions on providers that have options, whoever opens them. */
import { expect, it } from 'vitest';
import { startRuntime } from './start.js';
import type { Provider, SessionRequest } from './types.js';
import { withProviderOptions } from './with-options.js';

it('adds the options of a provider to the sessions on it, and to no others', async () => {
  const opened: SessionRequest[] = [];
  const runtime = {
    ...startRuntime(),
    open: (request: SessionRequest) => {
      opened.push(request);
      return Promise.resolve({ id: 1, inputs: [], outputs: [] });
    },
  };
  const wrapped = withProviderOptions(
    runtime,
    new Map([['webgpu', { validationMode: 'full', deviceId: 1 }]]),
  );
  const request = (
    provider: Provider,
    providerOptions?: SessionRequest['providerOptions'],
  ): SessionRequest => ({
    ...{ model: { path: 'm.onnx' }, provider, optimization: 'all', threads: 1 },
    ...(providerOptions === undefined ? {} : { providerOptions }),
  });
  await wrapped.open(request('webgpu'));
  await wrapped.open(request('webgpu', { deviceId: 2 }));
  await wrapped.open(request('cpu'));
  expect(opened.map(({ providerOptions }) => providerOptions)).toEqual([
    { validationMode: 'full', deviceId: 1 },
    { validationMode: 'full', deviceId: 2 },
    undefined,
  ]);
  expect(withProviderOptions(runtime, new Map())).toBe(runtime);
});
