/** Pictures that a text detector takes for lines of text: random strokes. Written as files, since samples are files. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';

const SIDE = 96;
/** Background, ink and height of a line. */
const STYLES = [
  [2, -2, 10],
  [-2, 2, 10],
  [2, -2, 20],
  [1, -1, 14],
  [1.5, -2, 12],
  [-1, 1.5, 16],
  [0.5, -1.5, 10],
  [2, 0, 12],
] as const;

/** Writes `strokes-0.npy` and so on, FP32 [1, 3, 96, 96], the same in each run. */
export function writeStrokes(folder: string, count: number): void {
  for (let index = 0; index < count; index++) {
    writeFileSync(path.join(folder, `strokes-${index}.npy`), npy(picture(index)));
  }
}

function picture(index: number): Float32Array {
  const [paper, ink, height] = STYLES[index % STYLES.length] ?? STYLES[0];
  let state = 11 + index;
  const random = (): number => (state = (state * 48271) % 2147483647) / 2147483647;
  const values = Float32Array.from({ length: 3 * SIDE * SIDE }, () => paper + 0.05 * (random() - 0.5));
  const paint = (x: number, y: number): void => {
    if (x >= SIDE || y >= SIDE) return;
    for (let channel = 0; channel < 3; channel++) values[(channel * SIDE + y) * SIDE + x] = ink;
  };
  const width = Math.round(height * 0.6);
  for (let line = 0; line < 3; line++) {
    const top = Math.floor(8 + line * height * 1.5);
    for (let left = 8; left < SIDE - 8 - width; left += width + 2) {
      for (let stroke = 0; stroke < 3; stroke++) {
        const isUpright = random() < 0.5;
        const at = Math.floor(random() * (isUpright ? width : height));
        for (let along = 0; along < (isUpright ? height : width); along++) {
          for (const thick of [0, 1]) {
            if (isUpright) paint(left + at + thick, top + along);
            else paint(left + along, top + at + thick);
          }
        }
      }
    }
  }
  return values;
}

/** The NPY format, version 1.0: its header fills 128 bytes. */
function npy(values: Float32Array): Buffer {
  const magic = Buffer.from('\u0093NUMPY\u0001\u0000v\u0000', 'latin1');
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3, ${SIDE}, ${SIDE}), }`;
  return Buffer.concat([magic, Buffer.from(`${header.padEnd(117)}\n`), Buffer.from(values.buffer)]);
}
