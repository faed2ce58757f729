/**
 * How long parsing and formatting take, by the number of lines, and whether time grows in proportion. Prints one line
 * per size and operation; fails nothing, since a shared machine's clock proves nothing.
 *
 *     parse   10000 lines    424.8 kB     4.40 ms    2273 lines/ms   growth 1.02
 *
 * Growth is the time per line divided by that of the size before: 1 is linear.
 */
import { formatText, parse } from '../../server/src/language/index.js';

const SIZES = [1_000, 10_000, 100_000];
const ROUNDS = 31;

/** A plan such as `init --expand` and people write: mostly one layer a line, some rules, options and comments. */
function generatePlan(lines: number): string {
  const text = [
    'model "model.onnx"',
    'input "image" from "inputs/*.npy"',
    'tolerance "y" relative_l2 <= 1e-3',
    '',
  ];
  for (let line = text.length; line < lines; line++) {
    const stage = Math.floor(line / 50);
    const name = `/backbone/stages.${stage}/blocks.${line % 50}/conv/Conv`;
    if (line % 50 === 0) text.push(`# stage ${stage}`);
    else if (line % 50 === 49 && line + 1 < lines) text.push('');
    else if (line % 10 === 3)
      text.push(`layer "${name}": fp32 { reason: "beyond 65504 in sample ${line}", pinned: true }`);
    else if (line % 25 === 7) text.push('op Softmax, LayerNormalization, com.microsoft.Gelu: fp32');
    else text.push(`layer "${name}": fp16`);
  }
  return `${text.join('\n')}\n`;
}

function medianMilliseconds(work: () => void): number {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    work();
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  return times[ROUNDS >> 1] ?? Number.NaN;
}

function report(name: string, work: (text: string) => void): void {
  let before: number | undefined;
  for (const lines of SIZES) {
    const text = generatePlan(lines);
    const milliseconds = medianMilliseconds(() => {
      work(text);
    });
    const perLine = milliseconds / lines;
    const columns = [
      name.padEnd(7),
      `${String(lines).padStart(6)} lines`,
      `${(text.length / 1000).toFixed(1).padStart(8)} kB`,
      `${milliseconds.toFixed(2).padStart(8)} ms`,
      `${String(Math.round(1 / perLine)).padStart(6)} lines/ms`,
      before === undefined ? '' : `growth ${(perLine / before).toFixed(2)}`,
    ];
    console.log(columns.join('  ').trimEnd());
    before = perLine;
  }
}

// A first round that is not reported, so that the smallest size is not charged with the compiler's work.
for (let round = 0; round < 20; round++) formatText(generatePlan(1_000));
report('parse', (text) => {
  // Asking for the count keeps the work from being left out.
  if (parse(text).statements.length === 0) throw new Error('nothing was parsed');
});
report('format', (text) => {
  if (formatText(text) !== text) throw new Error('the generated plan is not formatted');
});
