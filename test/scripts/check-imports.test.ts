/**
 * The check of the arrows between rooms, run as the test suite runs it on small trees of files: what it must find,
 * and what it must let pass.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { foldersForTests } from '../../server/src/testing/index.js';

const newFolder = foldersForTests();

/** Writes a fixture in which `//- PATH` starts a file. */
function writeTree(root: string, fixture: string): void {
  for (const part of fixture.split(/^\/\/- /m).slice(1)) {
    const end = part.indexOf('\n');
    const file = path.join(root, part.slice(0, end).trim());
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, part.slice(end + 1));
  }
}

/** Expects exactly these violations; none means that the check passes. */
function checkImports(fixture: string, violations: readonly string[]): void {
  const root = newFolder();
  writeTree(root, fixture);
  const { status, stderr } = spawnSync(process.execPath, ['scripts/check-imports.mjs', root], {
    encoding: 'utf8',
  });
  expect(stderr.split('\n').filter((line) => line !== '')).toEqual(violations);
  expect(status).toBe(violations.length === 0 ? 0 : 1);
}

describe('the arrows between rooms', () => {
  it('let an upper room use a lower one through its index, and a room its own files', () => {
    checkImports(
      `
//- server/src/plan/bind.ts
import { parse } from '../language/index.js';
import type { Layer } from './types.js';
export * from '../onnx/index.js';
//- server/src/onnx/schemas.ts
import schemas from '../../data/onnx-operator-schemas.json';
//- server/src/analysis/rank.ts
import { openStore } from '../store/index.js';
import { startRuntime } from '../runtime/index.js';
//- server/src/cli/lsp.ts
const { serveStdio } = await import('../stdio.js');
//- server/src/cli/verify.ts
import { verifyPlan } from '../work/index.js';
//- server/src/features/verify.ts
import { verifyPlan } from '../work/index.js';
//- server/src/work/verify-plan.ts
import { knownVerdict } from '../analysis/index.js';
import { conclude } from '../report/index.js';
//- server/src/server.ts
import { diagnostics } from './features/index.js';
import { createConnection } from 'vscode-languageserver/node';
`,
      [],
    );
  });

  it('stop a lower room from using an upper one, in whatever form it is asked for', () => {
    checkImports(
      `
//- server/src/language/parse.ts
import { bindPlan } from '../plan/index.js';
//- server/src/plan/bind.ts
// a comment
export { convert } from '../convert/index.js';
//- server/src/plan/late.ts
const room = await import('../analysis/index.js');
//- server/src/plan/types.ts
export type Session = import('../runtime/index.js').Session;
`,
      [
        'server/src/language/parse.ts:1: ../plan/index.js: language is not above plan',
        'server/src/plan/bind.ts:2: ../convert/index.js: plan is not above convert',
        'server/src/plan/late.ts:1: ../analysis/index.js: plan is not above analysis',
        'server/src/plan/types.ts:1: ../runtime/index.js: plan is not above runtime',
      ],
    );
  });

  it('stop rooms of one floor from using each other', () => {
    checkImports(
      `
//- server/src/onnx/infer.ts
import { round } from '../formats/index.js';
//- server/src/convert/convert.ts
import { emulate } from '../emulate/index.js';
`,
      [
        'server/src/convert/convert.ts:1: ../emulate/index.js: convert is not above emulate',
        'server/src/onnx/infer.ts:1: ../formats/index.js: onnx is not above formats',
      ],
    );
  });

  it('let one file of the command start the server, and no other', () => {
    checkImports(
      `
//- server/src/cli/lsp.ts
import { startServer } from '../server.js';
//- server/src/cli/run.ts
const { serveStdio } = await import('../stdio.js');
//- server/src/work/verify-plan.ts
import { reportFailure } from '../cli/index.js';
import { openStore } from '../store/index.js';
`,
      [
        'server/src/cli/lsp.ts:1: ../server.js: cli is not above server',
        'server/src/cli/run.ts:1: ../stdio.js: cli is not above server',
        'server/src/work/verify-plan.ts:1: ../cli/index.js: work is not above cli',
        'server/src/work/verify-plan.ts:2: ../store/index.js: only analysis and search use store',
      ],
    );
  });

  it('stop an import past the index of another room', () => {
    checkImports(
      `
//- server/src/plan/bind.ts
import { Parser } from '../language/parser.js';
//- test/end-to-end/plan.test.ts
import { Parser } from '../../server/src/language/parser.js';
`,
      [
        'server/src/plan/bind.ts:1: ../language/parser.js: language is entered through its index.ts only',
        'test/end-to-end/plan.test.ts:1: ../../server/src/language/parser.js: language is entered through its index.ts only',
      ],
    );
  });

  it('leave the compute process and the store to analysis and search', () => {
    checkImports(
      `
//- server/src/search/tune.ts
import { startRuntime } from '../runtime/index.js';
//- server/src/features/lenses.ts
import { openStore } from '../store/index.js';
//- server/src/cli/bench.ts
import { startRuntime } from '../runtime/index.js';
`,
      [
        'server/src/cli/bench.ts:1: ../runtime/index.js: only analysis and search use runtime',
        'server/src/features/lenses.ts:1: ../store/index.js: only analysis and search use store',
      ],
    );
  });

  it('let no files of a room stand in a circle, be it of types, but where what they read is one', () => {
    checkImports(
      `
//- server/src/plan/a.ts
import { b } from './b.js';
//- server/src/plan/b.ts
import { c } from './parts/c.js';
import { d } from './d.js';
//- server/src/plan/d.ts
export * from './parts/c.js';
//- server/src/plan/parts/c.ts
import type { A } from '../a.js';
//- server/src/plan/self.ts
import { self } from './self.js';
//- server/src/onnx/read-graph.ts
import { readAttribute } from './read-attribute.js';
//- server/src/onnx/read-attribute.ts
import { readGraph } from './read-graph.js';
`,
      [
        'server/src/plan/a.ts: a circle of imports: server/src/plan/a.ts -> server/src/plan/b.ts -> ' +
          'server/src/plan/parts/c.ts -> server/src/plan/a.ts',
        'server/src/plan/self.ts: a circle of imports: server/src/plan/self.ts -> server/src/plan/self.ts',
      ],
    );
  });

  it('let no folders of a room stand in a circle, though no files do', () => {
    checkImports(
      `
//- server/src/plan/text/words.ts
import { bind } from '../binding/bind.js';
//- server/src/plan/binding/bind.ts
import { readText } from '../text/read.js';
import { decide } from '../decisions/decide.js';
//- server/src/plan/text/read.ts
//- server/src/plan/decisions/decide.ts
//- server/src/plan/decisions/decide.test.ts
import { bind } from '../binding/bind.js';
`,
      [
        'server/src/plan/binding: a circle of folders: server/src/plan/binding -> server/src/plan/text -> server/src/plan/binding',
      ],
    );
  });

  it('leave what is for tests to tests', () => {
    checkImports(
      `
//- server/src/plan/bind.test.ts
import { folderForTests } from '../testing/index.js';
import { modelOf } from '../onnx/testing/index.js';
//- server/src/analysis/live/testing.ts
import { temporaryFolder } from '../../testing/index.js';
import { startTestCompute } from '../testing/index.js';
//- test/conversion/conversion.test.ts
import { folderForTests } from '../../server/src/testing/index.js';
//- server/src/plan/bind.ts
import { folderForTests } from '../testing/index.js';
import { modelOf } from '../onnx/testing/index.js';
import { fixture } from './testing.js';
`,
      [
        'server/src/plan/bind.ts:1: ../testing/index.js: only tests use what is for tests',
        'server/src/plan/bind.ts:2: ../onnx/testing/index.js: only tests use what is for tests',
        'server/src/plan/bind.ts:3: ./testing.js: only tests use what is for tests',
      ],
    );
  });

  it('keep client and server apart', () => {
    checkImports(
      `
//- client/src/extension.ts
import { start } from '../../server/src/server.js';
//- server/src/features/status.ts
import { label } from '../../../client/src/label.js';
`,
      [
        'client/src/extension.ts:1: ../../server/src/server.js: the client imports nothing but itself',
        'server/src/features/status.ts:1: ../../../client/src/label.js: nothing imports the client',
      ],
    );
  });

  it('keep packages to the rooms that may load them, tests excepted where that is meant', () => {
    checkImports(
      `
//- client/src/extension.ts
import * as vscode from 'vscode';
import { LanguageClient } from 'vscode-languageclient/node';
//- server/src/runtime/process.ts
import { InferenceSession } from 'onnxruntime-node';
//- server/src/convert/convert.test.ts
import { InferenceSession } from 'onnxruntime-node';
//- server/src/convert/convert.ts
import { InferenceSession } from 'onnxruntime-node';
//- server/src/plan/bind.ts
import type { Range } from 'vscode-languageserver-textdocument';
import { Uri } from 'vscode';
//- server/src/store/lock.ts
const rpc = require('vscode-jsonrpc/node');
`,
      [
        'server/src/convert/convert.ts:1: onnxruntime-node: only runtime may import onnxruntime-node',
        'server/src/plan/bind.ts:1: vscode-languageserver-textdocument: ' +
          'only features, server, client may import vscode-languageserver-textdocument',
        'server/src/plan/bind.ts:2: vscode: only client, test/workbench may import vscode',
        'server/src/store/lock.ts:1: vscode-jsonrpc/node: ' +
          'only runtime, features, server, client may import vscode-jsonrpc/node',
      ],
    );
  });
});
