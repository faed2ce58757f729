import { describe, expect, it } from 'vitest';
import { Output, type OutputOptions } from './output.js';

function outputTo(options: Partial<OutputOptions> = {}, isTTY = false) {
  const written = { out: '', error: '' };
  const output = new Output(
    {
      out: { write: (text) => (written.out += text) },
      error: { write: (text) => (written.error += text), isTTY },
    },
    { json: false, quiet: false, ...options },
  );
  return { output, written };
}

/** Some of everything. */
function writeAll(output: Output): void {
  output.progress(0, 2, 'work');
  output.note('a remark');
  output.line('a result');
  output.problem('a problem');
  output.document({ a: 1 });
  output.end();
}

describe('what goes where', () => {
  it('for people: results and nothing else on standard output', () => {
    const { output, written } = outputTo();
    writeAll(output);
    expect(written).toEqual({ out: 'a result\n', error: 'work: 0/2\na remark\na problem\n' });
  });

  it('quiet: no progress and no remarks, but problems', () => {
    const { output, written } = outputTo({ quiet: true });
    writeAll(output);
    expect(written).toEqual({ out: 'a result\n', error: 'a problem\n' });
  });

  it('JSON: one document and nothing else on standard output', () => {
    const { output, written } = outputTo({ json: true });
    writeAll(output);
    expect(written.out).toBe('{\n  "a": 1\n}\n');
    expect(written.error).toContain('work: 0/2');
  });

  it('JSON: a failure after the result takes its place', () => {
    const { output, written } = outputTo({ json: true });
    output.document({ decisions: {} });
    output.document({ error: { code: 'cannot-write' } });
    output.end();
    output.end();
    expect(JSON.parse(written.out)).toEqual({ error: { code: 'cannot-write' } });
  });

  it('JSON: infinities and NaN are strings that say so', () => {
    const { output, written } = outputTo({ json: true });
    output.document({ values: [1, Infinity, -Infinity, NaN] });
    output.end();
    expect(JSON.parse(written.out)).toEqual({ values: [1, 'inf', '-inf', 'nan'] });
  });
});

describe('progress', () => {
  it('without a terminal is a line for the start and each quarter of each phase', () => {
    const { output, written } = outputTo();
    for (const what of ['first', 'second']) {
      for (let done = 0; done <= 100; done++) output.progress(done, 100, what);
    }
    const phase = (what: string): string =>
      [0, 25, 50, 75, 100].map((done) => `${what}: ${done}/100\n`).join('');
    expect(written.error).toBe(phase('first') + phase('second'));
  });

  it('on a terminal is a bar, gone before anything else is written', () => {
    const { output, written } = outputTo({}, true);
    output.progress(1, 2, 'work');
    expect(written.error).toMatch(/^\r\u001b\[K█{12}░{12} {2}50 % {2}work$/);
    output.line('a result');
    expect(written.error.endsWith('\r\u001b[K')).toBe(true);
    const before = written.error;
    output.line('another');
    output.end();
    expect(written.error).toBe(before);
  });

  it('on a terminal does not stay behind at the end', () => {
    const { output, written } = outputTo({ json: true }, true);
    output.progress(2, 2, 'work');
    output.document({});
    output.end();
    expect(written.error.endsWith('\r\u001b[K')).toBe(true);
  });

  it('of nothing is not shown', () => {
    const { output, written } = outputTo();
    output.progress(0, 0, 'work');
    expect(written.error).toBe('');
  });
});
