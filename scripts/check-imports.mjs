/**
 * Fails on an import against the arrows between rooms (docs/ARCHITECTURE.md): from a lower room to an upper one, past
 * another room's index.ts, of a package that only some rooms may load, or in a circle of files or of a room's folders.
 * `node scripts/check-imports.mjs [ROOT]`
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** From the lowest floor to the uppermost. A room imports from floors below its own, never from its own floor. */
const floors = [
  ['testing'],
  ['language', 'onnx', 'formats', 'metrics', 'profiles'],
  ['plan'],
  ['convert', 'emulate', 'exchange', 'gradients'],
  ['runtime', 'store'],
  ['analysis'],
  ['search'],
  ['report'],
  ['work'],
  ['features', 'cli'],
  ['server'],
];

/** Beyond the floors: who may import these. */
const importersOf = {
  runtime: ['analysis', 'search'],
  store: ['analysis', 'search'],
};

/** Files that may import one file above them: `lsp` starts the server. */
const exceptions = new Set(['server/src/cli/lsp.ts -> server/src/stdio.js']);

/** Imports that close a circle because what the files read is one: an attribute may hold a graph, whose nodes have attributes. */
const inherentCircles = new Set(['server/src/onnx/read-attribute.ts -> server/src/onnx/read-graph.ts']);

const protocolRooms = ['features', 'server', 'client'];
/** Packages that only these rooms may import; tests have rules of their own. */
const packageRules = [
  { pattern: /^onnxruntime-/, rooms: ['runtime'], tests: true },
  { pattern: /^vscode$/, rooms: ['client', 'test/workbench'], tests: false },
  { pattern: /^vscode-languageclient(\/|$)/, rooms: ['client'], tests: false },
  { pattern: /^vscode-languageserver/, rooms: protocolRooms, tests: false },
  { pattern: /^vscode-jsonrpc(\/|$)/, rooms: ['runtime', ...protocolRooms], tests: false },
];

/**
 * The room of a file by its path below the root: a folder of server/src, `server` for the files beside the rooms,
 * `client`, `test/workbench` or `test`. Undefined for anything else, such as data.
 */
function roomOf(relativePath) {
  const parts = relativePath.split('/');
  if (parts[0] === 'client') return 'client';
  if (parts[0] === 'test') return parts[1] === 'workbench' ? 'test/workbench' : 'test';
  if (parts[0] !== 'server' || parts[1] !== 'src') return undefined;
  return parts.length === 3 ? 'server' : parts[2];
}

const floorOf = (room) => floors.findIndex((floor) => floor.includes(room));
const isTest = (file) => file.endsWith('.test.ts') || file.startsWith('test/');
/** A file that only tests use: one called `testing`, or anything in a folder of that name. */
const isForTests = (file) => /\/testing[./]/.test(file);

/** What is wrong with `file` importing a file of ours, or undefined. */
function problemWithFile(file, imported) {
  const from = roomOf(file);
  const to = roomOf(imported);
  if (imported.endsWith('.json')) return undefined;
  if (isForTests(imported) && !isTest(file) && !isForTests(file)) return 'only tests use what is for tests';
  if (to === undefined) return `${imported} is in no room`;
  if (from === to) return undefined;
  if (from === 'client') return 'the client imports nothing but itself';
  if (to === 'client') return 'nothing imports the client';
  if (to === 'test' || to === 'test/workbench') {
    return from === 'test/workbench' ? undefined : 'the product does not import its tests';
  }
  if (from !== 'test' && from !== 'test/workbench' && !exceptions.has(`${file} -> ${imported}`)) {
    if (floorOf(from) < 0) return `${from} is not on the list of rooms`;
    if (floorOf(to) < 0) return `${to} is not on the list of rooms`;
    if (floorOf(to) >= floorOf(from)) return `${from} is not above ${to}`;
    if (to in importersOf && !importersOf[to].includes(from)) {
      return `only ${importersOf[to].join(' and ')} use ${to}`;
    }
  }
  if (to !== 'server' && !/\/index\.(ts|js)$/.test(imported))
    return `${to} is entered through its index.ts only`;
  return undefined;
}

/** What is wrong with `file` importing a package, or undefined. */
function problemWithPackage(file, specifier) {
  const room = roomOf(file);
  for (const { pattern, rooms, tests } of packageRules) {
    if (!pattern.test(specifier) || rooms.includes(room)) continue;
    if (room === 'test' && specifier !== 'vscode') continue;
    if (tests && isTest(file)) continue;
    return `only ${rooms.join(', ')} may import ${specifier}`;
  }
  return undefined;
}

/** Every module that a file names: static, re-exported, dynamic, required and in types. */
function importsOf(sourceFile) {
  const found = [];
  const visit = (node) => {
    const literal = moduleLiteral(node);
    if (literal !== undefined) found.push(literal);
    ts.forEachChild(node, visit);
  };
  visit(sourceFile);
  return found;
}

function moduleLiteral(node) {
  let literal;
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) literal = node.moduleSpecifier;
  else if (ts.isImportTypeNode(node))
    literal = ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined;
  else if (ts.isExternalModuleReference(node)) literal = node.expression;
  else if (ts.isCallExpression(node)) {
    const called = node.expression;
    const loads =
      called.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(called) && called.text === 'require');
    if (loads) literal = node.arguments[0];
  }
  return literal !== undefined && ts.isStringLiteralLike(literal) ? literal : undefined;
}

function sourceFiles(root) {
  return ['client/src', 'server/src', 'test']
    .filter((folder) => existsSync(path.join(root, folder)))
    .flatMap((folder) =>
      readdirSync(path.join(root, folder), { recursive: true }).map((name) => path.join(folder, name)),
    )
    .map((file) => file.split(path.sep).join('/'))
    .filter((file) => /\.ts$/.test(file) && !file.includes('node_modules'))
    .sort();
}

/** Every import of a file: what it names, the file of ours that this is if it is one, and its line from 1. */
function readImports(root, file) {
  const text = readFileSync(path.join(root, file), 'utf8');
  const sourceFile = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  return importsOf(sourceFile).map((literal) => {
    const specifier = literal.text;
    const imported = specifier.startsWith('.')
      ? path.posix.join(path.posix.dirname(file), specifier)
      : undefined;
    const line = sourceFile.getLineAndCharacterOfPosition(literal.getStart()).line + 1;
    return { specifier, imported, line };
  });
}

/** What is wrong with single imports, in the order of files and lines. */
function wrongImports(importsByFile) {
  return [...importsByFile].flatMap(([file, imports]) =>
    imports.flatMap(({ specifier, imported, line }) => {
      const problem =
        imported === undefined ? problemWithPackage(file, specifier) : problemWithFile(file, imported);
      return problem === undefined ? [] : [`${file}:${line}: ${specifier}: ${problem}`];
    }),
  );
}

/** The circles of a graph, each as a row of its nodes. Of several through one node the first is found. */
function circlesOf(graph) {
  const done = new Set();
  const trail = [];
  const found = [];
  const follow = (node) => {
    if (done.has(node)) return;
    const at = trail.indexOf(node);
    if (at >= 0) {
      found.push(trail.slice(at));
      return;
    }
    trail.push(node);
    for (const next of graph.get(node) ?? []) follow(next);
    trail.pop();
    done.add(node);
  };
  for (const node of graph.keys()) follow(node);
  return found;
}

/**
 * Circles of files that import each other, types included: where one is, none of its files can be read, tested or moved
 * without the others.
 */
function circlesOfFiles(importsByFile) {
  const graph = new Map(
    [...importsByFile].map(([file, imports]) => [
      file,
      imports
        .flatMap(({ imported }) => imported?.replace(/\.js$/, '.ts') ?? [])
        .filter((next) => !inherentCircles.has(`${file} -> ${next}`)),
    ]),
  );
  return circlesOf(graph).map(
    (circle) => `${circle[0]}: a circle of imports: ${[...circle, circle[0]].join(' -> ')}`,
  );
}

/** The folder of a room that a file is in, as a path; undefined for files of the room itself, tests, and what is for them. */
function folderOf(file) {
  const [server, source, room, folder, name] = file.split('/');
  if (server !== 'server' || source !== 'src' || name === undefined || isTest(file) || isForTests(file))
    return undefined;
  return [server, source, room, folder].join('/');
}

/** The same of the folders of a room: each can be read with those below it alone. */
function circlesOfFolders(importsByFile) {
  const graph = new Map();
  for (const [file, imports] of importsByFile) {
    const folder = folderOf(file);
    for (const { imported } of imports) {
      const next = imported === undefined ? undefined : folderOf(imported);
      if (folder === undefined || next === undefined || next === folder || roomOf(file) !== roomOf(imported))
        continue;
      graph.set(folder, (graph.get(folder) ?? new Set()).add(next));
    }
  }
  return circlesOf(graph).map(
    (circle) => `${circle[0]}: a circle of folders: ${[...circle, circle[0]].join(' -> ')}`,
  );
}

const root = path.resolve(process.argv[2] ?? path.join(path.dirname(fileURLToPath(import.meta.url)), '..'));
const importsByFile = new Map(sourceFiles(root).map((file) => [file, readImports(root, file)]));
const violations = [
  ...wrongImports(importsByFile),
  ...circlesOfFiles(importsByFile),
  ...circlesOfFolders(importsByFile),
];
for (const violation of violations) console.error(violation);
if (violations.length === 0) console.log(`${importsByFile.size} files keep to the arrows.`);
process.exitCode = violations.length === 0 ? 0 : 1;
