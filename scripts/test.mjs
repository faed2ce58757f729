/**
 * `npm test`: everything that must hold, from a fresh clone. Sets up, then runs each stage and counts; a stage that
 * cannot run fails and says what it lacks. The last line is `N passed, M failed`.
 * `npm test -- --without STAGE` leaves a stage out and says so.
 */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { runCommand } from './command.mjs';
import { build, installDependencies, root, tool } from './setup.mjs';

/** No stage may hang: each is far quicker than this on two busy cores. */
const stageLimitSeconds = 1200;

/** Runs a script with this Node and says why it failed, where it did. */
async function runScript(args) {
  const { status } = await runCommand(process.execPath, args, { cwd: root, limitSeconds: stageLimitSeconds });
  if (status === undefined) return `no end after ${stageLimitSeconds} s`;
  return status === 0 ? undefined : `ended with status ${status}`;
}

/** A stage that either holds or does not, and counts as one test. */
function check(name, args) {
  return {
    name,
    run: async () => {
      const problem = await runScript(args);
      return problem === undefined ? { passed: 1, failed: 0 } : { passed: 0, failed: 1, problem };
    },
  };
}

/** A stage that writes its own counts to `report`, read by `count`. Without counts, or with none, it has failed. */
function counted(name, report, args, count) {
  return {
    name,
    run: async () => {
      const file = path.join(root, report);
      mkdirSync(path.dirname(file), { recursive: true });
      rmSync(file, { force: true });
      const problem = await runScript(args(file));
      const counts = readCounts(file, count);
      if (counts === undefined) return { passed: 0, failed: 1, problem: problem ?? 'no result' };
      const failed = problem !== undefined && counts.failed === 0 ? 1 : counts.failed;
      return { passed: counts.passed, failed: counts.passed + failed === 0 ? 1 : failed, problem };
    },
  };
}

function readCounts(file, count) {
  try {
    return count(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return undefined;
  }
}

/** A file that does not load has no tests to count, and a skipped test has not passed. */
function countVitest(report) {
  const unloaded = report.testResults.filter(({ status, assertionResults }) => {
    return status === 'failed' && assertionResults.every((result) => result.status !== 'failed');
  });
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + report.numPendingTests + report.numTodoTests + unloaded.length,
  };
}

const stages = [
  check('format', [tool('prettier/bin/prettier.cjs'), '--check', '.']),
  check('lint', [tool('eslint/bin/eslint.js'), '.']),
  check('types', [tool('typescript/bin/tsc'), '-p', '.']),
  check('imports', ['scripts/check-imports.mjs']),
  counted(
    'unit',
    'dist/results/unit.json',
    (file) => [
      tool('vitest/vitest.mjs'),
      'run',
      // A forgotten `.only` would pass over all other tests.
      '--allowOnly=false',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${file}`,
    ],
    countVitest,
  ),
  counted(
    'workbench',
    'dist/results/workbench.json',
    (file) => ['test/workbench/run.mjs', '--json', file],
    (counts) => counts,
  ),
];

async function runStage({ name, run }) {
  console.log(`\n--- ${name}`);
  const start = Date.now();
  const result = await run();
  return { name, seconds: (Date.now() - start) / 1000, ...result };
}

function summaryLine({ name, passed, failed, problem, seconds }) {
  const counts = `${passed} passed, ${failed} failed`;
  return `${name.padEnd(10)} ${counts.padEnd(24)} ${seconds.toFixed(1).padStart(6)} s${problem ? `  ${problem}` : ''}`;
}

async function setUpStage(name, action) {
  return runStage({
    name,
    run: () =>
      action().then(
        () => ({ passed: 0, failed: 0 }),
        (error) => ({ passed: 0, failed: 1, problem: error.message }),
      ),
  });
}

const { values } = parseArgs({ options: { without: { type: 'string', multiple: true, default: [] } } });
const unknown = values.without.filter((name) => stages.every((stage) => stage.name !== name));
if (unknown.length > 0) {
  console.error(`No stage ${unknown.join(', ')}; there are ${stages.map((stage) => stage.name).join(', ')}.`);
  process.exit(2);
}

const results = [await setUpStage('install', installDependencies)];
if (results[0].failed === 0) {
  results.push(await setUpStage('build', build));
  // After a build that failed, the other stages still tell more.
  for (const stage of stages) {
    if (!values.without.includes(stage.name)) results.push(await runStage(stage));
  }
}

console.log('\n--- summary');
for (const result of results) console.log(summaryLine(result));
for (const name of values.without) console.log(`${name}: not run`);
const total = (key) => results.reduce((sum, result) => sum + result[key], 0);
console.log(`\n${total('passed')} passed, ${total('failed')} failed`);
process.exitCode = total('failed') === 0 ? 0 : 1;
