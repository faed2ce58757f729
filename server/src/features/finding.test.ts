/** Findings of the analysis as an editor shows them: where they stand, what they offer, and that they do not flash. */
import { describe, expect, it } from 'vitest';
import type { CodeAction } from 'vscode-languageserver';
import type { LayerRangeNumbers, PlanNumbers } from '../analysis/index.js';
import type { ActionCommands } from './action-commands.js';
import { diagnosticsOf } from './diagnostics.js';
import { listingAt } from './listing.js';
import type { OpenPlan } from './open-plan.js';
import { quickFixesOf } from './quick-fixes.js';
import {
  edited,
  everything,
  exceeded,
  header,
  measured,
  openWorkspace,
  ranged,
  sensitivities,
} from './testing.js';

const tolerance = 'tolerance "ld_3d" relative_l2 <= 1e-3\n';

/** A layer of which so many values lie beyond the range, the largest of them of this size. */
function beyond(overflow: number, maxAbs: number): LayerRangeNumbers {
  return ranged({ overflow, maxAbs });
}

/** What is known of a plan that exceeds its tolerances. */
function exceeding(open: OpenPlan, known: Partial<PlanNumbers> = {}): PlanNumbers {
  return measured({ verdict: exceeded(open, 4e-3), sampleNames: ['walker'], ...known });
}

/** Each finding as `SEVERITY CODE on TEXT: MESSAGE`. */
function findings(open: OpenPlan, numbers: PlanNumbers): string[] {
  return diagnosticsOf(open, numbers).map(
    ({ severity, code, range, message }) =>
      `${severity ?? 0} ${String(code)} on ${open.document.getText(range)}: ${typeof message === 'string' ? message : message.value}`,
  );
}

describe('findings', () => {
  it('on ranges stand on the statements that decide, and go when the layer is decided otherwise', () => {
    const ranges = new Map([
      ['conv2d/Conv', beyond(3, 70000)],
      ['conv2d_5/Conv', beyond(5, 80000)],
    ]);
    const numbers = measured({ ranges, sampleNames: ['walker'] });
    const { open } = openWorkspace(`${header}default: fp16\nlayer "conv2d/Conv": fp16 { pinned: true }\n`);
    expect(findings(open, numbers)).toEqual(
      [
        '1 overflow on default: fp16: beyond the range of fp16: "conv2d_5/Conv" 5 of 100 values, largest 8.000e+4 (sample walker, index 7)',
        '1 overflow on layer "conv2d/Conv": fp16 { pinned: true }: beyond the range of fp16: "conv2d/Conv" 3 of 100 values, largest 7.000e+4 (sample walker, index 7)',
      ].map((line) => line.replaceAll('8.000e+4', '8.000e+4')),
    );
    const flipped = openWorkspace(`${header}default: fp16\nlayer "conv2d/Conv", "conv2d_5/Conv": fp32\n`);
    expect(findings(flipped.open, numbers)).toEqual([]);
  });

  it('on tolerances stand on the tolerance, with the layers that cost most on what decides them', () => {
    const { open } = openWorkspace(`${header}${tolerance}default: fp16\n`);
    const sensitivity = sensitivities([
      { name: 'conv2d_5/Conv', value: 3e-3, share: 3 },
      { name: 'add/add', value: 1e-4, share: 0.1 },
    ]);
    expect(findings(open, exceeding(open, { sensitivity }))).toEqual([
      expect.stringMatching(
        /^1 tolerance-exceeded on tolerance "ld_3d" relative_l2 <= 1e-3: "ld_3d" relative_l2 is 0\.00400/,
      ),
      expect.stringMatching(/^3 tolerance-exceeded on default: fp16: .*"conv2d_5\/Conv".*"add\/add"/),
    ]);
  });

  it('on the layers that cost most wait until all errors are known', () => {
    const { open } = openWorkspace(`${header}${tolerance}default: fp16\n`);
    const local = sensitivities([{ name: 'add/add', value: 1e-4 }]);
    const all = sensitivities([{ name: 'add/add', value: 1e-4, share: 0.1 }]);
    const severities = (known: Partial<PlanNumbers>) =>
      diagnosticsOf(open, exceeding(open, { state: 'working', ...known })).map(({ severity }) => severity);
    expect(severities({ sensitivity: local })).toEqual([1]);
    expect(severities({ sensitivity: all, measured: { done: 1, total: 2 } })).toEqual([1]);
    expect(severities({ sensitivity: all })).toEqual([1, 3]);
    expect(severities({ sensitivity: local, state: 'idle' })).toEqual([1, 3]);
  });

  it('of a verdict that is out of date stay on their tolerance and say so', () => {
    const before = openWorkspace(`${header}${tolerance}default: fp16\n`).open;
    const numbers = exceeding(before, { verdictIsStale: true, state: 'working' });
    const { open } = openWorkspace(
      `${header}# a line more\ntolerance "ld_3d" max_abs <= 1\n${tolerance}default: fp16\nlayer "conv2d/Conv": fp32\n`,
    );
    expect(findings(open, numbers)).toEqual([
      expect.stringMatching(
        /^1 tolerance-exceeded on tolerance "ld_3d" relative_l2 <= 1e-3: before the last change, "ld_3d" relative_l2 is/,
      ),
    ]);
    expect(findings(openWorkspace(`${header}default: fp16\n`).open, numbers)).toEqual([]);
  });
});

describe('related places', () => {
  const ranges = new Map([
    ['conv2d/Conv', beyond(3, 70000)],
    ['conv2d_5/Conv', beyond(5, 80000)],
  ]);
  const fixture = `${header}${tolerance}default: fp16\n`;

  it('are the layers that matter most, at their nodes in the listing', () => {
    const { open, files } = openWorkspace(fixture);
    const numbers = measured({ ranges });
    const [found] = diagnosticsOf(open, numbers, everything);
    expect(found?.relatedInformation?.map(({ message }) => message)).toEqual([
      '"conv2d_5/Conv"',
      '"conv2d/Conv"',
    ]);
    for (const { location, message } of found?.relatedInformation ?? []) {
      const lines = listingAt(location.uri, files)?.split('\n');
      expect(lines?.[location.range.start.line]).toContain(message.slice(1, -1));
    }
    const at = {
      start: open.document.positionAt(fixture.length - 2),
      end: open.document.positionAt(fixture.length - 2),
    };
    expect(quickFixesOf(open, at, numbers, undefined, everything)[0]?.diagnostics).toEqual([found]);
  });

  it('are the statement that decides them where nobody shows listings, and none where nobody shows places', () => {
    const { open } = openWorkspace(fixture);
    const numbers = measured({ ranges });
    const [found] = diagnosticsOf(open, numbers, { ...everything, showsListings: false });
    const location = { uri: open.document.uri, range: found?.range };
    expect(found?.relatedInformation).toEqual([
      { location, message: '"conv2d_5/Conv"' },
      { location, message: '"conv2d/Conv"' },
    ]);
    const [plain] = diagnosticsOf(open, numbers, { ...everything, showsRelatedPlaces: false });
    expect(plain?.relatedInformation).toBeUndefined();
  });

  it('are five at most, and in an included file behind the place there', () => {
    const many = new Map(
      (openWorkspace(fixture).open.plan?.layers ?? [])
        .slice(0, 9)
        .map(({ name }, at) => [name, beyond(1, 1e6 - at)]),
    );
    const { open } = openWorkspace(
      `//- plan.precision\n${header}include "team.precision"\n//- team.precision\ndefault: fp16\n`,
    );
    const [found] = diagnosticsOf(open, measured({ ranges: many }), everything);
    expect(found?.relatedInformation?.map(({ message }) => message)).toEqual([
      'in this included file',
      ...[...many.keys()].slice(0, 5).map((name) => `"${name}"`),
    ]);
  });
});

describe('numbers that are out of date', () => {
  const fixture = `${header}${tolerance}def$0ault: fp16\n`;

  it('are said to be where nothing measures them again, with a way to go on', () => {
    const { open } = openWorkspace(fixture);
    const at = {
      start: open.document.positionAt(header.length),
      end: open.document.positionAt(header.length),
    };
    const actions = { ofClient: false, ofServer: new Set(['onnxPrecision.server.analyze']) };
    const stopped = exceeding(open, { verdictIsStale: true, message: 'stopped' });
    expect(findings(open, stopped).filter((one) => one.includes(' stale '))).toEqual([
      '3 stale on tolerance "ld_3d" relative_l2 <= 1e-3: the numbers shown were measured before the last change, and analysis does not go on (stopped)',
    ]);
    expect(quickFixesOf(open, at, stopped, actions)).toMatchObject([
      {
        title: 'Measure again',
        diagnostics: [{ code: 'stale' }],
        command: { command: 'onnxPrecision.server.analyze', arguments: [open.document.uri] },
      },
    ]);
    expect(quickFixesOf(open, at, stopped)).toEqual([]);
    const failed = exceeding(open, { latencyIsStale: true, state: 'failed', message: 'no memory' });
    expect(findings(open, failed).some((one) => one.includes('(it failed: no memory)'))).toBe(true);
    for (const fresh of [
      exceeding(open, { verdictIsStale: true, state: 'working' }),
      exceeding(open, { verdictIsStale: true, state: 'waiting' }),
      exceeding(open),
    ]) {
      expect(findings(open, fresh).some((one) => one.includes(' stale '))).toBe(false);
    }
  });
});

/** The quick fixes at the cursor. */
function fixes(fixture: string, known: Partial<PlanNumbers>, actions?: ActionCommands) {
  const { open, cursor } = openWorkspace(fixture);
  const range = { start: cursor, end: cursor };
  return { open, found: quickFixesOf(open, range, exceeding(open, known), actions) };
}

function textAfter({ document }: OpenPlan, action: CodeAction | undefined): string {
  return edited(document, action?.edit?.changes?.[document.uri] ?? []).slice(header.length);
}

describe('quick fixes of findings', () => {
  const ranges = new Map([
    ['conv2d/Conv', beyond(3, 70000)],
    ['conv2d_5/Conv', beyond(5, 80000)],
  ]);

  it('run the layers that overflow in FP32', () => {
    const { open, found } = fixes(`${header}def$0ault: fp16\n`, { ranges });
    expect(found.map(({ title, isPreferred }) => [title, isPreferred])).toEqual([
      ['Run these 2 layers in FP32', false],
    ]);
    expect(textAfter(open, found[0])).toBe(
      'default: fp16\nlayer "conv2d_5/Conv": fp32\nlayer "conv2d/Conv": fp32\n',
    );
  });

  it('run the only layer in FP32 in its own statement', () => {
    const { open, found } = fixes(`${header}default: fp32\nlay$0er "conv2d/Conv": fp16\n`, { ranges });
    expect(found.map(({ title }) => title)).toEqual(['Run "conv2d/Conv" in FP32']);
    expect(textAfter(open, found[0])).toBe('default: fp32\nlayer "conv2d/Conv": fp32\n');
  });

  it('run layers that need no FP32 in the low format', () => {
    const { open, cursor } = openWorkspace(`${header}${tolerance}op Co$0nv: fp32\n`);
    const names = (open.plan?.layers ?? []).map(({ name }) => name);
    const numbers = measured({
      sensitivity: sensitivities(names.map((name) => ({ name, value: 1e-6, share: 1e-3 }))),
      ranges: new Map(names.map((name) => [name, ranged({ maxAbs: 1 })])),
      verdict: exceeded(open, 1e-4),
    });
    const [fix] = quickFixesOf(open, { start: cursor, end: cursor }, numbers);
    expect(fix).toMatchObject({
      title: 'Run these 5 layers in FP16',
      diagnostics: [{ code: 'needlessly-fp32', severity: 4 }],
    });
    const lines = textAfter(open, fix).split('\n').slice(2, -1);
    expect(lines).toHaveLength(5);
    for (const line of lines) expect(line).toMatch(/^layer "[^"]*Conv[^"]*": fp16$/);
  });

  it('run the layers that cost most in FP32', () => {
    const sensitivity = sensitivities([
      { name: 'conv2d_5/Conv', value: 3e-3, share: 3 },
      { name: 'add/add', value: 1e-4, share: 0.1 },
    ]);
    const { open, found } = fixes(`${header}${tolerance}def$0ault: fp16\n`, { sensitivity });
    expect(found.map(({ title }) => title)).toEqual(['Run these 2 layers in FP32']);
    expect(textAfter(open, found[0])).toContain('layer "conv2d_5/Conv": fp32\n');
  });

  it('tune where a tolerance is exceeded and somebody can', () => {
    const fixture = `${header}toler$0ance "ld_3d" relative_l2 <= 1e-3\ndefault: fp16\n`;
    const ofServer = new Set(['onnxPrecision.server.tune']);
    const { open, found } = fixes(fixture, {}, { ofClient: false, ofServer });
    expect(found).toMatchObject([
      {
        title: 'Tune: find a plan that holds',
        kind: 'quickfix',
        diagnostics: [{ code: 'tolerance-exceeded' }],
        command: { command: 'onnxPrecision.server.tune', arguments: [open.document.uri] },
      },
    ]);
    expect(fixes(fixture, {}, { ofClient: true, ofServer: new Set() }).found[0]?.command?.command).toBe(
      'onnxPrecision.tune',
    );
    expect(fixes(fixture, {}).found).toEqual([]);
  });
});
