/** Long work in slices: others have their turns in between, and its result is the same. */
import { describe, expect, it } from 'vitest';
import type { Steps } from '../../onnx/index.js';
import { inSlices } from './in-slices.js';

describe('work in slices', () => {
  it('leaves the event loop to others between slices of a few milliseconds, and gives its result', async () => {
    const done: string[] = [];
    // Each step takes two milliseconds of a clock that nothing else moves.
    let clock = 0;
    function* work(): Steps<string> {
      for (let step = 0; step < 7; step++) {
        clock += 2;
        done.push('step');
        yield;
      }
      return 'result';
    }
    let isOver = false;
    const between = (): void => {
      done.push('other');
      if (!isOver) setImmediate(between);
    };
    setImmediate(between);
    expect(await inSlices(work(), 'others first', () => clock)).toBe('result');
    isOver = true;
    const slices = done
      .join(' ')
      .split(/(?: ?other)+ ?/u)
      .filter((slice) => slice !== '');
    expect(slices.map((slice) => slice.split(' ').length)).toEqual([3, 3, 1]);
  });

  it('waits while others are busy, though not for ever, unless somebody waits for it', async () => {
    const rounds = async (manners: 'others first' | 'in turn', busy: number): Promise<number> => {
      let clock = 0;
      let taken = 0;
      let isOver = false;
      const others = (): void => {
        taken += 1;
        if (taken <= busy) clock += 1;
        if (!isOver) setImmediate(others);
      };
      function* work(): Steps<void> {
        clock += 10;
        yield;
      }
      setImmediate(others);
      await inSlices(work(), manners, () => clock);
      isOver = true;
      return taken;
    };
    const usual = await rounds('others first', 0);
    expect(await rounds('others first', 30)).toBe(usual + 30);
    expect(await rounds('others first', 1000)).toBeLessThan(usual + 230);
    expect(await rounds('in turn', 1000)).toBeLessThan(usual);
  });

  it('fails as its work does', async () => {
    function* work(): Steps<string> {
      yield;
      throw new Error('a bug');
    }
    await expect(inSlices(work())).rejects.toThrow('a bug');
  });
});
