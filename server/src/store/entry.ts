/**
 * The bytes of a file of the store: a header that says what the file is, then the encoded value. Little-endian:
 *
 *      0   8  magic, `89 4F 50 53 0D 0A 1A 0A`
 *      8   4  version of the format
 *     12  32  key: a file under another's name is not taken for it
 *     44   8  length of the encoded value
 *     52  32  SHA-256 of the 52 bytes above and the encoded value
 *     84      the encoded value
 */
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { FORMAT_VERSION } from './key.js';

const MAGIC = Buffer.from('894F50530D0A1A0A', 'hex');
const KEY_AT = 12;
const LENGTH_AT = 44;
const CHECKSUM_AT = 52;
const VALUE_AT = 84;
/** So much is hashed in one turn of the event loop. */
const CHUNK = 1 << 21;

/** The header of the file that holds `value` under `key`. */
export async function entryHeader(key: string, value: Uint8Array): Promise<Uint8Array> {
  const header = Buffer.alloc(VALUE_AT);
  MAGIC.copy(header);
  header.writeUInt32LE(FORMAT_VERSION, MAGIC.length);
  header.write(key, KEY_AT, 'hex');
  header.writeBigUInt64LE(BigInt(value.length), LENGTH_AT);
  (await checksum(header.subarray(0, CHECKSUM_AT), value)).copy(header, CHECKSUM_AT);
  return header;
}

/** The encoded value that a file holds under `key`; undefined for a file that is torn, foreign, or of another version. */
export async function entryValue(key: string, file: Uint8Array): Promise<Uint8Array | undefined> {
  if (file.length < VALUE_AT) return undefined;
  const header = Buffer.from(file.buffer, file.byteOffset, VALUE_AT);
  const value = file.subarray(VALUE_AT);
  const expected = await entryHeader(key, value);
  return header.equals(expected) ? value : undefined;
}

async function checksum(start: Uint8Array, value: Uint8Array): Promise<Buffer> {
  const hash = createHash('sha256').update(start);
  for (let at = 0; at < value.length; at += CHUNK) {
    if (at > 0) await setImmediate();
    hash.update(value.subarray(at, at + CHUNK));
  }
  return hash.digest();
}
