/** One element of DER (X.690): its tag byte, its content, and all of its bytes. */
export interface DerElement {
  readonly tag: number;
  readonly content: Buffer;
  readonly whole: Buffer;
}

const lengthAt = (bytes: Buffer, at: number): { readonly length: number; readonly header: number } | undefined => {
  const first = bytes[at];
  if (first === undefined || first === 0x80) return undefined;
  if (first < 0x80) return { length: first, header: 1 };
  const count = first & 0x7f;
  // Four bytes of length are more than any certificate of a role file can need.
  if (count > 4 || at + 1 + count > bytes.length) return undefined;
  const length = bytes.readUIntBE(at + 1, count);
  const minimal = length >= 0x80 && bytes[at + 1] !== 0;
  return minimal ? { length, header: 1 + count } : undefined;
};

/** The element at the start of the bytes, or undefined where there is none in DER's one form (low tag numbers, minimal lengths). */
export function readElement(bytes: Buffer): DerElement | undefined {
  const tag = bytes[0];
  if (tag === undefined || (tag & 0x1f) === 0x1f) return undefined;
  const size = lengthAt(bytes, 1);
  if (size === undefined) return undefined;
  const end = 1 + size.header + size.length;
  if (end > bytes.length) return undefined;
  return { tag, content: bytes.subarray(1 + size.header, end), whole: bytes.subarray(0, end) };
}

/** Every element that stands side by side in the bytes, or undefined where they do not end where an element ends. */
export function readElements(bytes: Buffer): readonly DerElement[] | undefined {
  const elements: DerElement[] = [];
  let rest = bytes;
  while (rest.length > 0) {
    const element = readElement(rest);
    if (element === undefined) return undefined;
    elements.push(element);
    rest = rest.subarray(element.whole.length);
  }
  return elements;
}

const element = (tag: number, content: Buffer): Buffer => {
  const { length } = content;
  const header = length < 0x80 ? [tag, length] : [tag, 0x81, length];
  return Buffer.concat([Buffer.from(header), content]);
};

/** An unsigned number as INTEGER: no zeros in front but one that keeps it from being negative. */
function integer(bytes: Buffer): Buffer {
  let from = 0;
  while (from < bytes.length - 1 && bytes[from] === 0) from += 1;
  const digits = bytes.subarray(from);
  return element(0x02, (digits[0] ?? 0) < 0x80 ? digits : Buffer.concat([Buffer.alloc(1), digits]));
}

/** An ECDSA signature, r and s side by side in as many bytes each (IEEE P1363), as Ecdsa-Sig-Value (RFC 3279 §2.2.3); at most 240 bytes. */
export function ecdsaSignature(sides: Buffer): Buffer {
  const half = sides.length / 2;
  return element(0x30, Buffer.concat([integer(sides.subarray(0, half)), integer(sides.subarray(half))]));
}
