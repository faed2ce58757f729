/** What experiments are kept under. */
import { expect, it } from 'vitest';
import { targetRecipe } from './target-recipe.js';

const MACHINE = {
  ...{ onnxRuntime: '1.30.0', node: '20', platform: 'linux-x64', device: 'A Processor', cores: 2 },
  ...{ graphics: 'libdriver.so (8 bytes, 2026-01-02)', providers: [], unbundled: [] },
};
const UPGRADED = { ...MACHINE, graphics: 'libdriver.so (9 bytes, 2026-01-03)' };

it('changes with the driver of the device that is tried, and not with that of another', () => {
  expect(targetRecipe(MACHINE, 'webgpu')).not.toEqual(targetRecipe(UPGRADED, 'webgpu'));
  expect(targetRecipe(MACHINE, 'cpu')).toEqual(targetRecipe(UPGRADED, 'cpu'));
  expect(targetRecipe(MACHINE, 'webgpu')).toEqual(
    targetRecipe({ ...MACHINE, node: '24', cores: 4 }, 'webgpu'),
  );
});
