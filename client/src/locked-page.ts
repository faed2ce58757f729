/** A report's page for a webview: allowed no more than the styles that came with it. Pure. */

const POLICY = /<meta http-equiv="Content-Security-Policy" content="[^"]*">/u;

/**
 * Puts a policy of our own in place of the page's, which has to be content with what a browser can check in a file: here only
 * the style element of the head counts, by a number used once.
 *
 * @param nonce unguessable, new for every page
 */
export function lockedPage(page: string, nonce: string): string {
  const policy = `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'nonce-${nonce}'">`;
  const withoutPolicy = page.replace(POLICY, '');
  return withoutPolicy
    .replace(/<head>/u, () => `<head>${policy}`)
    .replace(/<style>/u, () => `<style nonce="${nonce}">`);
}
