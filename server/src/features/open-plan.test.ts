import { describe, expect, it } from 'vitest';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { OpenPlans } from './open-plan.js';
import { header, longModel, openWorkspace } from './testing.js';

/** A plan whose fragment and whose model the test can change. */
function changing() {
  const { files, open } = openWorkspace(`${header}include "team.precision"\ndefault: fp16\n`);
  let fragment = 'op Conv: fp32\n';
  let opened = files.openModel('');
  const { document } = open;
  const plans = new OpenPlans({ ...files, readText: () => fragment, openModel: () => opened });
  return {
    document,
    plan: () => plans.open(document).plan,
    tree: () => plans.open(document).tree,
    changeFragment: (text: string) => (fragment = text),
    changeModel: () => (opened = { model: longModel(2) }),
  };
}

describe('an open plan', () => {
  it('is parsed and bound once for a version', () => {
    const { plan, tree } = changing();
    const first = plan();
    expect(first?.statements).toHaveLength(2);
    expect(plan()).toBe(first);
    expect(tree()).toBe(tree());
  });

  it('is read again in a new version', () => {
    const { plan, document } = changing();
    const first = plan();
    const end = document.positionAt(document.getText().length);
    TextDocument.update(document, [{ range: { start: end, end }, text: 'op Add: fp32\n' }], 2);
    expect(plan()).not.toBe(first);
    expect(plan()?.statements).toHaveLength(3);
  });

  it('is bound again when a fragment or the model changes, and not parsed', () => {
    const { plan, tree, changeFragment, changeModel } = changing();
    const parsed = tree();
    plan();
    changeFragment('');
    expect(plan()?.statements).toHaveLength(1);
    changeModel();
    expect(plan()?.layers).toHaveLength(2);
    expect(tree()).toBe(parsed);
  });
});
