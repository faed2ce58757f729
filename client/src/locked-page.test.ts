/** A report's page in a webview: its own styles are allowed, and nothing else. */
import { describe, expect, it } from 'vitest';
import { lockedPage } from './locked-page.js';

const page = `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>t</title><style>p { color: red }</style></head><body><p>$& &lt;style&gt;</p></body></html>`;

describe('a page in a webview', () => {
  const locked = lockedPage(page, 'abc+/$&=');

  it('has one policy, before anything else, that allows its own style alone', () => {
    expect(locked.match(/Content-Security-Policy/gu)).toHaveLength(1);
    expect(locked).toContain(
      `<head><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'nonce-abc+/$&='">`,
    );
    expect(locked).toContain('<style nonce="abc+/$&=">p { color: red }</style>');
    expect(locked).not.toContain('unsafe-inline');
  });

  it('says what it said', () => {
    expect(locked).toContain('<p>$& &lt;style&gt;</p>');
  });

  it('is locked also where it came without a policy', () => {
    expect(lockedPage('<html><head></head></html>', 'n')).toContain("default-src 'none'");
  });
});
