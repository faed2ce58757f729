/**
 * Says what a file that is no ONNX model is instead, with a way out where there is one. Asked only after reading
 * has failed, so that a guess from the first bytes can never refuse a model.
 */
import type { ByteSource } from './model.js';

const LOOKED_AT = 512;

const SIGNATURES: readonly { readonly at: number; readonly text: string; readonly words: string }[] = [
  {
    at: 0,
    text: 'PK\x03\x04',
    words: 'it is a ZIP archive, as PyTorch and Keras save them; export the model to ONNX first',
  },
  { at: 0, text: '\x1f\x8b', words: 'it is compressed with gzip; unpack it first' },
  {
    at: 0,
    text: '\x89HDF',
    words: 'it is an HDF5 file, as Keras saves them; export the model to ONNX first',
  },
  { at: 0, text: '\x80\x02', words: 'it is a Python pickle; export the model to ONNX first' },
  { at: 4, text: 'TFL3', words: 'it is a TensorFlow Lite model; convert it to ONNX first' },
  { at: 4, text: 'ORTM', words: 'it is in the ORT format; open the ONNX model that it was made from' },
  { at: 0, text: 'GGUF', words: 'it is a GGUF model; export the model to ONNX instead' },
];

/** What the file is, as the end of the sentence "this is no ONNX model: ...", or undefined. */
export function otherFileKind(source: ByteSource): string | undefined {
  const start = source.read(0, Math.min(LOOKED_AT, source.length));
  const text = Buffer.from(start).toString('latin1');
  if (text.startsWith('version https://git-lfs.github.com/')) {
    return 'it is a Git LFS pointer to the model; fetch the model with `git lfs pull`';
  }
  for (const signature of SIGNATURES) {
    if (text.startsWith(signature.text, signature.at)) return signature.words;
  }
  if (/^\s*<(!doctype|html)/i.test(text))
    return 'it is a web page, perhaps an error that was saved in place of a download';
  // Printable ASCII throughout: no message of ONNX looks like that, its first byte being a tag.
  return /^[\t\r\n\x20-\x7e]+$/.test(text) ? 'it is a text file' : undefined;
}
