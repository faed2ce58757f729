/** Definitions, links and the listing that definitions lead to. */
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { definitionOf } from './definition.js';
import { documentLinksOf } from './document-links.js';
import { pathOfUri } from './document-path.js';
import { listingAt, listingUri } from './listing.js';
import { everything, folder, header, longModel, longName, nothing, openWorkspace } from './testing.js';

const model = resolve(folder, 'pose_landmark_lite.onnx');

/** The line of the listing that a definition leads to. */
function checkListed(fixture: string, expected: RegExp): void {
  const { open, cursor, files } = openWorkspace(fixture);
  const found = definitionOf(open, cursor, everything);
  const [link] = Array.isArray(found) ? found : [];
  expect(link?.targetUri).toBe(listingUri(model));
  const line = listingAt(link?.targetUri ?? '', files)?.split('\n')[link?.targetRange.start.line ?? -1];
  expect(line).toMatch(expected);
}

describe('definition', () => {
  it('of a layer is its line in the listing of the model', () => {
    checkListed(`${header}layer "conv2d_5/Co$0nv": fp32`, /^ {2}\["conv2d_5\/Conv"\] .* = Conv </u);
    checkListed(
      `${header}between "conv2d/Conv" and "conv2d_5$0/Conv": fp32`,
      /^ {2}\["conv2d_5\/Conv"\] .* = Conv </u,
    );
    checkListed('model "pose$0_landmark_lite.onnx"', /^# pose_landmark_lite.onnx: /u);
  });

  it('underlines the whole name', () => {
    const { open, cursor } = openWorkspace(`${header}layer "conv2d_5/Co$0nv": fp32`);
    const found = definitionOf(open, cursor, everything);
    const range = Array.isArray(found) ? found[0]?.originSelectionRange : undefined;
    expect(open.document.getText(range)).toBe('"conv2d_5/Conv"');
  });

  it('of a path is the file, if it is there', () => {
    const { open, cursor } = openWorkspace(`${header}include "README$0.md"`);
    expect(definitionOf(open, cursor, nothing)).toMatchObject({
      uri: expect.stringMatching(/README\.md$/u) as string,
    });
    const missing = openWorkspace(`${header}include "nothing$0.precision"`);
    expect(definitionOf(missing.open, missing.cursor, everything)).toBeNull();
  });

  it('of a layer is nothing for an editor that cannot show listings, and of the model its file', () => {
    const layer = openWorkspace(`${header}layer "conv2d_5/Co$0nv": fp32`);
    expect(definitionOf(layer.open, layer.cursor, nothing)).toBeNull();
    const path = openWorkspace('model "pose$0_landmark_lite.onnx"');
    expect(definitionOf(path.open, path.cursor, nothing)).toMatchObject({
      uri: expect.stringMatching(/^file:/u) as string,
    });
  });
});

describe('document links', () => {
  it('are the files that the plan names and that are there', () => {
    const { open } = openWorkspace(`${header}include "nothing.precision"\ninput "b" from "inputs/*.npy"\n`);
    expect(documentLinksOf(open).map(({ target }) => pathOfUri(target ?? ''))).toEqual([model]);
  });
});

describe('the listing', () => {
  it('has a line for each node, with types and shapes and without weights', () => {
    const { files } = openWorkspace('', longModel(3));
    const listing = listingAt(listingUri('/models/long.onnx'), files)?.split('\n') ?? [];
    expect(listing[0]).toMatch(/^# long\.onnx: /u);
    expect(listing.slice(1)).toEqual([
      '<',
      '  ir_version: 8,',
      '  opset_import: ["" : 17]',
      '>',
      'chain (float[batch, 64, ?] x) => (float[batch, 64, ?] t2)',
      '{',
      `  ["${longName(0)}"] t0 = Relu (x)  # float[batch, 64, ?]`,
      `  ["${longName(1)}"] t1 = Sigmoid (t0)  # float[batch, 64, ?]`,
      `  ["${longName(2)}"] t2 = Tanh (t1)  # float[batch, 64, ?]`,
      '}',
      '',
    ]);
  });

  it('is of models only', () => {
    const { files } = openWorkspace('');
    expect(listingAt('file:///etc/passwd', files)).toBeNull();
    const none = {
      ...files,
      openModel: () => ({ problem: { code: 'model-not-found' as const, message: '', offset: undefined } }),
    };
    expect(listingAt(listingUri('/nowhere.onnx'), none)).toBeNull();
  });
});
