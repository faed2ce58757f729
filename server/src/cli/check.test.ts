/** What `check` says of the targets that a plan names: the same as an editor, found by looking at this machine. */
import { describe, expect, it } from 'vitest';
import { commandFolder, PLAN, problems } from './testing/index.js';

const { writePlan, run } = commandFolder();

/** One that the package has on no system but another. */
const ELSEWHERE = process.platform === 'win32' ? 'coreml' : 'dml';

describe('check', () => {
  it('names a target that this machine does not offer, with how to get it, and is no failure for it', async () => {
    writePlan(`${PLAN}target cpu\ntarget ${ELSEWHERE}\n`);
    const { status, error } = await run('check p.precision');
    expect(problems(error).join('\n')).toMatch(
      new RegExp(`p\\.precision:7:8: warning target-unavailable: .* has no ${ELSEWHERE} provider .*package`),
    );
    expect(status).toBe(0);
  });

  it('says nothing of targets where it has nothing to look at', async () => {
    writePlan(`${PLAN}target cpu\n`);
    expect((await run('check p.precision')).error).not.toMatch(/target/);
  });
});
