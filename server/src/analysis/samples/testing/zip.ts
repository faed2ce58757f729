/** Writes ZIP archives for tests. Not part of the product. */
import { deflateRawSync } from 'node:zlib';

const LOCAL_BYTES = 30;
const ENTRY_BYTES = 46;
const END_BYTES = 22;
/** numpy.savez always leaves room for ZIP64 sizes in the local record, which the directory does not repeat. */
const LOCAL_EXTRA = 20;

function record(length: number, signature: number): { bytes: Uint8Array; view: DataView } {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, signature, true);
  return { bytes, view };
}

/** An archive of the entries, deflated or stored. Its checksums are zero: nobody reads them here. */
export function zipBytes(entries: Readonly<Record<string, Uint8Array>>, deflated = false): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let offset = 0;
  for (const [text, content] of Object.entries(entries)) {
    const name = new TextEncoder().encode(text);
    const packed = deflated ? new Uint8Array(deflateRawSync(content)) : content;
    const local = record(LOCAL_BYTES + name.length + LOCAL_EXTRA, 0x04034b50);
    local.view.setUint16(26, name.length, true);
    local.view.setUint16(28, LOCAL_EXTRA, true);
    local.bytes.set(name, LOCAL_BYTES);
    const entry = record(ENTRY_BYTES + name.length, 0x02014b50);
    entry.view.setUint16(10, deflated ? 8 : 0, true);
    entry.view.setUint32(20, packed.length, true);
    entry.view.setUint32(24, content.length, true);
    entry.view.setUint16(28, name.length, true);
    entry.view.setUint32(42, offset, true);
    entry.bytes.set(name, ENTRY_BYTES);
    parts.push(local.bytes, packed);
    directory.push(entry.bytes);
    offset += local.bytes.length + packed.length;
  }
  const end = record(END_BYTES, 0x06054b50);
  end.view.setUint16(10, directory.length, true);
  end.view.setUint32(
    12,
    directory.reduce((length, { length: own }) => length + own, 0),
    true,
  );
  end.view.setUint32(16, offset, true);
  return new Uint8Array(Buffer.concat([...parts, ...directory, end.bytes]));
}
