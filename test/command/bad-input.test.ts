/** Bad input of every kind: one clear message at the right place, a status that says so, nothing lost. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkDocument, newFolder, POSE_PLAN, poseFolder, run } from './command.js';

/** A plan whose model file is what `spoil` makes of it. */
function spoiledModel(spoil: (path: string) => void): string {
  const plan = poseFolder(POSE_PLAN, ['walker_a']);
  spoil(join(dirname(plan), 'pose_landmark_lite.onnx'));
  return plan;
}

/** Runs `check` and `verify` on a plan: both must say `message` at the same place, once, and end with a status. */
async function checkModelMessage(plan: string, code: string, message: RegExp): Promise<void> {
  const checked = await run(['check', plan]);
  expect(checked.status).toBe(1);
  const lines = checked.error.split('\n').filter((line) => line.includes(` ${code}: `));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/pose\.precision:1:7: error /);
  expect(lines[0]).toMatch(message);
  const verified = await run(['verify', plan]);
  expect(verified.status).toBe(2);
  expect(verified.error).toContain(lines[0] ?? '?');
  expect(verified.error).not.toMatch(/\n\s+at /);
}

describe('a model', () => {
  it('that is missing', async () => {
    const plan = poseFolder(POSE_PLAN.replace('pose_landmark_lite', 'other'));
    await checkModelMessage(plan, 'model-not-found', /other\.onnx/);
  });

  it('that is empty', async () => {
    await checkModelMessage(
      spoiledModel((path) => {
        writeFileSync(path, '');
      }),
      'model-unreadable',
      /empty/,
    );
  });

  it('that is text', async () => {
    await checkModelMessage(
      spoiledModel((path) => {
        writeFileSync(path, '<!doctype html>\n<title>404 Not Found</title>\n'.repeat(50));
      }),
      'model-unreadable',
      /web page/,
    );
  });

  it('that is cut off', async () => {
    await checkModelMessage(
      spoiledModel((path) => {
        truncateSync(path, 3_000_000);
      }),
      'model-unreadable',
      /byte/,
    );
  });

  it('that is a folder', async () => {
    const plan = poseFolder(POSE_PLAN.replace('pose_landmark_lite.onnx', 'inputs'), ['walker_a']);
    await checkModelMessage(plan, 'model-unreadable', /not a file/);
  });
});

describe('samples', () => {
  /** Puts `header` and `bytes` in the place of a sample and expects `message` at the input statement. */
  async function checkSample(bytes: Uint8Array, code: string, message: RegExp): Promise<void> {
    const plan = poseFolder(POSE_PLAN, ['walker_a']);
    writeFileSync(join(dirname(plan), 'inputs/zz.npy'), bytes);
    const outcome = await run(['verify', plan]);
    expect(outcome.status).toBe(2);
    const lines = outcome.error.split('\n').filter((line) => line.includes(` ${code}: `));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/pose\.precision:2:\d+: error /);
    expect(lines[0]).toMatch(message);
  }

  function npy(shape: string, values: Float32Array): Uint8Array {
    const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape}), }`;
    const header = text.padEnd(64 * Math.ceil((text.length + 11) / 64) - 11) + '\n';
    const head = Buffer.from(
      `\u0093NUMPY\u0001\u0000${String.fromCharCode(header.length & 255, header.length >> 8)}${header}`,
      'latin1',
    );
    return Buffer.concat([head, Buffer.from(values.buffer)]);
  }

  it('of the wrong shape', () =>
    checkSample(npy('1, 8, 8, 3', new Float32Array(192)), 'input-shape', /zz\.npy.*\[1, ?8, ?8, ?3\]/));

  it('with NaN', async () => {
    const values = new Float32Array(256 * 256 * 3);
    values[12345] = Number.NaN;
    await checkSample(npy('1, 256, 256, 3', values), 'sample-nonfinite', /zz\.npy.*12345/);
  });

  it('that are cut off', () =>
    checkSample(npy('1, 256, 256, 3', new Float32Array(100)), 'input-missing', /zz\.npy/));

  it('that are no arrays', () => checkSample(Buffer.from('hello'), 'input-missing', /zz\.npy/));

  it('of which there are too many to make', async () => {
    const text = POSE_PLAN.replace('from "inputs/*.npy"', '= zeros { count: 100000000000 }');
    const outcome = await run(['check', poseFolder(text, ['walker_a'])]);
    expect(outcome.status).toBe(1);
    expect(outcome.error).toMatch(/pose\.precision:2:\d+: error samples-differ: .*lower `count`/);
  });

  it('are looked at by check, too', async () => {
    const outcome = await run(['check', poseFolder(POSE_PLAN.replace('*.npy', 'none-*.npy'), ['walker_a'])]);
    expect(outcome.status).toBe(1);
    expect(outcome.error).toMatch(/pose\.precision:2:\d+: error input-missing: .*none-/);
  });

  it('that do not exist', async () => {
    const outcome = await run(['verify', poseFolder(POSE_PLAN.replace('*.npy', 'none-*.npy'), ['walker_a'])]);
    expect(outcome.status).toBe(2);
    expect(outcome.error).toMatch(/pose\.precision:2:\d+: error input-missing: .*none-/);
  });
});

describe('a plan', () => {
  /** 10 MB of bytes that look random, each made by `byte` from a number below 256. */
  function garbage(byte: (random: number) => number): string {
    const plan = join(newFolder(), 'garbage.precision');
    const bytes = Buffer.alloc(10_000_000);
    let state = 1;
    for (let index = 0; index < bytes.length; index++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      bytes[index] = byte(state >>> 24);
    }
    writeFileSync(plan, bytes);
    return plan;
  }

  it('of 10 MB of garbage gives one message with the byte at which it stops being text', async () => {
    const outcome = await run(['check', garbage((random) => random)]);
    expect(outcome.status).toBe(2);
    expect(outcome.error).toMatch(/^\S*garbage\.precision: error plan-unreadable: .*byte \d+.*\n$/);
  });

  it('of 10 MB of garbage that is text gives a bounded number of diagnostics', async () => {
    const outcome = await run(['check', garbage((random) => 32 + (random % 95))]);
    expect(outcome.status).toBe(1);
    expect(outcome.error).toMatch(/garbage\.precision:1:1: error /);
    expect(outcome.error.split('\n').length).toBeLessThan(300);
    expect(outcome.error).not.toMatch(/\n\s+at /);
  });

  it('that is no UTF-8 is never written back', async () => {
    const plan = join(newFolder(), 'latin.precision');
    const bytes = Buffer.from('# caf\u00e9\nmodel "m.onnx"\ndefault:   fp16\n', 'latin1');
    writeFileSync(plan, bytes);
    const outcome = await run(['format', plan]);
    expect(outcome.status).toBe(2);
    expect(outcome.error).toMatch(/error plan-unreadable: .*byte 5 /);
    expect(readFileSync(plan).equals(bytes)).toBe(true);
  });

  it('that is missing', async () => {
    const outcome = await run(['check', join(newFolder(), 'none.precision')]);
    expect(outcome.status).toBe(2);
    expect(outcome.error).toMatch(/none\.precision: error plan-unreadable: no such file/);
  });

  it('with an error is not exported', async () => {
    const plan = poseFolder(`${POSE_PLAN}layer "conv2d_5/Cnov": fp32\n`, ['walker_a']);
    const output = join(dirname(plan), 'out.onnx');
    const outcome = await run(['convert', plan, '-o', output]);
    expect(outcome.status).toBe(1);
    expect(outcome.error).toMatch(/pose\.precision:9:7: error unknown-layer: /);
    expect(readdirSync(dirname(plan))).not.toContain('out.onnx');
  });
});

describe('a plan with an error', () => {
  it('does not hold, whatever its other tolerances say', async () => {
    const plan = poseFolder(
      POSE_PLAN.replace('relative_l2 <= 1e-3', 'relative_l2 <= 1').replace('"ld_3d" nme', '"ld_3dd" nme'),
      ['walker_a'],
    );
    const outcome = await run(['verify', plan, '--draws', '1', '--json']);
    expect(outcome.status).toBe(1);
    expect(outcome.error).toMatch(/pose\.precision:6:11: error unknown-output: /);
    expect(checkDocument(outcome, 'verify')).toMatchObject({ holds: false });
  });

  it('is not tuned', async () => {
    const plan = poseFolder(`${POSE_PLAN}layer "nowhere": fp32\n`, ['walker_a']);
    const outcome = await run(['tune', plan, '--write']);
    expect(outcome.status).toBe(1);
    expect(outcome.error).toContain('plan-has-errors');
  });
});

describe('an output', () => {
  it('that is a plan', async () => {
    const plan = poseFolder(POSE_PLAN, ['walker_a']);
    const outcome = await run(['convert', plan, '-o', plan]);
    expect(outcome.status).toBe(2);
    expect(outcome.error).toMatch(/pose\.precision: error cannot-write: /);
    expect(readFileSync(plan, 'utf8')).toBe(POSE_PLAN);
  });

  it('in a folder that cannot be written', async () => {
    const plan = poseFolder(POSE_PLAN, ['walker_a']);
    const folder = join(dirname(plan), 'locked');
    mkdirSync(folder);
    chmodSync(folder, 0o555);
    // Root may write anywhere but into the kernel's own folders.
    const target = process.getuid?.() === 0 ? '/proc/self/out.onnx' : join(folder, 'out.onnx');
    const outcome = await run(['convert', plan, '-o', target]);
    expect(outcome.status).toBe(2);
    expect(outcome.error).toMatch(/out\.onnx: error cannot-write: /);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('in a folder that does not exist', async () => {
    const plan = poseFolder(POSE_PLAN, ['walker_a']);
    const outcome = await run(['convert', plan, '-o', join(dirname(plan), 'none/out.onnx')]);
    expect(outcome.status).toBe(2);
    expect(outcome.error).toMatch(/cannot-write: .*folder/);
  });
});

describe('a plan that is edited while it is tuned', () => {
  it('keeps the edit', async () => {
    const plan = poseFolder(POSE_PLAN, ['walker_a']);
    const edited = `${POSE_PLAN}# mine\n`;
    let saved = false;
    const outcome = await run(['tune', plan, '--write', '--strategy', 'bisect', '--draws', '1'], {
      watch: (error) => {
        if (!saved && error.includes('local errors')) writeFileSync(plan, edited);
        saved ||= error.includes('local errors');
      },
    });
    expect(outcome.status).toBe(2);
    expect(outcome.error).toContain('changed-meanwhile');
    expect(readFileSync(plan, 'utf8')).toBe(edited);
  });
});

describe('the command line', () => {
  it('names the nearest subcommand and option', async () => {
    const subcommand = await run(['chekc', 'x']);
    expect(subcommand.status).toBe(2);
    expect(subcommand.error).toContain('the nearest is `check`');
    const option = await run(['tune', 'x', '--strateggy', 'greedy']);
    expect(option.status).toBe(2);
    expect(option.error).toContain('the nearest is --strategy');
  });

  it('answers failures with a document where JSON was asked for', async () => {
    const outcome = await run(['verify', join(newFolder(), 'none.precision'), '--json']);
    expect(outcome.status).toBe(2);
    checkDocument(outcome, 'error');
  });

  it('stops at Ctrl-C with status 130 and leaves nothing half-done', async () => {
    const plan = poseFolder(POSE_PLAN);
    let sent = false;
    const outcome = await run(['tune', plan, '--write', '--strategy', 'greedy'], {
      watch: (error, interrupt) => {
        if (!sent && error.includes('local errors')) interrupt();
        sent ||= error.includes('local errors');
      },
    });
    expect(outcome.status).toBe(130);
    expect(readFileSync(plan, 'utf8')).toBe(POSE_PLAN);
    expect(readdirSync(dirname(plan)).sort()).toEqual([
      'inputs',
      'pose.precision',
      'pose_landmark_lite.onnx',
    ]);
  });
});
