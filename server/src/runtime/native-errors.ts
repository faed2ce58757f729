/** Makes the messages of ONNX Runtime readable. Knows nothing of sessions. */

/** `/onnxruntime_src/onnxruntime/core/graph/model.cc:180 `, where the runtime's own code stands. */
const SOURCE_LOCATION = /(?:^|\s)\S*onnxruntime\S*\.(?:cc|h|cpp|hpp):\d+\s+/;

/**
 * The message of a native error without the place in the runtime's source and the C++ signature and condition that
 * follow it, on one line. A message without these stays as it is.
 */
export function cleanedMessage(error: unknown): string {
  const message = (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ').trim();
  const location = SOURCE_LOCATION.exec(message);
  if (location === null) return message;
  const before = message.slice(0, location.index);
  const after = withoutCondition(
    withoutFunction(location[0], message.slice(location.index + location[0].length)),
  );
  const cleaned = `${before} ${after}`.trim();
  return cleaned === '' ? message : cleaned;
}

/** Microsoft's compiler gives a function's name only, the others the whole signature. */
function withoutFunction(location: string, text: string): string {
  return location.includes('\\') ? text.replace(/^\S+\s/, '') : withoutSignature(text);
}

/** `void ns::Class::Method(const A&, B<C>) const [with T = int] text` -> `text`. */
function withoutSignature(text: string): string {
  const head = /^[^()]*::[^()]*\(|^\w+\(/.exec(text);
  if (head === null) return text;
  let rest = afterBalanced(text, head[0].length, '(', ')');
  for (;;) {
    // A call operator, a lambda inside the function, qualifiers, template arguments.
    const more = /^\(|^\s*(?:::[^\s(]*\(|const\b|noexcept\b|\[with )/.exec(rest);
    if (more === null) return rest.trim();
    if (more[0].endsWith('(')) rest = afterBalanced(rest, more[0].length, '(', ')');
    else if (more[0].endsWith('[with ')) rest = afterBalanced(rest, more[0].length, '[', ']');
    else rest = rest.slice(more[0].length);
  }
}

/** What follows the bracket that closes the one opened just before `start`; nothing where it is never closed. */
function afterBalanced(text: string, start: number, open: string, close: string): string {
  let depth = 1;
  for (let at = start; at < text.length; at++) {
    if (text[at] === open) depth += 1;
    else if (text[at] === close) depth -= 1;
    if (depth === 0) return text.slice(at + 1).replace(/^>/, '');
  }
  return '';
}

/** `x == 1 was false. text` -> `text`, if there is a text. */
function withoutCondition(text: string): string {
  const marker = ' was false. ';
  const at = text.indexOf(marker);
  const rest = at < 0 ? '' : text.slice(at + marker.length).trim();
  return rest === '' ? text : rest;
}
