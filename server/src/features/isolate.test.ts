import { describe, expect, it } from 'vitest';
import { isolated } from './isolate.js';

const noLog = (message: string): void => {
  expect.fail(message);
};

describe('an isolated feature', () => {
  it('answers as its handler does', () => {
    const double = isolated('double', noLog, 0, (value: number) => value * 2);
    expect(double(21)).toBe(42);
  });

  it('logs an error with its name and answers with nothing', () => {
    const log: string[] = [];
    const broken = isolated(
      'hover',
      (message) => log.push(message),
      null,
      (): null => {
        throw new Error('a bug');
      },
    );
    expect(broken()).toBeNull();
    expect(log).toHaveLength(1);
    expect(log[0]).toMatch(/^hover: Error: a bug/);
  });
});
